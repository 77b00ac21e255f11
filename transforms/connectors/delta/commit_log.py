"""What each commit did to the shards: entries of a Logstore's log, and the arithmetic of ends on them.

Every commit of ours tells the ends of all shards, and the newest receive time, as they were before it. So the state at any version is
one entry away: a place is found by bisection, a reader of a quiet shard does not walk through the commits of the busy ones, and what is
behind a cursor is known even when the entry that the cursor names has been cleaned away.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from transforms.connectors.delta.actions import data_file
from transforms.connectors.delta.log_files import read_entry
from transforms.connectors.delta.shard_layout import cursors_of_text, layout_in_schema, text_of_cursors
from transforms.connectors.delta.storage import Storage
from transforms.core.errors import StoreUnavailable
from transforms.stores.cursor import Cursor
from transforms.stores.logstore import DataFile
from transforms.stores.shard_map import ShardMap

__all__ = ["RECEIVED", "CommitEntry", "CommitLog", "TableLog", "ends_after", "received_after", "state_before", "told_state"]

RECEIVED = "receive-time"
"""The table's own application: its version is the receive time of the newest commit that brought logs, or a later time up to which the
table was settled."""
_ENDS = "logsluice.ends"
_BEFORE = "logsluice.received"
_MOST_ENTRIES = 512


@dataclass(frozen=True)
class CommitEntry:
    """One version.

    Attributes:
        files: by shard, in the commit's order, what it made visible; rewritten files are not among them.
        receive_time: of its logs, or up to which it settles, microseconds; None when it has neither.
        ends: of all shards with logs before it; None when it does not tell (a commit that was not ours).
        received: the newest receive time before it; None like ``ends``.
        shards: the layout, when the commit may have changed it.
    """

    version: int
    files: Mapping[int, tuple[DataFile, ...]] = field(default_factory=dict)
    receive_time: int | None = None
    ends: Mapping[int, Cursor] | None = None
    received: int | None = None
    shards: ShardMap | None = None


class CommitLog(Protocol):
    """Where entries come from."""

    def entry(self, version: int) -> CommitEntry | None:
        """None for one that is not there yet, or not any more."""
        ...


class TableLog:
    """The log of a Delta table: one small JSON file a version. Entries never change, so they are kept for a while."""

    def __init__(self, storage: Storage, name: str, most: int = _MOST_ENTRIES) -> None:
        self._storage = storage
        self._name = name
        self._most = most
        self._entries: OrderedDict[int, CommitEntry] = OrderedDict()
        self._table = ""

    def entry(self, version: int) -> CommitEntry | None:
        found = self._entries.get(version)
        if found is not None:
            self._entries.move_to_end(version)
            return found
        try:
            lines = read_entry(self._storage, version).splitlines()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"the log of Logstore {self._name!r} cannot be read: {self._storage.words(error)}") from error
        found = self._entries[version] = _entry(self._storage, version, lines)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)
        return found

    def belongs_to(self, table: str) -> bool:
        """Forget all when the table has another id: it was made anew, and its versions are others. Says whether it is the one known."""
        if self._table == table:
            return True
        self._table = table
        self._entries.clear()
        return False


def told_state(ends: Mapping[int, Cursor], received: int) -> dict[str, str]:
    """What a commit's own entry tells of the state before it."""
    return {_ENDS: text_of_cursors(ends), _BEFORE: str(received)}


def state_before(log: CommitLog, version: int) -> tuple[Mapping[int, Cursor], int]:
    """The ends of all shards with logs, and the newest receive time, before a version.

    Where commits do not tell, they are added up from the nearest that does, or from the oldest one there is.
    """
    untold: list[CommitEntry] = []
    ends: Mapping[int, Cursor] = {}
    received = 0
    while version > 0:
        entry = log.entry(version)
        if entry is not None and entry.ends is not None:
            ends, received = entry.ends, entry.received or 0
            break
        earlier = log.entry(version - 1)
        if earlier is None:
            break
        untold.append(earlier)
        version -= 1
    for entry in reversed(untold):
        ends, received = _after(entry, ends), entry.receive_time or received
    return ends, received


def ends_after(log: CommitLog, version: int) -> Mapping[int, Cursor]:
    """The ends of all shards with logs at a version that is in the log."""
    entry = log.entry(version)
    ends, _ = state_before(log, version)
    return ends if entry is None else _after(entry, ends)


def received_after(log: CommitLog, version: int) -> int:
    """The newest receive time at a version that is in the log."""
    entry = log.entry(version)
    return entry.receive_time if entry is not None and entry.receive_time is not None else state_before(log, version)[1]


def _after(entry: CommitEntry, ends: Mapping[int, Cursor]) -> Mapping[int, Cursor]:
    if not entry.files:
        return ends
    return {**ends, **{shard: Cursor(entry.version, len(files) - 1, files[-1].rows) for shard, files in entry.files.items()}}


def _entry(storage: Storage, version: int, lines: Sequence[bytes]) -> CommitEntry:
    files: dict[int, list[DataFile]] = {}
    told: Mapping[str, Any] = {}
    received: int | None = None
    shards: ShardMap | None = None
    for line in lines:
        if line.startswith(b'{"add"'):
            # Most of a compaction's entry are files that bring no log: not worth parsing.
            if b'"dataChange":true' in line and (add := json.loads(line)["add"])["dataChange"]:
                file = data_file(add, storage.path_of(add["path"]))
                files.setdefault(file.shard, []).append(file)
        elif line.startswith(b'{"commitInfo"'):
            told = json.loads(line)["commitInfo"]
        elif line.startswith(b'{"metaData"'):
            shards = layout_in_schema(json.loads(json.loads(line)["metaData"]["schemaString"]))
        elif line.startswith(b'{"txn"') and RECEIVED.encode() in line:
            made = json.loads(line)["txn"]
            received = int(made["version"]) if made["appId"] == RECEIVED else received
    ends = cursors_of_text(told[_ENDS]) if _ENDS in told else None
    before = int(told[_BEFORE]) if _BEFORE in told else None
    return CommitEntry(version, {shard: tuple(found) for shard, found in files.items()}, received, ends, before, shards)
