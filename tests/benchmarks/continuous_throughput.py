"""A backlog through a continuous job's instances against the bounded pipeline over the same logs, and what one small round costs.

    python -m tests.benchmarks.continuous_throughput [--logs 2000000] [--shards 4] [--runs 3] [--rounds 100] [--processes]

In alternating runs, in this process: the bounded pipeline, and one instance's rounds (slices of ROWS logs at most, intents and commits
included). With ``--processes`` also a real scheduler with one instance and with two, each from its first commit to its last. The rule
drops, copies, fails, and names Logstores by itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.logging_setup import configure_logging

configure_logging()  # before Beam is imported

from pipelines.data_transformation import run_transform  # noqa: E402
from pipelines.home import DEFAULT_PROJECT  # noqa: E402
from pipelines.launch import options_of  # noqa: E402
from pipelines.transformation.transform_job import read_job  # noqa: E402
from pipelines.transformation.transform_plan import plan_transform  # noqa: E402
from tests.jobs.job_rule import MAIN  # noqa: E402
from tests.jobs.job_world import SOURCE, JobWorld  # noqa: E402
from tests.jobs.writer_program import numbered  # noqa: E402
from tests.pipelines.slice_world import World  # noqa: E402
from transforms.core.clock import SystemClock  # noqa: E402

COMMIT = 50_000
ROWS = 250_000
"""Most logs of a shard's slice."""


def fill(world: JobWorld, logs: int, shards: int) -> None:
    store = world.source
    for number, first in enumerate(range(0, logs, COMMIT)):
        store.commit(store.write_files([numbered(first, COMMIT)], shard=number % shards))


def bounded(world: JobWorld) -> float:
    """Logs a second."""
    job, options = read_job(world.job_file(), DEFAULT_PROJECT), options_of([])
    began = time.perf_counter()
    finished = run_transform(world.home, plan_transform(world.home, DEFAULT_PROJECT, job, SystemClock().now_us()), options, SystemClock())
    return finished.report.read / (time.perf_counter() - began)


def rounds_here(world: JobWorld) -> float:
    """Logs a second."""
    instance = World(world.home, world.job_file(name="rounds"))
    began = time.perf_counter()
    with instance.rounds:
        instance.drain(ROWS)
        took = time.perf_counter() - began
    return world.home.open_logstore(DEFAULT_PROJECT, SOURCE).snapshot().rows_total / took


def processes(instances: int) -> Callable[[JobWorld], float]:
    """Logs a second of a real scheduler's instances, between their first commit and their last."""

    def run(world: JobWorld) -> float:
        world.create(extra=f"instances: {{least: {instances}, most: {instances}}}\n")
        scheduler = world.scheduler()
        world.catches_up(300)
        world.end(scheduler)
        files = world.home.open_logstore(DEFAULT_PROJECT, MAIN).snapshot().files
        moments = [file.receive_time or 0 for file in files]
        rows = sum(file.rows for file in files if (file.receive_time or 0) > min(moments))
        share = rows / sum(file.rows for file in files)
        total = world.source.snapshot().rows_total
        return share * total / ((max(moments) - min(moments)) / 1e6) if share else 0.0

    return run


def small_rounds(rounds: int) -> str:
    """What a round over a few logs costs, and its commits."""
    with tempfile.TemporaryDirectory(prefix="logsluice-throughput-") as folder, JobWorld(Path(folder)) as world:
        instance = World(world.home, world.job_file())
        compute, commit, wall = [], [], []
        with instance.rounds:
            for number in range(rounds + 5):
                world.append(*range(20 * number, 20 * number + 10), shard=0)
                world.append(*range(20 * number + 10, 20 * number + 20), shard=1)
                slices = instance.begin()
                began, used = time.perf_counter(), time.process_time()
                computed = instance.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})
                between = time.process_time()
                instance.commits.commit(instance.epochs, slices, computed)
                compute.append(between - used)
                commit.append(time.process_time() - between)
                wall.append(time.perf_counter() - began)
    medians = [1_000 * statistics.median(times[5:]) for times in (compute, commit, wall)]
    return "a round of 20 logs of two shards: {:.0f} ms of processor, its commits {:.0f} ms; {:.0f} ms together by the clock".format(
        *medians
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=2_000_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--processes", action="store_true")
    asked = parser.parse_args()
    kinds: dict[str, Callable[[JobWorld], float]] = {"bounded pipeline": bounded, "rounds of one instance": rounds_here}
    if asked.processes:
        kinds |= {"one instance, a process": processes(1), "two instances": processes(2)}
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(asked.runs):
        for name, run in kinds.items():
            with (
                tempfile.TemporaryDirectory(prefix="logsluice-throughput-") as folder,
                JobWorld(Path(folder), shards=asked.shards) as world,
            ):
                fill(world, asked.logs, asked.shards)
                rates[name].append(run(world))
    least = statistics.median(rates["bounded pipeline"])
    for name, found in rates.items():
        rate = statistics.median(found)
        sys.stdout.write(f"{name:<26} {rate / 1_000:8,.0f} k logs/s   {rate / least:5.2f} x\n")
    if asked.rounds:
        sys.stdout.write(small_rounds(asked.rounds) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
