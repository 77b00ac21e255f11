"""Run one instance as a worker does, with a short lease: ``main([HOME, TASK, SCHEDULE_TIME])``."""

from __future__ import annotations

import time
from pathlib import Path

from pipelines import scheduled_sql
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.launch import options_of
from transforms.core.errors import CommitConflict
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import Turn

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """AssertionError when the instance does not succeed."""
    home = Home(Path(arguments[0]))
    entry = scheduled_sql.run_recorded(home, _turn(home, arguments[1], int(arguments[2])), options_of([]))
    assert entry.instance.state is InstanceState.SUCCEEDED, entry.instance.failure
    home.close()


def _turn(home: Home, task: str, schedule_time: int) -> Turn:
    while True:
        try:
            return home.schedule_ledger().claim_at(DEFAULT_PROJECT, task, schedule_time, "program", 0.3)
        except CommitConflict as busy:
            # The one before was killed: its lease runs out.
            assert busy.code == "TaskBusy", busy
            time.sleep(0.05)
