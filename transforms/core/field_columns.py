"""Which column holds which field: an escape that is deterministic, reversible and safe where columns ignore letter case.

A field may have any name: blanks, dots, quotes, non-ASCII, empty, names that differ only in case. Table formats and engines
compare column names without case and forbid some characters, so a field's column is:

* its name with every character outside ``[0-9A-Za-z_.-]`` (and caseless letters such as 日) as ``%xx`` of its UTF-8 bytes; the empty name is ``%``;
* plus, when the name has ASCII capitals, ``~`` and a hexadecimal mask of their positions (bit i = character i of the name).

    status      → status            userId   → userId~10
    a b         → a%20b             UserID   → UserID~31
    __tag__:pod → __tag__%3apod     "" → %

Columns that begin with ``~`` are Logsluice's own and never a field's.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = [
    "FILE",
    "MAX_COLUMN_BYTES",
    "ORIGIN",
    "OVERFLOW",
    "RECEIVE_TIME",
    "SHARD",
    "SOURCE",
    "TAG_PREFIX",
    "TIME",
    "TIME_NS",
    "TOPIC",
    "TYPED",
    "column_of",
    "field_of",
    "is_field_column",
    "typed_column",
]

TIME = "__time__"
"""Event time: int64, whole Unix seconds."""
TIME_NS = "~time_ns"
"""The sub-second part of the event time: int32, nanoseconds 0..999,999,999."""
RECEIVE_TIME = "~receive_time"
"""When the store took the log: int64, microseconds since 1970 UTC."""
SHARD = "~shard"
"""The shard's number."""
TYPED = "~typed"
"""Which typed columns a data file carries, as text."""
ORIGIN = "~origin"
"""Under which origin a log was written, as text; null under none. Readers of logs never get it."""
FILE = "~file"
"""In rewritten files: which file a log was written in first, a 64-bit number. Readers of logs never get it."""
MAX_COLUMN_BYTES = 255
"""A field whose column would have a longer name is kept among the rare ones."""
OVERFLOW = "~overflow"
"""Rare fields of a table that has too many: a JSON object of field name → text."""
TOPIC = "__topic__"
SOURCE = "__source__"
TAG_PREFIX = "__tag__:"

_PLAIN = re.compile(r"[0-9A-Za-z_.-]+")


@lru_cache(maxsize=65_536)
def column_of(field: str) -> str:
    """The column of a field."""
    if not field:
        return "%"
    text = field if _PLAIN.fullmatch(field) else "".join(_escaped(character) for character in field)
    mask = sum(1 << i for i, character in enumerate(field) if "A" <= character <= "Z")
    return f"{text}~{mask:x}" if mask else text


@lru_cache(maxsize=65_536)
def field_of(column: str) -> str:
    """The field of a column that `column_of` made."""
    if column == "%":
        return ""
    text = column.partition("~")[0]
    if "%" not in text:
        return text
    raw = bytearray()
    encoded = text.encode("utf-8")
    i = 0
    while i < len(encoded):
        if encoded[i] == 0x25:
            raw.append(int(encoded[i + 1 : i + 3], 16))
            i += 3
        else:
            raw.append(encoded[i])
            i += 1
    return raw.decode("utf-8", "surrogatepass")


def is_field_column(column: str) -> bool:
    """Whether a column holds a field's text (not Logsluice's own, not the event time, not a typed twin)."""
    return not column.startswith("~") and "~~" not in column and column != TIME


def typed_column(field: str, kind: str) -> str:
    """The column that holds a field's values as ``long`` or ``double``, beside the text."""
    return f"{column_of(field)}~~{kind}"


def _escaped(character: str) -> str:
    if _PLAIN.match(character):
        return character
    if (
        character > "\x7f"
        and character.isalnum()
        and character.lower() == character.upper()
        and unicodedata.normalize("NFKC", character) == character
    ):
        return character
    return "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
