"""A continuous job for half an hour: what it takes, how late its logs are, how many files its tables have; told as a table.

``LOGSLUICE_SOAK_MINUTES`` (30), ``LOGSLUICE_SOAK_RATE`` (5,000 logs a second).
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.jobs.job_outputs import check_once
from tests.jobs.job_rule import DEAD, ERRORS, MAIN, TENANTS
from tests.jobs.job_world import SOURCE, JobWorld
from transforms.core.field_columns import RECEIVE_TIME, column_of
from transforms.core.interval import Interval
from transforms.jobs.job import JobState

ROWS = 30
"""Of the table."""
WARM_ROWS = 3
"""At the beginning memory still grows: pools and caches fill."""
MOST_FILES = 600
"""Compaction comes every 64 versions of a table, of which each may have a file of each shard."""


@dataclass(frozen=True)
class Sample:
    """What was there at a moment; latency (s) and commits (of the default target, a second) since the one before."""

    minute: float
    scheduler_mb: float
    instances_mb: float
    instances: int
    p50: float
    p99: float
    logs: int
    commits: float
    files: dict[str, int]


def _resident_mb(processes: list[psutil.Process]) -> float:
    found = 0.0
    for one in processes:
        try:
            found += one.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            continue
    return found


def _latencies(world: JobWorld, since_us: int, until_us: int) -> Any:
    """Seconds from writing to being visible, of the default target's logs that became visible in between."""
    found = [np.empty(0)]
    for group in world.home.open_logstore("default", MAIN).read(received=Interval(since_us, until_us), fields=["sent"]):
        received = np.asarray(group.table.column(RECEIVE_TIME))
        found.append((received - np.asarray(group.table.column(column_of("sent")).cast("string")).astype(np.int64)) / 1e6)
    return np.concatenate(found)


def _files(world: JobWorld) -> dict[str, int]:
    """Live files of each table."""
    there = world.home.catalogue().list_logstores("default").names
    return {
        name: len(world.home.open_logstore("default", name).snapshot().files)
        for name in (SOURCE, MAIN, ERRORS, TENANTS[0], DEAD)
        if name in there
    }


def _table(samples: list[Sample]) -> str:
    lines = ["| minute | scheduler MB | instances MB | instances | p50 s | p99 s | logs | commits/s | files: " + ", ".join(samples[-1].files) + " |",
             "|---:|---:|---:|---:|---:|---:|---:|---:|---|"]  # fmt: skip
    for one in samples:
        lines.append(
            f"| {one.minute:.1f} | {one.scheduler_mb:.0f} | {one.instances_mb:.0f} | {one.instances} | {one.p50:.2f} | {one.p99:.2f} "
            f"| {one.logs:,} | {one.commits:.1f} | {', '.join(map(str, one.files.values()))} |"
        )
    return "\n".join(lines)


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_a_long_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    minutes = float(os.environ.get("LOGSLUICE_SOAK_MINUTES", "30"))
    rate = float(os.environ.get("LOGSLUICE_SOAK_RATE", "5000"))
    samples: list[Sample] = []
    with JobWorld(tmp_path, shards=2) as world:
        world.create()
        scheduler = world.scheduler()
        world.becomes(JobState.RUNNING, 120)
        writer = world.writer(rate, 1.0)
        began = time.monotonic()
        main = world.home.open_logstore("default", MAIN)
        since, version = world.ledger.now_us(), main.version()
        for row in range(1, ROWS + 1):
            time.sleep(max(0.0, began + row * minutes * 60 / ROWS - time.monotonic()))
            now, newest = world.ledger.now_us(), main.version()
            found, instances = _latencies(world, since, now), world.instances()
            p50, p99 = np.quantile(found, [0.5, 0.99]) if len(found) else (float("nan"), float("nan"))
            samples.append(
                Sample(
                    (time.monotonic() - began) / 60, _resident_mb([psutil.Process(scheduler.pid)]), _resident_mb(instances), len(instances),
                    float(p50), float(p99), len(found), (newest - version) * 1e6 / (now - since), _files(world),
                )
            )  # fmt: skip
            since, version = now, newest
            with capsys.disabled():
                print(_table(samples[-1:]).splitlines()[-1], flush=True)  # noqa: T201 (people wait for it)
        world.end(writer)
        world.catches_up(300)
        logs = check_once(world)
    with capsys.disabled():
        print(f"\n{logs:,} logs, each once\n{_table(samples)}")  # noqa: T201
    warm = samples[WARM_ROWS:]
    third = max(1, len(warm) // 3)
    for what in ("scheduler_mb", "instances_mb"):
        early, late = (statistics.median(getattr(one, what) for one in part) for part in (warm[:third], warm[-third:]))
        assert late <= 1.05 * early + 10, f"{what} has grown from {early:.0f} to {late:.0f} MB"
    assert max(max(one.files.values()) for one in samples) <= MOST_FILES
    assert logs > 0
