"""Which shard a new data file goes to."""

from __future__ import annotations

import random
from collections.abc import Callable

from transforms.core.errors import ParameterInvalid
from transforms.stores.shard import Shard, shard_of_key

__all__ = ["ShardChoice"]


class ShardChoice:
    """The shards of one Logstore. Without key or number, files go around, from a place that differs between writers."""

    def __init__(self, shards: tuple[Shard, ...]) -> None:
        if not shards:
            raise ParameterInvalid("a Logstore needs at least one shard")
        self._shards = shards
        self._next = random.randrange(len(shards))

    def chooser(self, hash_key: str | None, shard: int | None) -> Callable[[], int]:
        """A function that names the shard of each next file. Raises ParameterInvalid for a shard that does not exist."""
        if shard is not None:
            if shard not in {known.id for known in self._shards}:
                ids = ", ".join(str(known.id) for known in self._shards)
                raise ParameterInvalid(f"there is no shard {shard}", hint=f"the Logstore's shards are {ids}")
            return lambda: shard
        if hash_key is not None:
            fixed = shard_of_key(self._shards, hash_key).id
            return lambda: fixed
        return self._around

    def _around(self) -> int:
        self._next = (self._next + 1) % len(self._shards)
        return self._shards[self._next].id
