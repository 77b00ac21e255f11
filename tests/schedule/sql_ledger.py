"""Ledgers of scheduled SQL in real databases, with a clock that the test sets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.ledger_database import empty_catalogue
from tests.schedule.tasks import START, document
from transforms.connectors.sql_catalogue import open_sql_catalogue
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_schedule_ledger import SqlScheduleLedger
from transforms.schedule.ledger import Outcome, ScheduleLedger, Turn
from transforms.schedule.plan import Wait
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task

__all__ = ["SECOND", "Kept", "ledger_url", "made"]

SECOND = 1_000_000


def ledger_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty ledger with the project ``default``."""
    where = empty_catalogue(request, folder)
    catalogue = open_sql_catalogue(where)
    catalogue.create_project("default")
    catalogue.close()
    return where


def made(name: str = "per-minute", schedule: Mapping[str, Any] | None = None, **configuration: Any) -> Task:
    """A valid task under a name."""
    return read_task({**document(schedule, **configuration), "name": name}, "default")


@dataclass
class Kept:
    """A ledger and its clock, which begins when the tasks' plan does."""

    url: str
    now_us: int = START * SECOND
    ledger: SqlScheduleLedger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = SqlScheduleLedger(make_engine(self.url), lambda _: self.now_us)

    def at(self, seconds: float) -> None:
        """Set the clock, in seconds since the plan began."""
        self.now_us = START * SECOND + round(seconds * SECOND)

    def claim(self, name: str = "per-minute", worker: str = "a", lease: float = 30) -> Turn:
        """The turn there must be now."""
        turn = self.ledger.claim("default", name, worker, lease)
        assert isinstance(turn, Turn), turn
        return turn

    def waits(self, name: str = "per-minute") -> Wait:
        """The wait there must be now."""
        wait = self.ledger.claim("default", name, "b", 30)
        assert isinstance(wait, Wait), wait
        return wait

    def run(self, seconds: float = 1, name: str = "per-minute", outcome: Outcome | None = None) -> Turn:
        """Run what is due, well."""
        turn = self.claim(name)
        self.now_us += round(seconds * SECOND)
        self.ledger.succeed(turn, outcome or Outcome())
        return turn


def seconds_since_start(moment_us: int | None) -> float | None:
    """For reading failures of tests."""
    return None if moment_us is None else dt.timedelta(microseconds=moment_us - START * SECOND).total_seconds()


def port(ledger: SqlScheduleLedger) -> ScheduleLedger:
    """The adapter fills the port: the type checker looks."""
    return ledger
