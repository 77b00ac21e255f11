"""From a log appended to the same log visible in its destination, and what an idle job costs.

    python -m tests.benchmarks.continuous_latency [--rate 5000] [--every 1] [--seconds 20] [--shards 2] [--idle 20]

A real scheduler runs a job whose rule drops, copies, fails and routes logs; a writer appends RATE logs a second, in a commit each EVERY
seconds. The latency of each commit's logs is the moment of the destination's commit minus the moment they were written: both stamps are of
this machine's clock. Idle cost: processor seconds per second of the scheduler and of the instance, with nothing to read.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from tests.jobs.job_rule import MAIN
from tests.jobs.job_world import SOURCE, JobWorld, until
from transforms.core.field_columns import RECEIVE_TIME, column_of


def processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def latencies(world: JobWorld) -> np.ndarray:
    """Seconds of each log of the default target."""
    found = []
    for group in world.home.open_logstore("default", MAIN).read(fields=["sent"]):
        received = np.asarray(group.table.column(RECEIVE_TIME))
        found.append((received - np.asarray(group.table.column(column_of("sent"))).astype(np.int64)) / 1e6)
    return np.concatenate(found)


def idle(world: JobWorld, scheduler: int, seconds: float) -> str:
    """What the processes cost while nothing comes."""
    watched = {"scheduler": psutil.Process(scheduler), "instance": world.instances()[0]}
    began, before = time.monotonic(), {name: processor_seconds(one) for name, one in watched.items()}
    time.sleep(seconds)
    passed = time.monotonic() - began
    shares = {name: 100 * (processor_seconds(one) - before[name]) / passed for name, one in watched.items()}
    return ", ".join(f"{name} {share:.2f} % of a core" for name, share in shares.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--every", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--idle", type=float, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logsluice-latency-") as folder, JobWorld(Path(folder), shards=asked.shards) as world:
        world.create()
        world.append(0)
        scheduler = world.scheduler()
        world.catches_up()
        time.sleep(8)
        cost = idle(world, scheduler.pid, asked.idle) if asked.idle else ""
        instance = world.instances()[0]
        writer = world.writer(asked.rate, asked.every)
        used = processor_seconds(instance)
        until(lambda: world.delivered() > asked.rate * asked.seconds, 10 * asked.seconds + 30)
        share = (processor_seconds(instance) - used) / asked.seconds
        world.end(writer)
        world.catches_up()
        world.check()
        found = latencies(world)[1:]
        logs = sum(len(world.logs(name)) for name in (SOURCE,))
        commits = world.home.open_logstore("default", MAIN).version()
    middle, high = np.quantile(found, [0.5, 0.99])
    sys.stdout.write(
        f"{asked.rate:,.0f} logs a second in commits each {asked.every:g} s, {logs:,} logs, each once: p50 {middle:.2f} s, p99 {high:.2f} s, "
        f"most {found.max():.2f} s; instance {share:.2f} cores; {commits} versions of {MAIN}\n" + (f"idle: {cost}\n" if cost else "")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
