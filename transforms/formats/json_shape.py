"""The shape of JSON lines: all that lines of one source have in common, and the cutting of such lines into columns.

A shape is the text between the values, ``{"time":``, ``,"user":"``, ``","status":``, ``}``. Lines are cut where their quotes are: a
line with as many quotes as the shape must have the shape's text at them, byte for byte. What lies between is a value: in quotes any
string, else a literal by the grammar of JSON. So a line that is cut is proved to be what the exact parser would make of it.

Everything works on whole columns of positions; no Python object stands for a line. Texts become Arrow string views (a length, then
the text itself up to 12 bytes), made of eight bytes at a time.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.core.field_columns import column_of
from transforms.formats.json_object import LITERAL
from transforms.formats.records import ROW

__all__ = ["Quotes", "Shape", "shape_of"]

_VALUE = re.compile(rf'(?s)(?P<string>"(?:[^"\\]|\\.)*")|(?P<literal>{LITERAL})')
_NAME = re.compile(r'[ \t]*"([^"\\]*)"[ \t]*:[ \t]*')
_BETWEEN = re.compile(r"[ \t]*,")
_END = re.compile(r"[ \t]*\}[ \t\r\n]*$")
_MOST_FIELDS = 400
_MOST_TEXT = 4_000
_MARGIN = 4_096
_BACKSLASHES = 16
_PIECE = 256 * 1024
_MOST_BYTES = 2**31 - 2 * _MARGIN
_BLANKS_AT_END = 4
_QUOTE, _BACKSLASH = 0x22, 0x5C
_BLANK = np.isin(np.arange(256), np.frombuffer(b" \t\r\n", np.uint8))

_kept = threading.local()

_INLINE = 12
_U64: Any = np.uint64
_HALF = _U64(32)


def _bytes_of(first: int, last: int, *, shift: int = 0, skip: int = 0, spare: int = 0) -> Any:
    """By length of a text, 0 to 12: the bits of its bytes from ``first`` up to ``last``, but for its first ``skip`` and last ``spare`` ones."""
    return np.array(
        [sum(0xFF << (8 * (i - first) + shift) for i in range(max(first, skip), min(last, n - spare))) for n in range(_INLINE + 1)],
        np.uint64,
    )


_ZEROS, _ABOVE_NINE, _HIGH = _U64(0x3030303030303030), _U64(0x7676767676767676), _U64(0x8080808080808080)
_LOW, _DOTS = _U64(0x7F7F7F7F7F7F7F7F), _U64(0x1E1E1E1E1E1E1E1E)
_NULL = _U64(int.from_bytes(b"\x04\0\0\0null", "little"))
# A string view is two numbers: the length and bytes 0 to 3; bytes 4 to 11.
_HEAD, _TAIL = _bytes_of(0, 4, shift=32), _bytes_of(4, 12)
_HEAD_ZEROS, _TAIL_ZEROS = _ZEROS & ~_bytes_of(0, 4), _ZEROS & ~_TAIL
_HEAD_DOT, _TAIL_DOT = _HIGH & _bytes_of(0, 4, skip=1, spare=1), _HIGH & _bytes_of(4, 12, spare=1)


class Quotes:
    """The lines of a chunk and where their quotes are; quotes behind an odd number of backslashes are part of a string's text.

    ``data`` is UTF-8, ``starts`` are the lines' offsets in it and its length. Positions count from ``_MARGIN`` before the first line, so that
    a few bytes around a line can be looked at whatever the line; what stands in the margins is left over from before. The bytes hold until
    the same thread makes the next one: fresh memory for each chunk would cost as much as the search.
    """

    @staticmethod
    def fit(data: bytes | bytearray) -> bool:
        """Whether there are few enough bytes: a string view has 31 bits for a place."""
        return len(data) < _MOST_BYTES

    def __init__(self, data: bytes | bytearray, starts: Any) -> None:
        size = len(data) + 2 * _MARGIN
        self.bytes = _room("bytes", size, np.uint8)
        self.bytes[_MARGIN : _MARGIN + len(data)] = np.frombuffer(data, np.uint8)
        self.has_escapes = b"\\" in data
        # With no backslash behind another, a quote is escaped if there is one before it: no need to look at runs of them.
        in_runs = self.has_escapes and b"\\\\" in data
        limits = starts + _MARGIN
        at, have, counts = _room("at", size, np.int32), 0, []
        # Piece by piece, so that what is made between stays in the processor's cache.
        for begin in range(0, size, _PIECE):
            is_quote = self.bytes[begin : begin + _PIECE] == _QUOTE
            if self.has_escapes and not in_runs:
                is_quote[1:] &= self.bytes[begin : begin + len(is_quote) - 1] != _BACKSLASH
                is_quote[:1] &= self.bytes[max(begin - 1, 0)] != _BACKSLASH
            found = np.flatnonzero(is_quote)
            np.add(found, begin, out=at[have : have + len(found)], casting="unsafe")
            have += len(found)
            counts.append(np.packbits(is_quote, bitorder="little"))
        self.at = at[:have]
        if in_runs:
            self.at = self.at[~self._escaped(self.at)]
            first = np.searchsorted(self.at, limits)
        else:
            first = _count_before(np.concatenate(counts), limits)
        self.first, self.count = first[:-1], np.diff(first)
        self.begin = limits[:-1]
        end = limits[1:]
        for _ in range(_BLANKS_AT_END):
            blank = _BLANK[self.bytes[end - 1]] & (end > self.begin)
            if not blank.any():
                break
            end = end - blank
        self.end = end

    def _escaped(self, at: Any) -> Any:
        """Which of the quotes are behind an odd number of backslashes."""
        found = self.bytes[at - 1] == _BACKSLASH
        behind = np.flatnonzero(found)
        for back in range(2, _BACKSLASHES):
            behind = behind[self.bytes[at[behind] - back] == _BACKSLASH]
            if not len(behind):
                return found
            found[behind] = back % 2 == 1
        slashes = np.flatnonzero(self.bytes == _BACKSLASH)
        begins = np.append(True, np.diff(slashes) != 1)  # of runs of backslashes
        run_begin = slashes[begins][np.cumsum(begins) - 1]
        before = np.searchsorted(slashes, at[behind] - 1)
        found[behind] = (at[behind] - run_begin[before]) % 2 == 1
        return found

    def words(self, at: Any, count: int) -> Any:
        """``count`` times eight bytes from each position, as whole numbers: one row for each position."""
        size = 8 * count
        windows: Any = np.ndarray((len(self.bytes) - size + 1,), dtype=f"V{size}", buffer=self.bytes, strides=(1,))
        return windows[at].view("<u8").reshape(len(at), count)


@dataclass(frozen=True)
class _Text:
    """The text before a value or at the end of a line. ``quote``: how many quotes the line has before it; ``ahead``: where its own first is."""

    text: bytes
    quote: int
    ahead: int | None

    def look(self, quotes: Quotes, begin: Any) -> tuple[Any, Any, Any]:
        """Whether it stands at these positions; and the sixteen bytes that follow it, as two numbers."""
        pad = -len(self.text) % 8
        count = (len(self.text) + pad) // 8
        words = quotes.words(begin - pad, count + 2)
        wanted = np.frombuffer(bytes(pad) + self.text, "<u8")
        same = (words[:, 0] >> _U64(8 * pad)) == (wanted[0] >> _U64(8 * pad))
        for i in range(1, count):
            same &= words[:, i] == wanted[i]
        return same, words[:, count].copy(), words[:, count + 1].copy()


@dataclass(frozen=True)
class Shape:
    """What the lines of one source have in common.

    ``texts`` stand before the values, the last one at the end; ``columns`` are the values' columns; ``literals`` tells which are no strings.
    """

    texts: tuple[_Text, ...]
    columns: tuple[str, ...]
    literals: tuple[bool, ...]
    quotes: int

    def cut(self, quotes: Quotes, rows: Any) -> pl.DataFrame:
        """Those of the lines ``rows`` (numbers, rising) that have this shape: `ROW` and a text column for each value, escapes as they are.

        ``null`` is a null.
        """
        rows = rows[quotes.count[rows] == self.quotes]
        first = quotes.first[rows]
        places = [
            np.subtract(quotes.at.take(first + text.quote), text.ahead, dtype=np.int64) for text in self.texts if text.ahead is not None
        ]
        same = np.ones(len(rows), bool)
        begins, ends, heads, tails = [], [quotes.begin[rows]], [], []
        for i, text in enumerate(self.texts[:-1]):
            begin = places[i] if i else quotes.begin[rows]
            ok, head, tail = text.look(quotes, begin)
            same &= ok
            if not same.any():
                return pl.DataFrame(schema={ROW: pl.Int64})
            ends.append(begin)
            begins.append(begin + len(text.text))
            heads.append(head)
            tails.append(tail)
        last = self.texts[-1]
        end = quotes.end[rows] - len(last.text)
        same &= last.look(quotes, end)[0]
        if last.ahead is not None:
            same &= places[-1] == end
        if not same.all():
            rows, end = rows[same], end[same]
            begins, ends, heads, tails = ([each[same] for each in them] for them in (begins, ends, heads, tails))
        columns = [pa.array(rows)]
        wrong = np.zeros(len(rows), bool)
        for i, literal in enumerate(self.literals):
            values = _Values(heads[i], tails[i], begins[i], (ends[i + 2] if i + 2 < len(ends) else end) - begins[i])
            column = values.column(quotes, nullable=literal)
            if literal:
                wrong |= values.not_literals(column)
            columns.append(column)
        frame = pl.DataFrame(pl.from_arrow(pa.Table.from_arrays(columns, names=[ROW, *self.columns])))
        return frame.filter(pl.Series(~wrong)) if wrong.any() else frame


def shape_of(line: str) -> Shape | None:
    """The shape of a line; None when it is no flat JSON object, has a name twice, or names with escapes or of great length."""
    if not line.startswith("{") or "\n" in line.rstrip("\r\n"):
        return None
    texts: list[_Text] = []
    names: list[str] = []
    literals: list[bool] = []
    seen, i, before = 0, 1, "{"

    def add(text: str) -> None:
        nonlocal seen
        texts.append(_Text(text.encode(), seen, len(text[: text.index('"')].encode()) if '"' in text else None))
        seen += text.count('"')

    while True:
        name = _NAME.match(line, i)
        value = _VALUE.match(line, name.end()) if name else None
        if name is None or value is None or len(names) >= _MOST_FIELDS:
            return None
        names.append(name[1])
        literals.append(value["literal"] is not None)
        quote = "" if literals[-1] else '"'
        add(before + name[0] + quote)
        i = value.end()
        between = _BETWEEN.match(line, i)
        if between is None:
            break
        before = quote + between[0]
        i = between.end()
    end = _END.match(line, i)
    if not end or len(set(names)) < len(names):
        return None
    add(quote + end[0].rstrip(" \t\r\n"))
    if any(len(text.text) > _MOST_TEXT for text in texts):
        return None
    return Shape(tuple(texts), tuple(column_of(name) for name in names), tuple(literals), seen)


def _room(name: str, size: int, kind: Any) -> Any:
    """An array that this thread uses again and again."""
    found = getattr(_kept, name, None)
    if found is None or found.size < size:
        found = np.empty(size, kind)
        setattr(_kept, name, found)
    return found[:size]


def _count_before(bits: Any, limits: Any) -> Any:
    """How many of the bits before each limit are set. Limits are at least 64, and less than the number of bits by as much."""
    words = bits[: len(bits) // 8 * 8].view("<u8")
    before = np.cumsum(np.bitwise_count(words), dtype=np.int64)
    word, bit = limits >> 6, (limits & 63).view(np.uint64)
    return before[word - 1] + np.bitwise_count(words[word] & ((_U64(1) << bit) - _U64(1)))


class _Values:
    """The values of one column: where they begin, their lengths, and their first bytes in string views.

    ``head`` and ``tail`` are the sixteen bytes from the beginning of each, whatever of them belongs to the value.
    """

    def __init__(self, head: Any, tail: Any, begin: Any, length: Any) -> None:
        self.length = length
        self.longest = int(length.max()) if len(length) else 0
        self.short = np.minimum(length, _INLINE)
        self.views = np.empty((len(length), 2), np.uint64)
        self.views[:, 0] = ((head << _HALF) & _HEAD.take(self.short)) | length.view(np.uint64)
        if self.longest <= 4:
            self.views[:, 1] = 0
            return
        self.views[:, 1] = ((head >> _HALF) | (tail << _HALF)) & _TAIL.take(self.short)
        if self.longest > _INLINE:
            far = np.flatnonzero(length > _INLINE)
            # A longer text is not in its view, but where it begins in the one buffer.
            self.views[far, 1] = begin[far].view(np.uint64) << _HALF

    def column(self, quotes: Quotes, *, nullable: bool) -> Any:
        """As an Arrow text column; with ``nullable`` the text ``null`` is a null."""
        null = self.views[:, 0] == _NULL if nullable else None
        valid = pa.py_buffer(np.packbits(~null, bitorder="little")) if null is not None and null.any() else None
        buffers = [valid, pa.py_buffer(self.views)]
        if self.longest <= _INLINE:
            return pa.Array.from_buffers(pa.string_view(), len(self.views), buffers)
        array = pa.Array.from_buffers(pa.string_view(), len(self.views), [*buffers, pa.py_buffer(quotes.bytes)])
        # Views of long texts would keep the whole chunk: a copy of this column's own text is smaller.
        return array.cast(pa.large_string())

    def not_literals(self, column: Any) -> Any:
        """Which are no JSON literals. Whole numbers and plain decimals are told by their bytes, the others by the grammar."""
        head = ((self.views[:, 0] >> _HALF) | _HEAD_ZEROS.take(self.short)) ^ _ZEROS
        tail = (self.views[:, 1] | _TAIL_ZEROS.take(self.short)) ^ _ZEROS if self.longest > 4 else np.zeros(len(head), np.uint64)
        good = _not_digits(head) == 0
        if self.longest > 4:
            good &= _not_digits(tail) == 0
        good &= ((head & _U64(0xFF)) != 0) | (self.length == 1)
        good &= self.short > 0
        if self.longest > _INLINE:
            good &= self.length == self.short
        good |= self.views[:, 0] == _NULL
        for rule in (self._decimals, self._by_grammar):
            rest = np.flatnonzero(~good)
            if not len(rest):
                break
            good[rest] = rule(head, tail, rest, column)
        return ~good

    def _decimals(self, head: Any, tail: Any, rows: Any, _column: Any) -> Any:
        """Which of some rows are digits with one dot between them, and no zero too many before it."""
        head, tail, short = head[rows], tail[rows], self.short[rows]
        head_dot, tail_dot = _dots(head), _dots(tail)
        good = (_not_digits(head) == head_dot) & (_not_digits(tail) == tail_dot) & (self.length[rows] == short)
        good &= np.bitwise_count(head_dot & _HEAD_DOT.take(short)) + np.bitwise_count(tail_dot & _TAIL_DOT.take(short)) == 1
        good &= np.bitwise_count(head_dot) + np.bitwise_count(tail_dot) == 1
        return good & (((head & _U64(0xFF)) != 0) | ((head_dot & _U64(0x8000)) != 0))

    def _by_grammar(self, _head: Any, _tail: Any, rows: Any, column: Any) -> Any:
        return pl.Series(column).gather(rows).str.contains(rf"\A(?:{LITERAL})\z").to_numpy()


def _not_digits(words: Any) -> Any:
    """The high bit of every byte that is above 9. (Adding 0x76 sets it; bytes that have it are strange anyhow, so that carries do no harm.)"""
    return ((words + _ABOVE_NINE) | words) & _HIGH


def _dots(words: Any) -> Any:
    """The high bit of every byte that is a dot, as far as it differs from the digit zero."""
    other = words ^ _DOTS
    return ~(((other & _LOW) + _LOW) | other) & _HIGH
