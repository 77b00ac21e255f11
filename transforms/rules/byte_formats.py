"""Bytes as rules hand them about: as they are, as hexadecimal digits, as Base64; and the names of encodings of text."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.limits import within_limit
from transforms.rules.values import as_bytes, as_text

__all__ = ["Data", "Encoding", "from_base64", "read_bytes", "text_or_bytes", "to_base64", "written"]


def from_base64(text: str) -> bytes:
    """The bytes of Base64 text in the standard alphabet. White space is skipped, padding may be missing. Raises ValueError for others."""
    digits = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError) as error:  # a character outside ASCII is a plain ValueError
        raise ValueError(f"this is no Base64 text: {str(error)[:1].lower()}{str(error)[1:]}") from None


def to_base64(data: bytes) -> str:
    """Base64 in the standard alphabet, with padding."""
    within_limit((len(data) + 2) // 3 * 4)
    return base64.b64encode(data).decode("ascii")


def read_bytes(data: Any, form: str, encoding: str = "utf-8") -> bytes:
    """The bytes that an argument holds: ``raw`` (bytes as they are, text in an encoding), ``hex`` or ``base64``. Raises ValueError."""
    if form == "raw":
        return data if isinstance(data, bytes) else as_text(data).encode(encoding)
    text = as_text(data)
    if form == "base64":
        return from_base64(text)
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("this is no hexadecimal text: pairs of the digits 0-9 and a-f are needed") from None


def written(data: bytes, form: str) -> str | bytes:
    """Bytes as a result: ``raw`` gives bytes, ``hex`` and ``base64`` text."""
    if form == "raw":
        return data
    if form == "base64":
        return to_base64(data)
    within_limit(2 * len(data))
    return data.hex()


def text_or_bytes(data: bytes) -> str | bytes:
    """Text where the bytes are UTF-8, else the bytes."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _encoding(value: Any) -> str:
    name = as_text(value)
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(f"unknown encoding: {name[:60]}") from None
    if name.lower().replace("-", "_") in ("idna", "punycode", "undefined"):
        raise ValueError(f"{name} is made for host names and is no encoding of text")
    return name


Data = Annotated[bytes, Kind("text or bytes", as_bytes, is_text=True)]
Encoding = Annotated[str, Kind("the name of an encoding", _encoding)]
