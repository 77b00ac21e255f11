"""What processes do with a ledger: ``python -m tests.schedule.ledger_program URL LOG RACERS`` races by the database's own clock."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from tests.schedule.sql_ledger import made
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_schedule_ledger import SqlScheduleLedger, open_sql_schedule_ledger
from transforms.core.errors import AlreadyExists
from transforms.core.interval import Interval
from transforms.schedule.ledger import BackfillTurn, Outcome, Turn, WindowResult
from transforms.schedule.plan import Wait

__all__ = ["LEASE", "WINDOWS", "run_to_the_end"]

_BEGAN = time.time()

LEASE = 1.0
WINDOWS = 4
"""Of the backfill."""


def run_to_the_end(url: str, began: int) -> None:
    """A task with three instances in the past and a backfill before them; whatever was done of it is not done again."""
    ledger = SqlScheduleLedger(make_engine(url), _fast_clock)
    task = made(schedule={"type": "FixedRate", "interval": "1m"}, fromTime=began, toTime=began + 180)
    with suppress(AlreadyExists):
        ledger.create_task(task)
    _run_instances(ledger)
    if not ledger.list_backfills("default"):
        ledger.create_backfill("default", "per-minute", Interval(began - 60 * WINDOWS, began), again=False, reason="before")
    _run_backfill(ledger)
    ledger.close()


def _fast_clock(connection: sa.Connection) -> int:
    """Ten times as fast, so that leases and pauses between attempts are short."""
    return round((_BEGAN + (time.time() - _BEGAN) * 10) * 1_000_000)


def _run_instances(ledger: SqlScheduleLedger) -> None:
    while True:
        found = ledger.claim("default", "per-minute", str(os.getpid()), LEASE)
        if isinstance(found, Turn):
            ledger.renew(found, LEASE)
            ledger.succeed(found, Outcome(rows_written=1))
        elif found.until_us is None:
            assert found.reason == "ended"
            return
        else:
            time.sleep(0.005)


def _run_backfill(ledger: SqlScheduleLedger) -> None:
    while (found := ledger.claim_backfill("default", "per-minute", 1, 2, str(os.getpid()), LEASE)) is not None:
        if isinstance(found, BackfillTurn):
            ledger.finish_backfill_turn(found, [WindowResult(one.schedule_time, Outcome(rows_written=1)) for one in found.windows])
        else:
            time.sleep(0.005)


def race(url: str, log: str, racers: int) -> None:
    """Run all that is due of all tasks, noting begin and end of each attempt where the others note theirs.

    Each keeps its first turn until all have one: whoever started first would otherwise be through before the last is there.
    """
    ledger = open_sql_schedule_ledger(url)
    names = [entry.task.name for entry in ledger.list_tasks("default")]
    names = names[os.getpid() % len(names) :] + names[: os.getpid() % len(names)]
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    alone = True
    while names:
        for name in list(names):
            found = ledger.claim("default", name, str(os.getpid()), 120)
            if isinstance(found, Wait):
                if found.until_us is None:
                    names.remove(name)
                continue
            line = f"{name} {found.number} {found.instance.schedule_time} {os.getpid()}\n"
            os.write(file, f"begin {line}".encode())
            while alone:
                alone = len({begun.split()[4] for begun in Path(log).read_text().splitlines()}) < racers
                time.sleep(0.005)
            os.write(file, f"end {line}".encode())
            ledger.succeed(found, Outcome())
    os.close(file)
    ledger.close()


if __name__ == "__main__":
    race(sys.argv[1], sys.argv[2], int(sys.argv[3]))
