"""Places in shards, found in a Logstore's log. No log is read here.

The newest state is followed: asking again costs a look for one more entry. An older place is found by bisection, since every entry tells
the ends of all shards before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from transforms.connectors.delta.actions import order_key, received_span
from transforms.connectors.delta.commit_log import CommitEntry, CommitLog, ends_after, received_after, state_before
from transforms.connectors.delta.shard_pieces import Piece, between
from transforms.connectors.delta.storage import Storage
from transforms.core.clock import Clock
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.stores.consumer_group import ShardExtent, ShardExtents
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import DataFile
from transforms.stores.shard_map import ShardMap, ShardRecord

__all__ = ["FollowedLog", "NewestState", "ShardPlaces"]

_LOOK_US = 30_000_000
"""How often the store itself is asked for its newest version, should the log have been cleaned under a reader that slept."""


class FollowedLog(CommitLog, Protocol):
    """A log that knows which store it is the log of."""

    def belongs_to(self, table: str) -> bool:
        """Whether it is of that store; if not, from now on it is, and has forgotten all."""
        ...


class NewestState(Protocol):
    """What the store itself says, which costs more than to follow its log."""

    def head(self) -> tuple[str, int, ShardMap]:
        """Which store, the newest version, its shards."""
        ...

    def files(self) -> list[DataFile]:
        """The files at the newest version."""
        ...


class ShardPlaces:
    """The shards of one open Logstore.

    Args:
        storage: of its data files.
        name: of the Logstore.
        log: its entries.
        newest: asks the store itself.
        clock: tells when to ask again.
    """

    def __init__(
        self,
        storage: Storage,
        name: str,
        log: FollowedLog,
        newest: NewestState,
        clock: Clock,
    ) -> None:
        self.storage = storage
        self._newest = newest
        self._active_at: tuple[int, Mapping[int, Sequence[DataFile]]] = (-1, {})
        self._name = name
        self._log = log
        self._clock = clock
        self._histories: dict[int, tuple[int, Sequence[Piece]]] = {}
        self._looked_us = 0
        self._version = -1
        self._shards = ShardMap(())
        self._ends: Mapping[int, Cursor] = {}
        self._received = 0
        self._ancestors: dict[int, frozenset[int]] = {}

    def shard_map(self) -> ShardMap:
        self._follow()
        return self._shards

    def extents(self) -> ShardExtents:
        self._follow()
        return ShardExtents(
            self._version,
            {
                record.shard.id: ShardExtent(self._end_of(record), not record.writable, self._ancestors[record.shard.id])
                for record in self._shards.records
            },
            self._received,
        )

    def end(self, shard: int) -> Cursor:
        self._follow()
        return self._end_of(self._shards.record(shard))

    def ended(self, shard: int, cursor: Cursor) -> bool:
        """Whether nothing will ever come behind a cursor."""
        record = self._shards.record(shard)
        return not record.writable and cursor >= self._end_of(record)

    def cursor_of(self, shard: int, receive_time: int) -> Cursor:
        end = self.end(shard)
        if receive_time > self._received:
            return end
        low, high = self._oldest() - 1, self._version
        while high - low > 1:
            middle = (low + high) // 2
            if received_after(self._log, middle) >= receive_time:
                high = middle
            else:
                low = middle
        before, received = state_before(self._log, high)
        if received >= receive_time:  # the log tells those commits no more
            place = BEGIN
            for piece in self._history(shard):
                if (piece.file.receive_time or 0) >= receive_time:
                    return place
                place = piece.place(piece.last)
        return before.get(shard, BEGIN)

    def time_of(self, shard: int, cursor: Cursor) -> int:
        end = self._checked(shard, cursor)
        if cursor >= end:
            return self._received + 1
        return self._received_behind(shard, cursor)

    def lag_us(self, shard: int, cursor: Cursor) -> int:
        end = self._checked(shard, cursor)
        if cursor >= end:
            return 0
        newest = self._log.entry(end.version)
        received = newest.receive_time if newest is not None and newest.receive_time is not None else self._received
        return max(1, received - self._received_behind(shard, cursor) + 1)

    def reach(self, shard: int, cursor: Cursor, max_rows: int) -> Cursor:
        if max_rows < 1:
            raise ParameterInvalid(f"{max_rows} logs cannot be asked for", hint="ask for at least one")
        end, place = self._checked(shard, cursor), cursor
        for piece in self.pieces(shard, cursor, end):
            rows = min(max_rows, piece.last - piece.first)
            place, max_rows = piece.place(piece.first + rows), max_rows - rows
            if not max_rows:
                break
        return place

    def range_of(self, shard: int, cursor: Cursor, until: Cursor | None) -> Cursor:
        """Up to where a reader from a cursor may read. Refuses places that the shard does not have."""
        end = self._checked(shard, cursor)
        return end if until is None else min(end, until)

    def pieces(self, shard: int, cursor: Cursor, stop: Cursor) -> Iterator[Piece]:
        """The files between two places, in order."""
        place = cursor
        if place < stop and self._before_log(place):
            yield from (piece for piece in (between(known, cursor, stop) for known in self._history(shard)) if piece is not None)
            place = max(place, state_before(self._log, self._oldest())[0].get(shard, BEGIN))
        while place < stop:
            entry, place = self._next(shard, place)
            offset = 0
            for number, file in enumerate(entry.files[shard]):
                first = 0
                if place.version == entry.version:
                    first = place.row if number == place.file else file.rows if number < place.file else 0
                last = file.rows
                if stop.version == entry.version and stop.file <= number:
                    last = min(last, stop.row if stop.file == number else 0)
                if first < last:
                    yield Piece(entry.version, number, file, first, last, offset)
                offset += file.rows
            place = Cursor(entry.version, len(entry.files[shard]) - 1, entry.files[shard][-1].rows)

    def _received_behind(self, shard: int, cursor: Cursor) -> int:
        """When the first log behind a cursor that is not the end was received."""
        if self._before_log(cursor):
            for piece in self._history(shard):
                if piece.place(piece.last) > cursor:
                    return piece.file.receive_time or 0
        return self._next(shard, cursor)[0].receive_time or 0

    def _before_log(self, place: Cursor) -> bool:
        """Whether a place is told by receive time, or is the beginning of more than the log tells."""
        return place.version == 0 and self._log.entry(0) is None

    def _history(self, shard: int) -> Sequence[Piece]:
        """The logs of the commits that the log tells no more."""
        files, version = self.files_of(shard), self._active_at[0]
        known = self._histories.get(shard)
        if known is None or known[0] != version:
            from transforms.connectors.delta.shard_history import history

            _, newest = state_before(self._log, self._oldest())
            old = [file for file in files if received_span(file)[0] <= newest]
            known = self._histories[shard] = (version, history(self.storage, old, newest))
        return known[1]

    def files_of(self, shard: int, *, fresh: bool = False) -> Sequence[DataFile]:
        """The files of a shard at the newest version, in commit order; ``fresh``: look for a newer one first."""
        if fresh:
            self._follow()
        if self._active_at[0] != self._version:
            files: dict[int, list[DataFile]] = {}
            for file in self._newest.files():
                files.setdefault(file.shard, []).append(file)
            self._active_at = self._version, {number: sorted(found, key=order_key) for number, found in files.items()}
        return self._active_at[1].get(shard, ())

    def expired(self, shard: int, piece: Piece) -> NotFound:
        """The error of a reader that comes too late."""
        return self._expired(f"logs of shard {shard} behind {piece.place(piece.first).text if piece.first else 'the cursor'}")

    def _follow(self) -> None:
        now_us = self._clock.now_us()
        if self._version < 0 or not 0 <= now_us - self._looked_us < _LOOK_US:
            self._look(now_us)
        while (entry := self._log.entry(self._version + 1)) is not None:
            self._ends = ends_after(self._log, entry.version)
            self._received = received_after(self._log, entry.version)
            self._version = entry.version
            if entry.shards is not None:
                self._take(entry.shards)

    def _look(self, now_us: int) -> None:
        store, version, shards = self._newest.head()
        same = self._log.belongs_to(store)
        if not same or self._version < 0 or version < self._version or self._log.entry(min(self._version + 1, version)) is None:
            self._version = version
            self._ends = ends_after(self._log, version)
            self._received = received_after(self._log, version)
            self._take(shards)
        self._looked_us = now_us

    def _take(self, shards: ShardMap) -> None:
        self._shards = shards
        self._ancestors = {record.shard.id: shards.ancestors(record.shard.id) for record in shards.records}

    def _end_of(self, record: ShardRecord) -> Cursor:
        return self._ends.get(record.shard.id, BEGIN) if record.end is None else record.end

    def _checked(self, shard: int, cursor: Cursor) -> Cursor:
        """The end of a shard that has the place of a cursor."""
        end = self.end(shard)
        if cursor in (BEGIN, end) or (self._before_log(cursor) and cursor < end):
            return end
        files = () if (entry := self._log.entry(cursor.version)) is None else entry.files.get(shard, ())
        known = entry is not None and not (cursor.file < len(files) and 1 <= cursor.row <= files[cursor.file].rows)
        if known or cursor > end:
            raise ParameterInvalid(
                f"shard {shard} of Logstore {self._name!r} has no place {cursor.text}",
                hint="was it given for another shard, or was the Logstore made again? take a new cursor",
                code="InvalidCursor",
            )
        return end

    def _next(self, shard: int, cursor: Cursor) -> tuple[CommitEntry, Cursor]:
        """The commit that brought the first logs behind a cursor that is not the end, and the place to go on from."""
        low, place = cursor.version, cursor
        here = self._log.entry(low)
        if here is None:
            low, place = self._behind_cleaned(shard, cursor)
        elif shard in here.files and Cursor(low, len(here.files[shard]) - 1, here.files[shard][-1].rows) > cursor:
            return here, cursor
        step, high = 1, low + 1
        while high < self._version and ends_after(self._log, high).get(shard, BEGIN) <= place:
            low, step = high, 2 * step
            high = min(low + step, self._version)
        while high - low > 1:
            middle = (low + high) // 2
            if ends_after(self._log, middle).get(shard, BEGIN) > place:
                high = middle
            else:
                low = middle
        entry = self._log.entry(high)
        if entry is None or shard not in entry.files:
            raise self._expired(f"logs of shard {shard} behind {cursor.text}")
        return entry, place

    def _behind_cleaned(self, shard: int, cursor: Cursor) -> tuple[int, Cursor]:
        """Where to search from when the entry of a cursor has been cleaned away: a version, and the place it stands for."""
        oldest = self._oldest()
        before, _ = state_before(self._log, oldest)
        place = before.get(shard, BEGIN)
        if cursor.version and place > cursor:
            raise self._expired(f"logs of shard {shard} behind {cursor.text}")
        return oldest - 1, max(cursor, place)

    def _oldest(self) -> int:
        """The oldest version that is in the log; the kept ones are next to each other, up to the newest."""
        low, high = -1, self._version
        if self._log.entry(0) is not None:
            return 0
        while high - low > 1:
            middle = (low + high) // 2
            if self._log.entry(middle) is None:
                low = middle
            else:
                high = middle
        return high

    def _expired(self, what: str) -> NotFound:
        return NotFound(
            f"{what} have been cleaned away from Logstore {self._name!r}",
            hint="go on from the beginning of what is kept, or from a time",
            code="CursorExpired",
        )
