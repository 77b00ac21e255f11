"""Pulling: the next logs of a shard as one bounded group.

Logs are read from the files they were written in. When such a file is gone, compaction has put its logs into others; they say which file
each of their logs was written in first, and keep the order. Logs that are in no file any more have expired or were replaced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from transforms.connectors.delta.actions import number_of, received_span, same_place
from transforms.connectors.delta.reading import present, row_groups, with_receive_time
from transforms.connectors.delta.shaping import restore_overflow
from transforms.connectors.delta.shard_pieces import Piece
from transforms.connectors.delta.shard_places import ShardPlaces
from transforms.connectors.delta.storage import Storage
from transforms.connectors.delta.told_files import told_by
from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import OVERFLOW
from transforms.core.log_group import MAX_BYTES, MAX_ROWS, LogGroup, own_bytes
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import DataFile
from transforms.stores.sharded_store import Pulled

__all__ = ["first_place", "pull", "read_range"]

_CELLS = 4_000_000
"""Most logs × fields of one group: an absent field costs memory too."""


class _Gathered:
    """Frames up to a bound."""

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self._rows, self._bytes = max_rows, max_bytes
        self._columns: set[str] = set()
        self.frames: list[pl.DataFrame] = []
        self.rows = 0
        self.full = False

    @property
    def room(self) -> int:
        """Logs that still fit, at most."""
        return self._rows - self.rows

    def take(self, frame: pl.DataFrame) -> int:
        """Take as many logs of a frame as fit, at least one if there is none yet, and say how many. It is full when not all did."""
        columns = self._columns.union(frame.columns)
        fit = min(frame.height, self.room, max(0, _CELLS // len(columns) - self.rows))
        texts = sum(kind == pl.String for kind in frame.dtypes)
        size = own_bytes(frame.head(fit), texts)
        while fit and size > self._bytes:
            fit = min(fit - 1, fit * self._bytes // size)
            size = own_bytes(frame.head(fit), texts)
        if not fit and not self.rows:
            fit, size = 1, self._bytes
        if fit:
            self.frames.append(frame.head(fit))
            self._columns = columns
            self.rows += fit
            self._bytes -= size
        self.full = fit < frame.height or not self.room
        return fit

    def group(self) -> LogGroup | None:
        """All of them."""
        return LogGroup.from_frame(pl.concat(self.frames, how="diagonal")).trimmed() if self.frames else None


def pull(
    places: ShardPlaces, shard: int, cursor: Cursor, until: Cursor | None, max_rows: int, max_bytes: int, fields: Sequence[str] | None
) -> Pulled:
    """See `transforms.stores.sharded_store.ShardedStore.pull`."""
    if max_rows < 1 or max_bytes < 1:
        raise ParameterInvalid("a pull must be allowed at least one log and one byte", hint="raise max_rows and max_bytes")
    stop = places.range_of(shard, cursor, until)
    gathered, place = _Gathered(max_rows, max_bytes), cursor
    for piece in places.pieces(shard, cursor, stop):
        rows = _rows_of(places, shard, piece)
        if rows is None:
            if until is not None or (place == cursor and cursor != BEGIN):
                raise places.expired(shard, piece)
            if gathered.rows:
                break
            continue  # from the beginning means from what there still is
        row = _read(rows, piece, fields, gathered)
        place = piece.place(row) if row > piece.first else place
        if gathered.full:
            break
    if gathered.rows and until is None:
        place = _past_gone(places, shard, place, stop)
    elif not gathered.full:
        place = max(place, stop)
    return Pulled(gathered.group(), place, places.ended(shard, place))


def read_range(places: ShardPlaces, shard: int, begin: Cursor, end: Cursor, fields: Sequence[str] | None) -> Iterator[LogGroup]:
    """See `transforms.stores.sharded_store.ShardedStore.read_range`."""
    if places.range_of(shard, begin, end) < end:
        raise ParameterInvalid(
            f"shard {shard} does not reach to {end.text}", hint="was the Logstore made again? take a new cursor", code="InvalidCursor"
        )
    gathered, some = _Gathered(MAX_ROWS, MAX_BYTES), False
    for piece in places.pieces(shard, begin, end):
        rows = _rows_of(places, shard, piece)
        if rows is None:
            if some or begin != BEGIN:
                raise places.expired(shard, piece)
            continue  # from the beginning means from what there still is
        some = True
        for frame in rows.frames(piece.first, min(rows.stop, piece.last), fields):
            for whole in restore_overflow(frame, fields) if OVERFLOW in frame.columns else (frame,):
                left = present(whole)
                while left.height:
                    left = left.slice(gathered.take(left))
                    if gathered.full and (group := gathered.group()) is not None:
                        yield group
                        gathered = _Gathered(MAX_ROWS, MAX_BYTES)
    if (last := gathered.group()) is not None:
        yield last


def first_place(places: ShardPlaces, shard: int, cursor: Cursor) -> Cursor:
    """See `transforms.stores.sharded_store.ShardedStore.first_cursor`."""
    return _past_gone(places, shard, cursor, places.range_of(shard, cursor, None))


def _read(rows: _Rows, piece: Piece, fields: Sequence[str] | None, gathered: _Gathered) -> int:
    """Gather the logs of a piece; says up to which row of its file."""
    row = piece.first
    for frame in rows.frames(row, min(rows.stop, row + gathered.room), fields):
        for whole in restore_overflow(frame, fields) if OVERFLOW in frame.columns else (frame,):
            taken = gathered.take(present(whole))
            row += taken
            if taken < whole.height:
                return row
    return piece.last if row == rows.stop else row


def _past_gone(places: ShardPlaces, shard: int, place: Cursor, stop: Cursor) -> Cursor:
    """A place that is not before logs which are gone already: who comes back to it must not be told that they were lost meanwhile."""
    for piece in places.pieces(shard, place, stop):
        if places.storage.size(places.storage.relative(piece.file.path)) is not None or _rows_of(places, shard, piece) is not None:
            break
        place = piece.place(piece.last)
    return place


class _Rows:
    """Where the logs of a piece are now: in each of some files, these rows. ``stop`` is up to which row of the piece's file they reach."""

    def __init__(self, storage: Storage, parts: Sequence[tuple[DataFile, Any]], stop: int) -> None:
        self._storage = storage
        self._parts = parts
        self.stop = stop

    def frames(self, first: int, last: int, fields: Sequence[str] | None) -> Iterator[pl.DataFrame]:
        """The logs ``[first, last)`` of the piece's file, with receive times."""
        for file, rows in self._parts:
            chosen = rows[max(0, first) : max(0, last)]
            first, last = first - len(rows), last - len(rows)
            if len(chosen):
                yield from self._frames_of(file, chosen, fields)

    def _frames_of(self, file: DataFile, chosen: Any, fields: Sequence[str] | None) -> Iterator[pl.DataFrame]:
        begin, end = int(chosen[0]), int(chosen[-1]) + 1
        for frame in row_groups(self._storage, file, fields=fields, rows=range(begin, end)):
            if end - int(chosen[0]) != len(chosen):
                here = chosen[(chosen >= begin) & (chosen < begin + frame.height)] - begin
                begin += frame.height
                frame = frame[here]
            if frame.height:
                yield with_receive_time(frame, file)


