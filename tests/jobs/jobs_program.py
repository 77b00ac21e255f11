"""`python -m tests.jobs.jobs_program HOME [CATALOGUE] [--once] …`: the scheduler service with quick instances (`tests.jobs.quick_instance`)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.home import Home
from pipelines.jobs.led_job import SupervisorSettings
from pipelines.schedule.scheduler import SchedulerSettings
from pipelines.scheduler_service import ServiceSettings, run_service


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--catalogue")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--lease", type=float, default=2)
    parser.add_argument("--timeout", type=int, default=5)
    parser.add_argument("--grace", type=float, default=20)
    asked = parser.parse_args()

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    jobs = SupervisorSettings(asked.lease, asked.timeout, asked.grace, asked.once, "tests.jobs.quick_instance")
    settings = ServiceSettings(SchedulerSettings(once=asked.once, grace_seconds=asked.grace), 1, late_every=3_600, jobs=jobs)
    tally = run_service(Home(asked.home, asked.catalogue), settings, lambda *_: None, say)
    return int(bool(asked.once and tally.failed))


if __name__ == "__main__":
    sys.exit(main())
