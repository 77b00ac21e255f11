"""A program for `tests.warm_crash`: the scheduler service, once, with quick workers and a short lease."""

from __future__ import annotations

import sys
from pathlib import Path

import transforms.connectors.delta.logstore
import transforms.connectors.sql_schedule_ledger
import transforms.core.log_group  # noqa: F401 (imported once for all runs)
from pipelines.home import Home
from pipelines.schedule.scheduler import SchedulerSettings
from pipelines.scheduler_service import ServiceSettings, run_service
from transforms.schedule.ledger import InstanceEntry

LEASE_SECONDS = 2.0


def main(arguments: list[str]) -> None:
    settings = SchedulerSettings(lease_seconds=LEASE_SECONDS, once=True)

    def ended(_entry: InstanceEntry, _seconds: float) -> None:
        pass

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    run_service(Home(Path(arguments[0])), ServiceSettings(settings, 1, worker_program="tests.pipelines.quick_worker"), ended, say)
