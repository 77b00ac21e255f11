"""Cursor: a place between two logs of a shard. Cursors of one shard are ordered; as text they are opaque."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from transforms.core.errors import ParameterInvalid

__all__ = ["BEGIN", "Cursor"]

_MOST = 1 << 63


@dataclass(frozen=True, order=True)
class Cursor:
    """The place right behind a log, so that every place has one cursor and nothing lies between two cursors that are next to each other.

    Attributes:
        version: the Logstore's version that made the log before the place visible.
        file: which of that commit's files of the shard, from 0.
        row: how many of the file's logs lie before the place, at least 1; (0, 0, 0) is the place before the shard's first log.
    """

    version: int
    file: int
    row: int

    @property
    def text(self) -> str:
        """Base64 text, for users, commands and databases."""
        return base64.b64encode(f"{self.version}.{self.file}.{self.row}".encode()).decode()

    @staticmethod
    def of_text(text: str, *, code: str = "InvalidCursor") -> Cursor:
        """From `text`. Raises ParameterInvalid with a code of the caller's for anything else."""
        try:
            version, file, row = (int(part) for part in base64.b64decode(text, validate=True).decode("ascii").split("."))
            cursor = Cursor(version, file, row)
        except (binascii.Error, ValueError):
            cursor = None
        if cursor is None or cursor.text != text or not all(0 <= part < _MOST for part in (cursor.version, cursor.file, cursor.row)):
            raise ParameterInvalid(f"{text[:60]!r} is no cursor", hint="take cursors from a pull, a checkpoint or a time", code=code)
        return cursor


BEGIN = Cursor(0, 0, 0)
"""Before the first log of any shard."""
