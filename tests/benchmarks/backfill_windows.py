"""A backfill of 1,440 one-minute windows over 20 million logs against one full scan with the same grouping: cold processes, alternating.

    python -m tests.benchmarks.backfill_windows [--folder DIR] [--logs 20000000] [--rounds 3] [--sample 12]

The data is that of `query_vs_duckdb`, made once per folder. Rows are compared with those of single runs of some of the windows
(``--sample``; 1440: all), each its own pipeline. Ratios are what counts: absolute times belong to the machine.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from tests.benchmarks.query_vs_duckdb import DAY, FIRST, make_data
from tests.benchmarks.timing import alternate, python
from transforms.core.errors import NotFound
from transforms.core.interval import Interval
from transforms.schedule.task_config import read_task
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

SELECT = "status, count(1) as pv, sum(bytes) as bytes, avg(latency) as latency, approx_distinct(userid) as uv"
QUERY = f"* | select __time__ - __time__ % 60 as minute, {SELECT} group by minute, status limit 1000000"
SCRIPT = f"* | select {SELECT} group by status"


def make_task(home: Home, name: str, windows: int) -> None:
    """A task by the minute, its destination, and (of the schedule's past) a backfill of all windows of the day. What is there is made anew."""
    with suppress(NotFound):
        home.schedule_ledger().delete_task(DEFAULT_PROJECT, name)
    with suppress(NotFound):
        home.delete_logstore(DEFAULT_PROJECT, name)
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(1)))
    document = {
        "name": name,
        "schedule": {"type": "FixedRate", "interval": "1m"},
        "configuration": {"script": SCRIPT, "sourceLogstore": "game_log", "destLogstore": name, "dataFormat": "log2log",
                          "fromTimeExpr": "@m-1m", "toTimeExpr": "@m", "fromTime": FIRST + DAY + 60},
    }  # fmt: skip
    ledger = home.schedule_ledger()
    ledger.create_task(read_task(document, DEFAULT_PROJECT), enabled=False)
    ledger.create_backfill(DEFAULT_PROJECT, name, Interval(FIRST + 60, FIRST + 60 * windows + 1), again=False, reason="benchmark")


def rows(home: Home, name: str) -> dict[int, Counter[tuple[str, ...]]]:
    """What a destination holds, by minute."""
    found: dict[int, Counter[tuple[str, ...]]] = {}
    for group in home.open_logstore(DEFAULT_PROJECT, name).read():
        for second, log in zip(group.seconds.to_pylist(), group.to_logs(), strict=True):
            # A sum of doubles depends on their order in the last digits.
            row = (log["status"], log["pv"], log["bytes"], f"{float(log['latency']):.9g}", log["uv"])
            found.setdefault(second, Counter())[row] += 1
    return found


def compare(home: Home, sample: int) -> int:
    """Run some windows singly, in another destination, and compare; the number that was compared."""
    from pipelines.launch import options_of
    from pipelines.scheduled_sql import run_recorded

    make_task(home, "single", 1)
    ledger = home.schedule_ledger()
    minutes = sorted(random.Random(5).sample(range(DAY // 60), sample))
    for minute in minutes:
        turn = ledger.claim_at(DEFAULT_PROJECT, "single", FIRST + 60 * (minute + 1), "benchmark", 60)
        run_recorded(home, turn, options_of([]))
    singly, together = rows(home, "single"), rows(home, "backfill")
    for minute in minutes:
        at = FIRST + 60 * minute
        assert singly[at] == together[at] and singly[at], f"minute {minute}: {singly.get(at)} singly, {together.get(at)} in the backfill"
    return len(minutes)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/logsluice-benchmark"))
    parser.add_argument("--logs", type=int, default=20_000_000)
    parser.add_argument("--users", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=12)
    arguments = parser.parse_args()
    folder = arguments.folder
    make_data(folder, arguments.logs, arguments.users)
    home = Home(folder / "home")
    ours = [python(), "-m", "pipelines", "--home", str(home.path)]
    commands = {
        "scan": [*ours, "query", "game_log", QUERY, "--format", "jsonl"],
        "backfill": [*ours, "backfill", "apply", "backfill", "1"],
    }
    measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        make_task(home, "backfill", DAY // 60)
        for name, command in commands.items():
            before = _cpu_seconds()
            got = alternate({name: command}, 1)[name]
            measured[name].append((got.seconds, _cpu_seconds() - before, got.peak_mb))
    scan, backfill = ([statistics.median(values) for values in zip(*measured[name], strict=True)] for name in commands)
    compared = compare(home, arguments.sample)
    home.close()
    wall, cpu = backfill[0] / scan[0], backfill[1] / scan[1]
    sys.stdout.write(
        f"| {arguments.logs:,} logs | wall | CPU | peak memory |\n|---|---:|---:|---:|\n"
        f"| one scan, the same groups | {scan[0]:.2f} s | {scan[1]:.2f} s | {scan[2]:.0f} MB |\n"
        f"| backfill of 1,440 windows | {backfill[0]:.2f} s | {backfill[1]:.2f} s | {backfill[2]:.0f} MB |\n"
        f"| ratio (target ≤ 10) | {wall:.1f} × | {cpu:.1f} × | {backfill[2] / scan[2]:.1f} × |\n"
        f"\nrows of {compared} windows equal those of single runs\n"
    )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
