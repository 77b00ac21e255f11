"""Which shard new logs go to."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from transforms.core.errors import ParameterInvalid
from transforms.stores.shard import Shard, digits_of_key, place_of_digits, shard_of_digits
from transforms.stores.shard_map import ShardMap

__all__ = ["Route", "Turns"]


class Turns:
    """Shards that take turns, from a place that differs between writers."""

    def __init__(self) -> None:
        self._turn = random.randrange(1 << 16)

    def of(self, shards: tuple[Shard, ...]) -> int:
        """The id of the one whose turn it is."""
        self._turn += 1
        return shards[self._turn % len(shards)].id


@dataclass(frozen=True)
class Route:
    """Where the logs of one writing go.

    Attributes:
        shard: names the shard of each next file, of logs without a value of ``hash_field`` if that is given.
        place: of all logs, 32 hexadecimal digits, when it was told.
        hash_field: whose value says where each log belongs.
        writable: the shards that take logs.
    """

    shard: Callable[[], int]
    writable: tuple[Shard, ...]
    place: str | None = None
    hash_field: str | None = None

    @staticmethod
    def of(
        shards: ShardMap, turns: Turns, *, hash_key: str | None, shard: int | None, place: str | None, hash_field: str | None
    ) -> Route:  # fmt: skip
        """Raises ParameterInvalid when more than one is given, or no place; and like `ShardMap.for_append`."""
        writable = shards.writable
        given = [name for name, value in {"hash_key": hash_key, "shard": shard, "place": place, "hash_field": hash_field}.items()
                 if value is not None]  # fmt: skip
        if len(given) > 1:
            raise ParameterInvalid(f"{' and '.join(given)} cannot be given together", hint="logs go where one of them says")
        if shard is not None:
            chosen = shards.for_append(shard).id
            return Route(lambda: chosen, writable)
        if hash_key is not None or place is not None:
            digits = digits_of_key(hash_key) if hash_key is not None else f"{place_of_digits(place or ''):032x}"
            holder = shard_of_digits(writable, digits).id
            return Route(lambda: holder, writable, place=digits)
        return Route(lambda: turns.of(writable), writable, hash_field=hash_field)