def _rows_of(places: ShardPlaces, shard: int, piece: Piece) -> _Rows | None:
    """None when the logs are gone. Some may be gone of a file whose first log was not read yet: then the others are there."""
    storage, file = places.storage, piece.file
    if storage.size(storage.relative(file.path)) is not None:
        return _Rows(storage, [(file, range(file.rows))], piece.last)
    found, total = _rewritten(storage, piece, places.files_of(shard))
    if total < file.rows:
        # Between two looks at the store other writers may have rewritten what was seen, and deleted it.
        found, total = _rewritten(storage, piece, places.files_of(shard, fresh=True))
    if not total or (total < file.rows and (piece.first or piece.last < file.rows)):
        return None
    return _Rows(storage, found, piece.last if total == file.rows else total)


def _rewritten(storage: Storage, piece: Piece, files: Sequence[DataFile]) -> tuple[list[tuple[DataFile, Any]], int]:
    """Where the logs of a piece's file are among others, and how many of them."""
    moment = piece.file.receive_time or 0
    found: list[tuple[DataFile, Any]] = []
    for other in files:
        first, last = received_span(other)
        if first <= moment <= last and storage.size(storage.relative(other.path)) is not None:
            rows = _rows_in(storage, other, piece)
            if len(rows):
                found.append((other, rows))
    return found, sum(len(rows) for _, rows in found)


def _rows_in(storage: Storage, other: DataFile, piece: Piece) -> Any:
    """Which rows of a file are logs of a piece's file, in order."""
    told = told_by(storage, other)
    number = number_of(piece.file)
    rows = told.of(number) if number else np.arange(0)
    if len(rows) or not told.untold:
        return rows
    # Rewritten before files were told: a commit's logs follow each other as its files did.
    if told.moments is None:
        return np.arange(other.rows) if same_place(other, piece.file) else rows
    moments = np.flatnonzero((told.moments == piece.file.receive_time) & (told.numbers == 0))
    return moments if not number else moments[piece.offset : piece.offset + piece.file.rows]
