"""Consumer groups: several readers share a Logstore, one reader per shard at a time, and the group keeps how far each shard was read.

A seat is a shard inside a group. Consumers report by heartbeats which shards they work on and are told which they shall work on; a shard
changes hands in two beats: its owner is not told it any more and lets go, then the heir is. Whoever falls silent for longer than the
group's time-out loses its shards. Every owner of a seat has an epoch of its own; what an earlier owner still tries is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from transforms.core.errors import ParameterInvalid
from transforms.stores.checkpoint import Checkpoint
from transforms.stores.cursor import BEGIN, Cursor

__all__ = [
    "MOST_GROUPS",
    "Assignment",
    "Consumer",
    "ConsumerGroup",
    "ConsumerGroups",
    "GroupState",
    "Seat",
    "SeatState",
    "ShardExtent",
    "ShardExtents",
    "changed_group",
    "check_consumer_name",
    "check_group_name",
    "checked_timeout",
]

MOST_GROUPS = 30
"""Consumer groups that a Logstore may have."""

_GROUP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,61}[A-Za-z0-9]")
_LONGEST_TIMEOUT_S = 86_400
_LONGEST_CONSUMER_NAME = 128

SeatState = Literal["wait", "not_alloc", "already_alloc", "transfer", "over"]
"""``wait``: an ancestor is not read to its end; ``not_alloc``: nobody reads it; ``already_alloc``: its owner does; ``transfer``: its owner
does and is asked to let go for the heir; ``over``: retired and read to its end."""


@dataclass(frozen=True)
class ConsumerGroup:
    """A group's settings.

    Attributes:
        name: unique in its Logstore.
        timeout_s: after how many seconds of silence a consumer loses its shards.
        order: whether a shard waits for the shards it was split or merged from.
    """

    name: str
    timeout_s: int
    order: bool = False


@dataclass(frozen=True)
class Consumer:
    """A live consumer: its name, the process behind the name (``incarnation``, random text) and its last beat in microseconds."""

    name: str
    incarnation: str
    last_beat_us: int


@dataclass(frozen=True)
class Seat:
    """A shard inside a group. ``epoch`` counts the seat's owners; ``heir`` is set in ``transfer`` alone."""

    shard: int
    state: SeatState
    owner: str = ""
    heir: str = ""
    epoch: int = 0
    checkpoint: Cursor | None = None
    saved_us: int = 0
    saved_by: str = ""


@dataclass
class GroupState:
    """All a group is: plain values, replaced one by one, so that a keeper can tell what a step changed.

    ``shards_version`` is that of the newest `ShardExtents` the group has seen.
    """

    group: ConsumerGroup
    consumers: dict[str, Consumer] = field(default_factory=dict)
    seats: dict[int, Seat] = field(default_factory=dict)
    shards_version: int = 0

    def copy(self) -> GroupState:
        """As it is now; later steps on the one do not show in the other."""
        return replace(self, consumers=dict(self.consumers), seats=dict(self.seats))

    def owned(self, consumer: str) -> tuple[int, ...]:
        """Shards a consumer owns, those it is asked to let go included."""
        return tuple(sorted(seat.shard for seat in self.seats.values() if seat.owner == consumer))


@dataclass(frozen=True)
class ShardExtent:
    """What a group must know of a shard.

    Attributes:
        end: behind the last log; for a retired shard it stays.
        retired: split or merged.
        ancestors: shards of all earlier generations it came from.
    """

    end: Cursor
    retired: bool = False
    ancestors: frozenset[int] = frozenset()

    def read_to_end(self, cursor: Cursor | None) -> bool:
        """Whether nothing will ever come behind a cursor (None = the beginning)."""
        return self.retired and (BEGIN if cursor is None else cursor) >= self.end


@dataclass(frozen=True)
class ShardExtents:
    """All shards of a Logstore as they are at one version of it; ``received`` is the receive time of its newest log, microseconds."""

    version: int
    shards: Mapping[int, ShardExtent]
    received: int = 0


@dataclass(frozen=True)
class Assignment:
    """A shard that a consumer shall work on, as which of the seat's owners, and from where (None = from the configured start)."""

    shard: int
    epoch: int
    checkpoint: Cursor | None


