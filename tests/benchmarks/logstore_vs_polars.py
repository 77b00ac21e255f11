"""Reading and writing a Logstore of ten text fields against Polars alone: CPU seconds on one core, alternating, one run.

    python -m tests.benchmarks.logstore_vs_polars [--folder DIR] [--logs 1000000] [--rounds 5]

Polars reads the same Parquet files whole, and writes the same frames without order, durability or types. Its own default level of
zstd is compared, and the level that a Logstore has.
"""

from __future__ import annotations

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # before Polars is imported

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from transforms.connectors import create_logstore
from transforms.core.field_columns import TIME, TIME_NS
from transforms.core.log_group import MAX_ROWS, LogGroup
from transforms.stores.logstore import Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards

FILE_LOGS = 500_000


def access_log(logs: int, seed: int) -> pl.DataFrame:
    """Logs as a web server writes them, in order of time."""
    chance = np.random.default_rng(seed)

    def text(values: Any) -> pl.Series:
        return pl.Series(values).cast(pl.String)

    address = [text(chance.integers(1, 255, logs)) for _ in range(4)]
    return pl.DataFrame({
        TIME: pl.Series(np.sort(chance.integers(1_700_000_000, 1_700_086_400, logs))),
        TIME_NS: pl.zeros(logs, pl.Int32, eager=True),
        "ip": address[0] + "." + address[1] + "." + address[2] + "." + address[3],
        "status": text(chance.choice([200, 200, 200, 404, 500], logs)),
        "method": pl.Series(chance.choice(["GET", "POST", "PUT"], logs)),
        "path": "/api/v1/items/" + text(chance.integers(0, 100_000, logs)) + "/detail",
        "bytes": text(chance.integers(100, 1_000_000, logs)),
        "agent": pl.Series(chance.choice([f"Mozilla/5.0 (X11; Linux x86_64) Version/{n}" for n in range(200)], logs)),
        "request": text(chance.integers(0, 2**60, logs)) + text(chance.integers(0, 2**60, logs)),
        "host": pl.Series(chance.choice([f"web-{n}.example.com" for n in range(50)], logs)),
        "latency": text(chance.random(logs).round(6)),
        "user": "user_" + text(chance.integers(0, 50_000, logs)),
    })  # fmt: skip


def groups_of(frame: pl.DataFrame) -> list[LogGroup]:
    return [LogGroup.from_frame(frame.slice(begin, MAX_ROWS)) for begin in range(0, frame.height, MAX_ROWS)]


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/logsluice-benchmark"))
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder: Path = arguments.folder / "logstore"
    shutil.rmtree(folder, ignore_errors=True)
    store: Logstore = create_logstore(LogstoreDescriptor("benchmark", "access", str(folder), even_shards(1)))
    for seed in range(-(-arguments.logs // FILE_LOGS)):
        store.append(groups_of(access_log(min(FILE_LOGS, arguments.logs - seed * FILE_LOGS), seed)))
    frame, sample, target = access_log(FILE_LOGS, 99), groups_of(access_log(FILE_LOGS, 99)), folder.parent / "polars.parquet"
    paths = [file.path for file in store.snapshot().files]
    reads = {
        "Polars": lambda: sum(pl.read_parquet(path).height for path in paths),
        "Logstore": lambda: sum(group.num_rows for group in store.read()),
        "Logstore, as frames": lambda: sum(group.frame().height for group in store.read()),
    }
    writes: dict[str, Callable[[], object]] = {
        "Polars, zstd": lambda: frame.write_parquet(target, compression="zstd"),
        "Polars, zstd 1": lambda: frame.write_parquet(target, compression="zstd", compression_level=1),
        "Logstore": lambda: store.write_files(sample),
        "Logstore, with an origin": lambda: store.write_files(sample, origin="job/1"),
    }
    sys.stdout.write("| | logs/s of CPU | ratio |\n|---|---:|---:|\n")
    report("read", reads, arguments.logs, arguments.rounds)
    report("write", writes, FILE_LOGS, arguments.rounds)
    shutil.rmtree(folder)
    target.unlink()


def report(what: str, ways: dict[str, Callable[[], object]] | dict[str, Callable[[], int]], logs: int, rounds: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            way()
            taken[name].append(time.process_time() - started)
    first = _median(next(iter(taken.values())))
    for name, seconds in taken.items():
        sys.stdout.write(f"| {what}: {name} | {logs / _median(seconds):,.0f} | {first / _median(seconds):.2f} |\n")


def _median(seconds: Sequence[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


if __name__ == "__main__":
    main()
