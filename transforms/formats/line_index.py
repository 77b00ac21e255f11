"""The lines of a chunk as one text column over the chunk's own bytes, without a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.formats.records import BadRecord, Chunk

__all__ = ["Lines"]

_SPACE, _LINE_END = 0x20, 0x0A
_PIECE = 256 * 1024
"""Bytes looked at together: what is made of them between stays in the processor's cache."""


@dataclass(frozen=True)
class Lines:
    """Lines with their ends.

    ``data`` is UTF-8; lines that cannot be used are blank there and named in ``bad``. ``starts`` are the lines' offsets in it and its length.
    """

    data: bytes | bytearray
    starts: Any
    bad: list[BadRecord]

    @property
    def text(self) -> Any:
        """The lines as a Polars string column."""
        array = pa.LargeStringArray.from_buffers(len(self.starts) - 1, pa.py_buffer(self.starts), pa.py_buffer(self.data))
        return pl.Series("line", array)

    def line(self, row: int) -> str:
        """One line with its end."""
        return self.data[int(self.starts[row]) : int(self.starts[row + 1])].decode()

    @staticmethod
    def of(chunk: Chunk, max_line_bytes: int, starts: Any = None) -> Lines:
        """Cut a chunk at its line ends, or at ``starts`` (its length being the last).

        Lines longer than the limit are ``too-long``, lines that are no UTF-8 ``not-utf8``.
        """
        data = chunk.data
        if chunk.too_long:
            detail = f"the line has {chunk.too_long} bytes, the limit is {max_line_bytes}"
            return Lines(bytes([_SPACE]) * len(data), np.array([0, len(data)]), [BadRecord(0, "too-long", detail)])
        if starts is None:
            view = np.frombuffer(data, np.uint8)
            found = [np.flatnonzero(view[begin : begin + _PIECE] == _LINE_END) + (begin + 1) for begin in range(0, len(view), _PIECE)]
            ends = np.concatenate(found) if found else np.empty(0, np.int64)
            if len(data) and (not len(ends) or ends[-1] != len(data)):
                ends = np.append(ends, len(data))
            starts = np.concatenate([np.zeros(1, np.int64), ends])
        bad: list[BadRecord] = []
        blank: bytearray | None = None
        if chunk.offset == 0 and data.startswith(b"\xef\xbb\xbf"):
            blank = bytearray(data)
            blank[:3] = b"   "
        for row in np.flatnonzero(np.diff(starts) > max_line_bytes + 2).tolist():
            blank = blank if blank is not None else bytearray(data)
            begin, end = int(starts[row]), int(starts[row + 1])
            bad.append(BadRecord(row, "too-long", f"the line has {end - begin} bytes, the limit is {max_line_bytes}"))
            blank[begin:end] = bytes([_SPACE]) * (end - begin)
        if not data.isascii():
            for row, begin, end, detail in _not_utf8(data if blank is None else bytes(blank), starts):
                blank = blank if blank is not None else bytearray(data)
                bad.append(BadRecord(row, "not-utf8", detail))
                blank[begin:end] = bytes([_SPACE]) * (end - begin)
        return Lines(data if blank is None else blank, starts, bad)


def _not_utf8(data: bytes | bytearray, starts: Any) -> list[tuple[int, int, int, str]]:
    """Row, start, end and reason of each line that is no UTF-8. Decodes what lies between bad lines in one call each."""
    found = []
    at = 0
    view = memoryview(data)
    while at < len(data):
        try:
            str(view[at:], "utf-8")
            break
        except UnicodeDecodeError as error:
            row = int(np.searchsorted(starts, at + error.start, side="right")) - 1
            begin, end = int(starts[row]), int(starts[row + 1])
            found.append((row, begin, end, f"byte {at + error.start - begin + 1} of the line is not UTF-8 ({error.reason})"))
            at = end
    return found
