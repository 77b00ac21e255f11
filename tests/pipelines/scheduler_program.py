"""`python -m tests.pipelines.scheduler_program HOME [--once] [--lease S] …`: the scheduler service with quick workers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.alert_rules import read_alert_rules
from pipelines.home import Home
from pipelines.schedule.scheduler import SchedulerSettings
from pipelines.scheduler_service import ServiceSettings, run_service


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    for name, default in (("lease", 30.0), ("attempt", 600.0), ("grace", 30.0), ("late-every", 60.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--alerts", type=Path)
    parser.add_argument("--catalogue")
    parser.add_argument("--operational-log", action="store_true")
    asked = parser.parse_args()
    rules = read_alert_rules(asked.alerts) if asked.alerts else ()
    settings = ServiceSettings(
        SchedulerSettings(asked.lease, asked.attempt, asked.grace, asked.once), asked.workers, asked.operational_log, rules,
        asked.late_every, "tests.pipelines.quick_worker",
    )  # fmt: skip

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def ended(entry: object, seconds: float) -> None:
        say(f"ended {entry.task} {entry.instance.schedule_time} {entry.instance.state}")  # type: ignore[attr-defined]

    tally = run_service(Home(asked.home, asked.catalogue), settings, ended, say)
    return 130 if tally.interrupted else int(bool(asked.once and tally.failed))


if __name__ == "__main__":
    sys.exit(main())
