"""Kinds of arguments that encoding, encryption and tokens take. None of their messages shows a value: it may be a key."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.kinds import Kind, choice_of
from transforms.rules.values import as_bytes, as_integer, kind_of

__all__ = ["ALGORITHMS", "AesKey", "Algorithm", "Algorithms", "Alphabet", "InitialBlock", "Key", "MinimalLength", "Padding", "WholeNumbers"]

ALGORITHMS = (
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA",
)  # fmt: skip


def _key(value: Any) -> bytes:
    if not isinstance(value, str | bytes):
        raise TypeError(f"a key is text or bytes, not {kind_of(value)}")
    key = as_bytes(value)
    if not key:
        raise ValueError("the key is empty")
    return key


def _aes_key(value: Any) -> bytes:
    key = _key(value)
    if len(key) not in (16, 24, 32):
        raise ValueError(f"a key of 16, 24 or 32 bytes is needed, not one of {len(key)}")
    return key


def _initial_block(value: Any) -> bytes:
    if not isinstance(value, str | bytes):
        raise TypeError(f"an iv is text or bytes, not {kind_of(value)}")
    block = as_bytes(value)
    if len(block) != 16:
        raise ValueError(f"an iv of 16 bytes is needed, not one of {len(block)}")
    return block


def _padding(value: Any) -> int:
    size = as_integer(value)
    if not 1 <= size <= 255:
        raise ValueError(f"a block size from 1 to 255 is needed, not {str(size)[:20]}")
    return size


_ALGORITHM = choice_of("algorithm", ALGORITHMS)


def _algorithms(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise TypeError(f"an algorithm or a list of algorithms is needed, not {kind_of(value)}")
    return tuple(_ALGORITHM.convert(name.strip() if isinstance(name, str) else name) for name in names)


_MOST_NUMBERS = 1_000


def _whole_numbers(value: Any) -> tuple[int, ...]:
    items = value if isinstance(value, list | tuple) else (value,)
    numbers = tuple(as_integer(item) for item in items)
    if not numbers or len(numbers) > _MOST_NUMBERS:
        raise ValueError(f"one number to {_MOST_NUMBERS:,} are needed, not {len(numbers):,}")
    if any(not 0 <= number < 2**64 for number in numbers):
        raise ValueError("integers from 0 to 18,446,744,073,709,551,615 are needed")
    return numbers


def _alphabet(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"an alphabet is text, not {kind_of(value)}")
    if len(set(value)) < 16 or len(value) > 1_000:
        raise ValueError("an alphabet of 16 different characters or more (to 1,000) is needed")
    if any(character.isspace() for character in value):
        raise ValueError("an alphabet has no blanks")
    return value


def _minimal_length(value: Any) -> int:
    length = as_integer(value)
    if not 0 <= length <= 1_000:
        raise ValueError(f"a length from 0 to 1,000 is needed, not {str(length)[:20]}")
    return length


Key = Annotated[bytes, Kind("a key, text or bytes", _key)]
AesKey = Annotated[bytes, Kind("a key of 16, 24 or 32 bytes", _aes_key)]
InitialBlock = Annotated[bytes, Kind("16 bytes", _initial_block)]
Padding = Annotated[int, Kind("a block size", _padding)]
Algorithm = Annotated[str, _ALGORITHM]
Algorithms = Annotated[tuple[str, ...], Kind("an algorithm, or a list of them", _algorithms)]
WholeNumbers = Annotated[tuple[int, ...], Kind("an integer from 0 on, or a list of them", _whole_numbers)]
Alphabet = Annotated[str, Kind("16 different characters or more", _alphabet)]
MinimalLength = Annotated[int, Kind("a number of characters", _minimal_length)]
