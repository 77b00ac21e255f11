"""The ledger of scheduled SQL in the catalogue's database. Adapter of `transforms.schedule.ledger`.

Each method is one transaction under the task's row lock (SQLite: the whole file's). Time is the database's own, asked for once the lock
is held, so that schedulers on many machines need no clocks that agree.
"""

from __future__ import annotations

from pathlib import Path

from transforms.connectors.sql_catalogue_engine import failures_in_words, make_engine
from transforms.connectors.sql_catalogue_schema import migrate
from transforms.connectors.sql_schedule_backfills import BackfillRows
from transforms.connectors.sql_schedule_instances import InstanceRows
from transforms.connectors.sql_schedule_tasks import TaskRows
from transforms.connectors.sql_schedule_turns import TurnRows

__all__ = ["SqlScheduleLedger", "open_sql_schedule_ledger"]


class SqlScheduleLedger(TaskRows, TurnRows, InstanceRows, BackfillRows):
    """A `ScheduleLedger` in a database with the newest tables."""


def open_sql_schedule_ledger(where: str | Path) -> SqlScheduleLedger:
    """Open the ledger of a catalogue by URL or by the path of its SQLite file; its tables are made or migrated.

    Errors as in `make_engine` and `migrate`.
    """
    engine = make_engine(where)
    with failures_in_words(engine):
        migrate(engine)
    return SqlScheduleLedger(engine)
