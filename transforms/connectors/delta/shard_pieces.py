"""Pieces of shards: logs that lie next to each other in one file of a commit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from transforms.stores.cursor import Cursor
from transforms.stores.logstore import DataFile

__all__ = ["Piece", "between"]


@dataclass(frozen=True)
class Piece:
    """Logs of one commit's file: rows ``[first, last)``; ``number`` is the file's in its commit, ``offset`` the logs of files before it.

    A commit that the log tells no more has the version 0.
    """

    version: int
    number: int
    file: DataFile
    first: int
    last: int
    offset: int

    def place(self, row: int) -> Cursor:
        """Behind so many of the file's logs."""
        if not self.version:
            return Cursor(0, self.file.receive_time or 0, self.offset + row)
        return Cursor(self.version, self.number, row)


def between(piece: Piece, cursor: Cursor, stop: Cursor) -> Piece | None:
    """What lies between two places of a piece that the log tells no more."""
    if piece.place(piece.last) <= cursor or piece.place(0) >= stop:
        return None
    moment = piece.file.receive_time
    first = max(0, cursor.row - piece.offset) if cursor.file == moment else 0
    last = min(piece.last, stop.row - piece.offset) if (stop.version, stop.file) == (0, moment) else piece.last
    return replace(piece, first=first, last=last) if first < last else None
