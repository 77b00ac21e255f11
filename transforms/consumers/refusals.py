"""What a consumer group refuses, with the log service's own codes where it has one."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.core.errors import AlreadyExists, NotFound, ParameterInvalid, UserError
from transforms.core.suggest import suggestion
from transforms.stores.consumer_group import MOST_GROUPS, Seat

__all__ = [
    "backwards",
    "behind_the_end",
    "group_busy",
    "group_taken",
    "name_taken",
    "no_consumer",
    "no_consumer_named",
    "no_group",
    "no_shard",
    "not_owner",
    "reports_unknown",
    "too_many_groups",
]


def no_group(name: str, known: Iterable[str]) -> NotFound:
    return NotFound(f"there is no consumer group {name!r}", hint=suggestion(name, known), code="ConsumerGroupNotExist")


def group_taken(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"the consumer group {name!r} exists already", hint="update it, or choose another name", code="ConsumerGroupAlreadyExist"
    )


def too_many_groups() -> UserError:
    return UserError(
        f"a Logstore has at most {MOST_GROUPS} consumer groups", hint="delete one that nobody uses", code="ConsumerGroupQuotaExceed"
    )


def group_busy(consumers: Iterable[str]) -> UserError:
    names = sorted(consumers)
    return UserError(
        f"the group is being consumed, by {', '.join(names[:5])}{' …' if len(names) > 5 else ''}",
        hint="stop its consumers, or wait for the time-out",
        code="ConsumerGroupBusy",
    )


def no_shard(shard: int) -> NotFound:
    return NotFound(f"there is no shard {shard}", hint="`logsluice shard list` shows the shards", code="ShardNotExist")


def no_consumer(consumer: str) -> NotFound:
    return NotFound(
        f"the group has no live consumer {consumer!r}", hint="drop what it works on and join again, with no shards", code="ConsumerNotExist"
    )


def no_consumer_named() -> ParameterInvalid:
    return ParameterInvalid("a checkpoint without a consumer is only stored by force", hint="name the consumer that owns the shard")


def name_taken(consumer: str) -> AlreadyExists:
    return AlreadyExists(
        f"another process consumes as {consumer!r}",
        hint="give each process a name of its own, or wait for the time-out",
        code="ConsumerAlreadyExist",
    )


def reports_unknown(consumer: str) -> UserError:
    return UserError(
        f"{consumer!r} reports shards, but the group does not know it: it was silent for too long, or never joined",
        hint="drop what it works on and join again, with no shards",
        code="NotExistConsumerWithBody",
    )


def not_owner(consumer: str, seat: Seat, epoch: int | None) -> UserError:
    if seat.owner == consumer:
        whose = f"{consumer!r} owns shard {seat.shard} as its owner number {seat.epoch}, not {epoch}"
    else:
        whose = f"shard {seat.shard} belongs to {seat.owner!r}" if seat.owner else f"shard {seat.shard} belongs to nobody ({seat.state})"
    return UserError(f"{consumer!r} cannot save: {whose}", hint="stop working on the shard", code="ConsumerNotMatch")


def backwards(shard: int) -> UserError:
    return UserError(
        f"the checkpoint of shard {shard} lies further on already", hint="only force or a reset goes back", code="CheckPointBackwards"
    )


def behind_the_end(shard: int) -> ParameterInvalid:
    return ParameterInvalid(
        f"the cursor lies behind the end of shard {shard}", hint="take cursors of this shard", code="InvalidShardCheckPoint"
    )
