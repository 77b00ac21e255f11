"""The Delta table of a Logstore: create, open, its columns."""

from __future__ import annotations

from deltalake import CommitProperties, DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType

from transforms.connectors.delta.shard_layout import LAYOUT, layout_text
from transforms.connectors.delta.storage import Storage
from transforms.core.durable import durable
from transforms.core.errors import NotFound, StoreUnavailable
from transforms.core.field_columns import ORIGIN, RECEIVE_TIME, SHARD, TIME, TIME_NS, TYPED
from transforms.stores.shard_map import ShardMap

__all__ = ["PARTITIONS", "STATISTICS", "column_names", "create_table", "field", "open_table", "unavailable"]

PARTITIONS = [SHARD, RECEIVE_TIME, TYPED]

STATISTICS = {"delta.dataSkippingStatsColumns": f"{TIME},`{ORIGIN}`"}
"""Columns whose statistics the table's log gives back: what prunes files, and what tells origins."""
_PROPERTIES = {
    **STATISTICS,
    # Slow consumers walk the log.
    "delta.logRetentionDuration": "interval 30 days",
    # Checkpoints tell of each file that left the table in that time. Vacuum leaves it where it is for longer, by its age.
    "delta.deletedFileRetentionDuration": "interval 2 hours",
}


def create_table(storage: Storage, name: str, shards: ShardMap) -> None:
    """Make the table with its shards, unless it is there."""
    shard = Field(SHARD, PrimitiveType("integer"), nullable=True, metadata={LAYOUT: layout_text(shards)})
    schema = Schema(
        [field(TIME, "long"), field(TIME_NS, "integer"), field(ORIGIN, "string"),
         shard, field(RECEIVE_TIME, "long"), field(TYPED, "string")]
    )  # fmt: skip
    with durable("logstore.create"):
        try:
            storage.prepare()
            DeltaTable.create(
                storage.table_uri,
                schema,
                mode="ignore",
                partition_by=PARTITIONS,
                name=name,
                configuration=_PROPERTIES,
                storage_options=storage.options or None,
                # With retries, a slow creator would make the table a second time over one that has logs by then.
                commit_properties=CommitProperties(max_commit_retries=0),
            )
        except CommitFailedError:
            open_table(storage, name)  # another creator was first: fine, if its table can be opened
        except (DeltaError, OSError) as error:
            raise unavailable(storage, name, error) from error


def open_table(storage: Storage, name: str) -> DeltaTable:
    """The table at its newest version. Raises NotFound when there is none."""
    try:
        return DeltaTable(storage.table_uri, storage_options=storage.options or None)
    except TableNotFoundError:
        raise NotFound(f"the Logstore {name!r} does not exist", hint="create it first", code="LogStoreNotExist") from None
    except (DeltaError, OSError) as error:
        raise unavailable(storage, name, error) from error


def unavailable(storage: Storage, name: str, error: Exception) -> StoreUnavailable:
    """What the table library reports, as an error of ours."""
    return StoreUnavailable(
        f"the Logstore {name!r} cannot be read or written: {storage.words(error)}", hint="check its location, then try again"
    )


def field(column: str, kind: str, of: str | None = None) -> Field:
    """A nullable column; ``of`` is the log's field it belongs to."""
    # A name may hold half a surrogate pair, which the log cannot; the column's own name tells it all the same.
    known = of is not None and of.encode("utf-8", "replace").decode("utf-8") == of
    return Field(column, PrimitiveType(kind), nullable=True, metadata={"field": of} if known else {})


def column_names(table: DeltaTable) -> list[str]:
    """The table's columns, in the schema's order."""
    return [column.name for column in table.schema().fields]
