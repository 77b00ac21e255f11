"""Shard: a part of a Logstore that owns a range of the 128-bit MD5 space."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from transforms.core.errors import ParameterInvalid

__all__ = ["Shard", "digits_of_key", "even_shards", "place_of_digits", "shard_of_digits", "shard_of_key"]

_SPACE = 1 << 128


@dataclass(frozen=True)
class Shard:
    """``begin`` belongs to the range, ``end`` does not; both count in the MD5 space. Ids count up within a Logstore."""

    id: int
    begin: int
    end: int

    @property
    def begin_key(self) -> str:
        """The range's start as 32 hexadecimal digits."""
        return f"{self.begin:032x}"

    @property
    def end_key(self) -> str:
        """The range's end as hexadecimal digits; ``1`` and 32 zeros is the top of the space."""
        return f"{self.end:032x}"


def even_shards(count: int) -> tuple[Shard, ...]:
    """``count`` shards of equal ranges, ids from 0, that cover the space."""
    edges = [_SPACE * i // count for i in range(count + 1)]
    return tuple(Shard(i, edges[i], edges[i + 1]) for i in range(count))


def shard_of_key(shards: tuple[Shard, ...], key: str) -> Shard:
    """The shard whose range holds the MD5 of a hash key."""
    return _shard_at(shards, place_of_digits(digits_of_key(key)))


def digits_of_key(key: str) -> str:
    """A hash key's place in the MD5 space as 32 hexadecimal digits."""
    return hashlib.md5(key.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def shard_of_digits(shards: tuple[Shard, ...], digits: str) -> Shard:
    """The shard whose range holds a place in the MD5 space, given as up to 32 hexadecimal digits. Raises ParameterInvalid."""
    return _shard_at(shards, place_of_digits(digits))


def place_of_digits(digits: str) -> int:
    """A place in the MD5 space, from up to 32 hexadecimal digits. Raises ParameterInvalid."""
    try:
        place = int(digits, 16)
    except ValueError:
        place = -1
    if not 0 <= place < _SPACE:
        raise ParameterInvalid(f"a hash key is 32 hexadecimal digits, not {digits[:60]!r}", hint="hash_key_field takes any text of a field")
    return place


def _shard_at(shards: tuple[Shard, ...], place: int) -> Shard:
    return next(shard for shard in shards if shard.begin <= place < shard.end)
