"""What a commit and a look cost in a table with many commits behind it, against the same table when it was young.

    python -m tests.benchmarks.log_growth [--commits 20000] [--runs 15]

The entries of the commits are written by hand, which only the log's folder feels. ``kept in the log`` is what the table library leaves to
itself; ``archived`` is what upkeep makes of it once a checkpoint is old enough.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deltalake import DeltaTable

from transforms.connectors.delta import create_delta_logstore, open_delta_logstore
from transforms.connectors.delta.log_files import GRACE_S, entry_path, shorten
from transforms.connectors.delta.storage import storage_of
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards


def processor(act: Callable[[], object], runs: int) -> float:
    """Median seconds of processor time, all threads."""
    found = []
    for _ in range(runs):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return statistics.median(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logsluice-growth-") as folder:
        descriptor = LogstoreDescriptor("bench", "web", f"{folder}/web", even_shards(1))
        create_delta_logstore(descriptor)

        def commit() -> None:
            open_delta_logstore(descriptor).append([LogGroup.from_logs([{"n": "1"}], [1])])

        def tell(name: str) -> None:
            look, write = (1_000 * processor(act, asked.runs) for act in (lambda: DeltaTable(descriptor.location), commit))
            sys.stdout.write(f"{name:<28} a look {look:6.1f} ms of processor, a commit {write:6.1f}\n")

        commit()
        tell("young")
        table = DeltaTable(descriptor.location)
        for number in range(table.version() + 1, table.version() + 1 + asked.commits):
            path = Path(descriptor.location) / entry_path(number)
            path.write_text(json.dumps({"txn": {"appId": "lane", "version": number}}) + "\n")
        DeltaTable(descriptor.location).create_checkpoint()
        tell(f"{asked.commits:,} kept in the log")
        shorten(storage_of(descriptor), time.time() + GRACE_S)
        tell(f"{asked.commits:,} archived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
