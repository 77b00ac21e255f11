"""How small a roll-up is: 10 million logs a day by the second and by the minute, rows exact and bytes measured, and what `task estimate` says.

    python -m tests.benchmarks.roll_up_sizes [--hours 2]

3.6 billion logs a year are 114 logs a second; by the second there are 31.5 million rows left of them, by the minute 525 thousand. The
logs are the game's twelve fields; a row of the roll-up has its time, a count and a sum. Both are measured as compaction leaves them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from pipelines.backfill_windows import apply_backfill
from pipelines.demo_data import GAME_INDEX, game_columns
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.schedule.task_estimate import estimate_task
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task
from transforms.stores.logstore import LogstoreDescriptor, Snapshot
from transforms.stores.shard import even_shards

YEAR_LOGS, YEAR_SECONDS = 3_600_000_000, 365 * 86_400
FIRST = 1_767_225_600
STEPS = {"second": 1, "minute": 60}


def game_group(seed: int, count: int, first: int, seconds: int) -> LogGroup:
    """Logs of every second of a span."""
    import numpy as np
    import pyarrow as pa

    columns = game_columns(seed, count, first, seconds, 50_000)
    out = {TIME: pa.array(columns.pop(TIME), pa.int64()), TIME_NS: pa.array(np.zeros(count, np.int32))}
    for name, values in columns.items():
        missing = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
        out[column_of(name)] = pa.array(np.ma.getdata(values), mask=missing).cast(pa.string())
    return LogGroup(pa.table(out))


def make_task(home: Home, step: str, seconds: int) -> Task:
    """A row for each step of a minute's, or an hour's, window; its destination."""
    name, width = f"by-{step}", STEPS[step]
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(1)))
    select = f"__time__ - __time__ % {width} as __time__, count(1) as pv, sum(bytes) as bytes"
    document = {
        "name": name,
        "schedule": {"type": "FixedRate", "interval": "1h"},
        "configuration": {"script": f"* | select {select} group by __time__ - __time__ % {width}", "sourceLogstore": "game_log",
                          "destLogstore": name, "fromTimeExpr": "@h-1h", "toTimeExpr": "@h", "fromTime": FIRST + seconds + 3_600},
    }  # fmt: skip
    task = read_task(document, DEFAULT_PROJECT)
    home.schedule_ledger().create_task(task, enabled=False)
    return task


def stored(home: Home, name: str) -> Snapshot:
    """A Logstore as it is once its small files are compacted."""
    store = home.open_logstore(DEFAULT_PROJECT, name)
    store.compact(min_files=2)
    return store.snapshot()


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=2)
    hours = parser.parse_args().hours
    with tempfile.TemporaryDirectory() as folder:
        home = Home.create(Path(folder) / "home")
        source = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "game_log", "", even_shards(1), GAME_INDEX))
        each = round(YEAR_LOGS / YEAR_SECONDS * 900)
        for number in range(4 * hours):
            source.append([game_group(number, each, FIRST + 900 * number, 900)])
        logs = stored(home, "game_log")
        sys.stdout.write(
            f"| {logs.rows_total:,} logs, {logs.bytes_total / 1e6:.1f} MB | rows | of the logs | bytes | of the logs | estimated |\n"
        )
        sys.stdout.write("|---|---:|---:|---:|---:|---:|\n")
        for step, width in STEPS.items():
            task = make_task(home, step, 3_600 * hours)
            whole = Interval(FIRST + 3_600, FIRST + 3_600 * hours + 1)
            asked = home.schedule_ledger().create_backfill(DEFAULT_PROJECT, task.name, whole, again=False, reason="benchmark")
            apply_backfill(home, DEFAULT_PROJECT, task.name, asked.number, note=lambda _text: None, progress=lambda _done: None)
            rolled = stored(home, task.name)
            assert rolled.rows_total == 3_600 * hours // width, "a row for each step, none lost, none doubled"
            estimate = estimate_task(home, task)
            size = 0.0 if estimate.bytes_day is None else 100 * estimate.bytes_day / estimate.source.bytes
            sys.stdout.write(
                f"| by the {step} | {rolled.rows_total:,} | {100 * rolled.rows_total / logs.rows_total:.3f} % | {rolled.bytes_total:,} | "
                f"{100 * rolled.bytes_total / logs.bytes_total:.3f} % | {size:.3f} % |\n"
            )
        home.close()


if __name__ == "__main__":
    main()
