"""The shards of an open Logstore: splitting and merging them, places in them, reading on from a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from transforms.stores.consumer_group import ShardExtents
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.shard_map import ShardMap

if TYPE_CHECKING:
    from transforms.core.log_group import LogGroup

__all__ = ["Pulled", "ShardedStore"]


@dataclass(frozen=True)
class Pulled:
    """What lay behind a cursor.

    Attributes:
        group: bounded, in the order of receive time, file, row; with receive times; None when there is nothing now.
        cursor: where to go on.
        ended: the shard is retired and nothing will ever lie behind ``cursor``.
    """

    group: LogGroup | None
    cursor: Cursor
    ended: bool = False


class ShardedStore(Protocol):
    """What a Logstore knows of its shards. Places are cursors of one shard; `transforms.stores.cursor.BEGIN` is the first of each.

    Every method that takes a shard raises NotFound with code ``ShardNotExist``. One that takes a cursor raises ParameterInvalid with
    code ``InvalidCursor`` for a place that the shard does not have, and NotFound with code ``CursorExpired`` when logs behind it have
    been cleaned away since it was given, or the record of the commits there: never does a reader jump over them unknowingly. `BEGIN`
    never expires; it is before the first log that there still is.
    """

    def shard_map(self) -> ShardMap:
        """All shards as they are now."""
        ...

    def split_shard(self, shard: int, key: str | None = None) -> tuple[int, int]:
        """Cut a writable shard in two, in its middle or at a key (32 hexadecimal digits) inside. Gives the ids of the two made.

        One commit: appends that were first are in the retired shard, whose end is final, later ones in the two. Raises
        ParameterInvalid for a retired shard, a key outside, too many shards; CommitConflict.
        """
        ...

    def merge_shards(self, shard: int) -> int:
        """Unite a writable shard with its right neighbour, in one commit like `split_shard`. Gives the id of the shard made.

        Raises ParameterInvalid for a retired shard and for the last one.
        """
        ...

    def extents(self) -> ShardExtents:
        """The ends of all shards at one version: what a consumer group must know. Cheap to ask for again and again."""
        ...

    def end_cursor(self, shard: int) -> Cursor:
        """Behind the newest log of a shard."""
        ...

    def cursor_of(self, shard: int, receive_time: int) -> Cursor:
        """Before the first log received at a time (microseconds) or later; the end when there is none yet."""
        ...

    def settle(self, receive_time: int) -> None:
        """See to it that no log will ever become visible that was received before a time (microseconds) but is not visible yet: what
        `cursor_of` says of that time is final. Makes an empty commit, unless logs have been received since; readers notice nothing.

        Raises ParameterInvalid for a time that has not come yet; CommitConflict.
        """
        ...

    def time_of(self, shard: int, cursor: Cursor) -> int:
        """Up to when a reader at a place has read a shard: all logs received before that moment (microseconds), and none at or after.

        Inside a commit's logs it is that commit's receive time, at the end the moment after the store's newest log.
        """
        ...

    def lag_us(self, shard: int, cursor: Cursor) -> int:
        """By how much of receive time a reader at a place is behind the shard's newest log, microseconds; 0 when there is nothing to read."""
        ...

    def reach(self, shard: int, cursor: Cursor, max_rows: int) -> Cursor:
        """The place behind the next logs, at most so many: a range to write down before it is read. No log is read."""
        ...

    def first_cursor(self, shard: int, cursor: Cursor = BEGIN) -> Cursor:
        """The place, or a later one with nothing but logs between them that are gone: where to begin to read knowingly from what there
        still is. A reader that stands before logs that are gone gets an error."""
        ...

    def read_range(self, shard: int, begin: Cursor, end: Cursor, *, fields: Sequence[str] | None = None) -> Iterator[LogGroup]:
        """Exactly the logs between two places, in order, in groups as full as may be, with receive times; each file is read once.

        Raises ParameterInvalid with code ``InvalidCursor`` for an end that the shard has not reached, and while it is iterated like `pull`.
        """
        ...

    def pull(
        self,
        shard: int,
        cursor: Cursor,
        *,
        until: Cursor | None = None,
        max_rows: int = 65_536,
        max_bytes: int = 32 * 1024 * 1024,
        fields: Sequence[str] | None = None,
    ) -> Pulled:
        """The next logs of a shard, at most so many and so large (or one log), not beyond ``until``; some of their fields, or all.

        Compactions change nothing. Cheap when there is nothing: made to be asked again and again.
        """
        ...
