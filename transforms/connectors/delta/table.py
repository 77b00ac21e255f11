"""The Delta table of a Logstore: create, open, add columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from deltalake import CommitProperties, DeltaTable, Field, PostCommitHookProperties, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType

from transforms.connectors.delta.shaping import MAX_COLUMN_BYTES
from transforms.connectors.delta.storage import Storage
from transforms.core.clock import Clock
from transforms.core.durable import durable
from transforms.core.errors import CommitConflict, NotFound, StoreUnavailable
from transforms.core.field_columns import (
    OVERFLOW,
    RECEIVE_TIME,
    SHARD,
    TIME,
    TIME_NS,
    TYPED,
    column_of,
    field_of,
    is_field_column,
    typed_column,
)

__all__ = ["ATTEMPTS", "HOOKS", "PARTITIONS", "Columns", "back_off", "create_table", "open_table"]

PARTITIONS = [SHARD, RECEIVE_TIME, TYPED]
ATTEMPTS = 100
"""How often a commit starts again before it gives up."""
HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""Checkpoints are a side job of ours: one that fails must not look like a failed commit."""

_PROPERTIES = {
    "delta.dataSkippingStatsColumns": TIME,
    "delta.logRetentionDuration": "interval 30 days",
    "delta.deletedFileRetentionDuration": "interval 30 days",
    "delta.checkpointInterval": "32",
}


def create_table(storage: Storage, name: str) -> None:
    """Make the table unless it is there."""
    schema = Schema([
        Field(TIME, PrimitiveType("long"), True), Field(TIME_NS, PrimitiveType("integer"), True),
        Field(SHARD, PrimitiveType("integer"), True), Field(RECEIVE_TIME, PrimitiveType("long"), True),
        Field(TYPED, PrimitiveType("string"), True),
    ])  # fmt: skip
    with durable("logstore.create"):
        try:
            storage.prepare()
            DeltaTable.create(
                storage.table_uri, schema, mode="ignore", partition_by=PARTITIONS, name=name, configuration=_PROPERTIES,
                storage_options=storage.options or None,
            )  # fmt: skip
        except CommitFailedError:
            open_table(storage, name)  # another creator was first: fine, if its table can be opened
        except (DeltaError, OSError) as error:
            raise unavailable(name, error) from error


def open_table(storage: Storage, name: str) -> DeltaTable:
    """The table at its newest version. Raises NotFound when there is none."""
    try:
        return DeltaTable(storage.table_uri, storage_options=storage.options or None)
    except TableNotFoundError:
        raise NotFound(f"the Logstore {name!r} does not exist", hint="create it first", code="LogStoreNotExist") from None
    except (DeltaError, OSError) as error:
        raise unavailable(name, error) from error


def unavailable(name: str, error: Exception) -> StoreUnavailable:
    """What the table library reports, as an error of ours."""
    return StoreUnavailable(f"the Logstore {name!r} cannot be read or written: {error}", hint="check its location, then try again")


def back_off(clock: Clock, attempt: int, jitter: Callable[[], float]) -> None:
    """Wait a short time that grows with the attempts and differs between writers."""
    clock.sleep(min(0.1, 0.002 * 2 ** min(attempt, 10)) * (0.5 + jitter()))


class Columns:
    """The columns the table has, and the way to new ones. Columns are never dropped, so what was seen once stays true."""

    def __init__(self, open_fresh: Callable[[], DeltaTable], clock: Clock, limit: int, jitter: Callable[[], float]) -> None:
        self._open = open_fresh
        self._clock = clock
        self._limit = limit
        self._jitter = jitter
        self._known: set[str] = set()

    def learn(self, table: DeltaTable) -> None:
        """Take the columns of a table that was opened for another reason, and forget those of before."""
        self._known = set(column_names(table))

    def admit(self, columns: Sequence[str], typed: Sequence[tuple[str, str]]) -> set[str]:
        """Make field columns, and the typed twins of those, part of the table; answers which field columns are.

        Fields beyond the limit or with too long a name are left out, and then the overflow column is there; fields with a typed twin
        always get in. Raises CommitConflict when other writers change the table faster than this one can.
        """
        for attempt in range(ATTEMPTS):
            taken, missing = self._choose(columns, typed)
            if not missing:
                return taken
            table = self._open()
            self.learn(table)
            taken, missing = self._choose(columns, typed)
            if not missing:
                return taken
            try:
                with durable("logstore.add-columns"):
                    table.alter.add_columns(
                        missing, commit_properties=CommitProperties(max_commit_retries=0), post_commithook_properties=HOOKS
                    )
            except (CommitFailedError, DeltaError) as error:
                if not isinstance(error, CommitFailedError) and "conflict" not in str(error).lower():
                    raise unavailable("", error) from error
                back_off(self._clock, attempt, self._jitter)
                continue
            self._known.update(field.name for field in missing)
            return taken
        raise CommitConflict("the columns of new fields could not be added: other writers were always first", hint="try again")

    def _choose(self, columns: Sequence[str], typed: Sequence[tuple[str, str]]) -> tuple[set[str], list[Any]]:
        indexed = {column_of(field) for field, _ in typed}
        room = self._limit - sum(map(is_field_column, self._known))
        taken: set[str] = set()
        missing: list[Any] = []
        for column in sorted(columns, key=lambda column: column not in indexed):
            if column in self._known:
                taken.add(column)
            elif column in indexed or (room > 0 and len(column.encode()) <= MAX_COLUMN_BYTES):
                room -= 1
                taken.add(column)
                missing.append(Field(column, PrimitiveType("string"), True, {"field": field_of(column)}))
        for field, kind in typed:
            twin = typed_column(field, kind)
            if twin not in self._known and column_of(field) in taken:
                missing.append(Field(twin, PrimitiveType(kind), True, {"field": field}))
        if len(taken) < len(columns) and OVERFLOW not in self._known:
            missing.append(Field(OVERFLOW, PrimitiveType("string"), True))
        return taken, missing


def column_names(table: DeltaTable) -> list[str]:
    """The table's columns, in the schema's order."""
    return [field["name"] for field in json.loads(table.schema().to_json())["fields"]]