class ConsumerGroups(Protocol):
    """The consumer groups of one Logstore. Each method is one transaction, safe under concurrent processes and a kill anywhere.

    Time is the keeper's own clock, one for all callers. Errors by code: NotFound ``ConsumerGroupNotExist``, ``ConsumerNotExist``,
    ``ShardNotExist``; AlreadyExists ``ConsumerGroupAlreadyExist``, ``ConsumerAlreadyExist`` (another live process has the name);
    ParameterInvalid ``JsonInfoInvalid``, ``InvalidShardCheckPoint``, ``ParameterInvalid``; UserError ``NotExistConsumerWithBody``,
    ``ConsumerNotMatch``, ``CheckPointBackwards``, ``ConsumerGroupBusy``, ``ConsumerGroupQuotaExceed``.
    """

    def create(self, group: ConsumerGroup) -> None: ...

    def update(self, name: str, *, timeout_s: int | None = None, order: bool | None = None) -> ConsumerGroup:
        """Change settings; a shorter time-out holds for beats that were sent before, order switched off frees waiting shards."""
        ...

    def delete(self, name: str) -> None:
        """With its checkpoints: a group of the same name starts afresh."""
        ...

    def list(self) -> Sequence[ConsumerGroup]:
        """All groups, sorted by name."""
        ...

    def state(self, name: str) -> GroupState:
        """The group as it is now, silent consumers removed."""
        ...

    def heartbeat(self, name: str, consumer: str, shards: Sequence[int], *, incarnation: str = "") -> Sequence[Assignment]:
        """A consumer is alive and works on ``shards``; gives those it shall work on, by rising id. An unknown one joins with no shards."""
        ...

    def leave(self, name: str, consumer: str, *, incarnation: str = "") -> None:
        """A consumer stops: its shards are free at once."""
        ...

    def save_checkpoint(
        self, name: str, shard: int, cursor: Cursor, *, consumer: str = "", epoch: int | None = None, force: bool = False
    ) -> None:
        """Store how far a shard was read. Only its owner may (of this ``epoch``, when given), and not backwards, unless by force."""
        ...

    def checkpoints(self, name: str, shard: int | None = None) -> Sequence[Checkpoint]:
        """Of one shard (none when there is no such shard) or of all, by rising id."""
        ...

    def reset(self, name: str, cursors: Mapping[int, Cursor], *, keep_others: bool = False) -> None:
        """Set every shard's checkpoint, in a group that nobody consumes. Shards that are not named begin anew, or keep theirs."""
        ...

    def close(self) -> None:
        """Let go of what the keeper holds."""
        ...


def check_group_name(name: str) -> None:
    """Raises ParameterInvalid for a name that a consumer group must not have."""
    if not _GROUP_NAME.fullmatch(name):
        raise ParameterInvalid(
            f"{name[:80]!r} is no name of a consumer group",
            hint="a name has 2 to 63 of letters a-z and A-Z, 0-9, _ and -, first and last a letter or digit",
        )


def check_consumer_name(name: str) -> None:
    """Raises ParameterInvalid for a name that a consumer must not have."""
    if not 0 < len(name) <= _LONGEST_CONSUMER_NAME or not name.isprintable():
        raise ParameterInvalid(
            f"{name[:80]!r} is no name of a consumer", hint=f"a name has 1 to {_LONGEST_CONSUMER_NAME} printable characters"
        )


def checked_timeout(timeout_s: int) -> int:
    """A time-out in seconds. Raises ParameterInvalid for one that is out of range."""
    if not 1 <= timeout_s <= _LONGEST_TIMEOUT_S:
        raise ParameterInvalid(f"a time-out of {timeout_s} s is out of range", hint=f"choose 1 to {_LONGEST_TIMEOUT_S} seconds")
    return timeout_s


def changed_group(group: ConsumerGroup, timeout_s: int | None, order: bool | None) -> ConsumerGroup:
    """With other settings. Raises ParameterInvalid with code ``JsonInfoInvalid`` when there is nothing to change."""
    if timeout_s is None and order is None:
        raise ParameterInvalid("nothing to change was given", hint="give a time-out, an order or both", code="JsonInfoInvalid")
    return replace(
        group,
        timeout_s=group.timeout_s if timeout_s is None else checked_timeout(timeout_s),
        order=group.order if order is None else order,
    )
