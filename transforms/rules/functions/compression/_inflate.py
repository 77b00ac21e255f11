"""Decompression that stops before it fills the memory."""

from __future__ import annotations

import zlib

from transforms.rules.limits import MOST_CHARACTERS

__all__ = ["inflated"]

_WINDOW = {"gzip": 31, "zlib": 15}
_MOST_MEMBERS = 1_000


def inflated(data: bytes, form: str) -> bytes:
    """What was compressed as ``gzip`` (one member or several) or ``zlib``.

    Raises ValueError for data that is damaged, cut short, followed by something else, or larger than `MOST_CHARACTERS` when it comes out.
    """
    parts: list[bytes] = []
    room = MOST_CHARACTERS
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(_WINDOW[form])
        try:
            part = member.decompress(data, room + 1)
        except zlib.error as error:
            raise ValueError(f"this is no {form} data: {str(error).partition(': ')[2] or error}") from None
        room -= len(part)
        if room < 0:
            raise ValueError(f"more than {MOST_CHARACTERS:,} bytes come out, which is the most that one value may have")
        if not member.eof:
            raise ValueError("the data ends too early")
        parts.append(part)
        data = member.unused_data
        if form == "gzip":
            data = data.lstrip(b"\0")  # blocks of a tape or a file system may be filled up with zeros
        if not data:
            return b"".join(parts)
        if form == "zlib":
            raise ValueError("the compressed data is followed by something else")
    raise ValueError(f"the data has more than {_MOST_MEMBERS:,} members")
