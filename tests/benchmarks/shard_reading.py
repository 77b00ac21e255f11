"""What reading shards costs after many small commits: CPU milliseconds, one process, one run.

    python -m tests.benchmarks.shard_reading [--folder DIR] [--commits 2000] [--logs 100]

An idle poll is a pull at the end of a shard. Reading everything is measured from the files as they were written and, after compaction and
vacuum, from the files that compaction made.
"""

from __future__ import annotations

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # before Polars is imported

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from transforms.connectors.delta import create_delta_logstore, open_delta_logstore
from transforms.core.log_group import LogGroup
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards


def milliseconds(work: Callable[[], object], times: int = 1) -> float:
    """CPU time of one call."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times * 1_000


def read_all(store: Logstore) -> int:
    """Pull every shard from its beginning to its end."""
    logs = 0
    for shard in store.extents().shards:
        cursor = BEGIN
        while (answer := store.pull(shard, cursor)).group is not None:
            logs, cursor = logs + answer.group.num_rows, answer.cursor
    return logs


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/logsluice-benchmark"))
    parser.add_argument("--commits", type=int, default=2_000)
    parser.add_argument("--logs", type=int, default=100, help="of one commit")
    arguments = parser.parse_args()
    folder: Path = arguments.folder / "shards"
    shutil.rmtree(folder, ignore_errors=True)
    descriptor = LogstoreDescriptor("benchmark", "shards", str(folder), even_shards(4))
    create_delta_logstore(descriptor)
    writer = open_delta_logstore(descriptor)
    logs = LogGroup.from_logs([{"n": str(n), "message": "GET /index.html " * 4} for n in range(arguments.logs)], [0] * arguments.logs)
    found = {"commit": milliseconds(lambda: writer.append([logs]), arguments.commits)}
    reader = open_delta_logstore(descriptor)
    found["extents, the first time"] = milliseconds(reader.extents)
    found["extents, again"] = milliseconds(reader.extents, 1_000)
    end = reader.end_cursor(0)
    found["idle poll"] = milliseconds(lambda: reader.pull(0, end), 1_000)
    middle = (reader.time_of(0, BEGIN) + reader.time_of(0, end)) // 2
    found["cursor of a time in the middle"] = milliseconds(lambda: open_delta_logstore(descriptor).cursor_of(0, middle))
    found["first pull of 1,000 logs"] = milliseconds(lambda: open_delta_logstore(descriptor).pull(0, BEGIN, max_rows=1_000))
    total = arguments.commits * arguments.logs
    found[f"read {total:,} logs"] = milliseconds(lambda: read_all(reader))
    writer.compact(min_files=2)
    writer.vacuum(older_than_hours=0)
    fresh = open_delta_logstore(descriptor)
    found["the same, compacted and vacuumed"] = milliseconds(lambda: read_all(fresh))
    shutil.rmtree(folder)
    lines = [f"| {name} | {cost:,.3f} |" for name, cost in found.items()]
    sys.stdout.write("\n".join([f"| after {arguments.commits:,} commits | CPU ms |", "|---|---:|", *lines, ""]))


if __name__ == "__main__":
    main()
