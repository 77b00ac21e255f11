"""A Logstore's shards as a part of its table: text beside the shard column, so that every commit is made on one layout of shards.

A change of the layout is a change of the table's metadata. An append that started before it fails and looks again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from deltalake import DeltaTable

from transforms.core.field_columns import SHARD
from transforms.stores.cursor import Cursor
from transforms.stores.shard import Shard
from transforms.stores.shard_map import ShardMap, ShardRecord

__all__ = ["LAYOUT", "cursors_of_text", "layout_in_schema", "layout_of", "layout_text", "shards_with_logs", "text_of_cursors"]

LAYOUT = "logsluice.shards"
"""The key of the text in the metadata of the shard column."""


def layout_text(shards: ShardMap) -> str:
    """As the table keeps it."""
    return json.dumps([_told(record) for record in shards.records], separators=(",", ":"))


@lru_cache(maxsize=16)
def layout_of_text(text: str) -> ShardMap:
    """From `layout_text`."""
    return ShardMap(tuple(_record(*told) for told in json.loads(text)))


def layout_of(table: DeltaTable, initial: ShardMap) -> ShardMap:
    """The shards of a table at its version; ``initial`` for one that was made before tables kept them and never changed them."""
    told = next((column.metadata.get(LAYOUT) for column in table.schema().fields if column.name == SHARD), None)
    return initial if told is None else layout_of_text(told)


def shards_with_logs(table: DeltaTable) -> frozenset[int]:
    """The ids of the shards that have files at a table's version."""
    actions = table.get_add_actions(flatten=True)
    return frozenset(actions.column(f"partition.{SHARD}").to_pylist()) if actions.num_rows else frozenset()


def layout_in_schema(schema: Mapping[str, Any]) -> ShardMap | None:
    """The shards in a schema of the table's log."""
    told = next((column["metadata"].get(LAYOUT) for column in schema["fields"] if column["name"] == SHARD), None)
    return None if told is None else layout_of_text(told)


def text_of_cursors(cursors: Mapping[int, Cursor]) -> str:
    """A cursor for each of some shards."""
    return json.dumps({str(shard): [end.version, end.file, end.row] for shard, end in cursors.items()}, separators=(",", ":"))


def cursors_of_text(text: str) -> dict[int, Cursor]:
    """From `text_of_cursors`."""
    return {int(shard): Cursor(*end) for shard, end in json.loads(text).items()}


def _told(record: ShardRecord) -> list[Any]:
    shard, end = record.shard, record.end
    ranges = [shard.id, shard.begin_key, shard.end_key, list(record.parents)]
    return [*ranges, record.writable, record.made_us, None if end is None else [end.version, end.file, end.row]]


def _record(shard: int, begin: str, end: str, parents: list[int], writable: bool, made_us: int, last: list[int] | None) -> ShardRecord:
    found = Shard(shard, int(begin, 16), int(end, 16))
    return ShardRecord(found, tuple(parents), writable, made_us, None if last is None else Cursor(*last))
