"""CSV with a header line, by column. A quoted cell may hold line ends; an unquoted empty cell means that the log has no such field.

Chunks must hold whole records: `whole_records` cuts them so. A record with more cells than the header is bad; one with fewer has
no value for the rest.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import column_of
from transforms.formats.line_index import Lines
from transforms.formats.records import ROW, BadRecord, Chunk, Parsed
from transforms.formats.sparse_rows import frames_of_rows

__all__ = ["CsvRecords", "header_of", "whole_records"]


def header_of(record: bytes, name: str) -> list[str]:
    """The field names of a header record. Raises ParameterInvalid when it is no UTF-8, empty, or has a name twice."""
    try:
        rows = list(csv.reader(io.StringIO(record.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ParameterInvalid(f"the header of {name} cannot be read: {error}") from error
    names = rows[0] if rows else []
    if not names:
        raise ParameterInvalid(f"{name} has no header line", hint="the first line of a CSV file names its fields")
    for field in names:
        if names.count(field) > 1:
            raise ParameterInvalid(f"the header of {name} has the name {field!r} twice", hint="give each column its own name")
    return names


def whole_records(chunks: Iterator[Chunk], max_record_bytes: int) -> Iterator[Chunk]:
    """Chunks of whole lines as chunks of whole records.

    A quote that never closes would swallow the rest of the input: a record beyond the limit is given up at its first line.
    """
    carry: Chunk | None = None
    for chunk in chunks:
        if chunk.too_long:
            if carry is not None:
                yield from _given_up(carry)
            carry = None
            yield chunk
            continue
        if carry is not None:
            chunk = replace(carry, data=carry.data + chunk.data)
        cut = int(_record_starts(chunk.data)[-1])
        while cut < len(chunk.data) - max_record_bytes:
            head, chunk = _split(chunk, cut)
            if head.data:
                yield head
            first, chunk = _split(chunk, chunk.data.find(b"\n") + 1)
            yield replace(first, too_long=len(first.data))
            cut = int(_record_starts(chunk.data)[-1])
        head, rest = _split(chunk, cut)
        if head.data:
            yield head
        carry = rest if rest.data else None
    if carry is not None:
        yield from _given_up(carry)


def _given_up(chunk: Chunk) -> Iterator[Chunk]:
    """The end of an input, inside a record: the last line without a line end, or a quote that is never closed."""
    while chunk.data and chunk.data.count(b'"') % 2:
        end = chunk.data.find(b"\n") + 1 or len(chunk.data)
        first, chunk = _split(chunk, end)
        yield replace(first, too_long=len(first.data))
        cut = int(_record_starts(chunk.data)[-1])
        head, chunk = _split(chunk, cut)
        if head.data:
            yield head
    if chunk.data:
        yield chunk


def _split(chunk: Chunk, cut: int) -> tuple[Chunk, Chunk]:
    head = replace(chunk, data=chunk.data[:cut])
    return head, replace(chunk, data=chunk.data[cut:], offset=chunk.offset + cut, line=chunk.line + head.data.count(b"\n"))


def _record_starts(data: bytes | bytearray) -> Any:
    """Where records begin, and where the last whole one ends: after line ends with an even number of quotes before them."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw == 0x0A)
    if b'"' in data:
        quotes = np.flatnonzero(raw == 0x22)
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return np.concatenate([np.zeros(1, np.int64), ends + 1])


class CsvRecords:
    """A parser of chunks of whole records under one header."""

    def __init__(self, names: list[str], max_record_bytes: int) -> None:
        self._names = names
        self._columns = [column_of(name) for name in names]
        self._max_record_bytes = max_record_bytes

    def parse(self, chunk: Chunk) -> Parsed:
        """The logs of a chunk. Empty lines are skipped."""
        if chunk.too_long:
            return Parsed(bad=[BadRecord(0, "too-long", self._too_long(chunk))], starts=[0, len(chunk.data)])
        starts = _record_starts(chunk.data)
        if starts[-1] != len(chunk.data):
            starts = np.append(starts, len(chunk.data))
        lines = Lines.of(chunk, self._max_record_bytes, starts)
        parsed = Parsed(bad=lines.bad, starts=starts)
        rows = np.setdiff1d(_not_blank(chunk.data, starts), np.array([bad.row for bad in lines.bad], np.int64))
        data = _joined(chunk.data, starts, rows)
        if not data:
            return parsed
        invalid: list[int] = []

        def remember(row: Any) -> str:
            invalid.append(row.number)
            return "skip"

        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=self._columns),
            arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=remember),
            arrow_csv.ConvertOptions(
                check_utf8=False, column_types=dict.fromkeys(self._columns, pa.string()), null_values=[""],
                strings_can_be_null=True, quoted_strings_can_be_null=False,
            ),
        )  # fmt: skip
        if table.num_rows + len(invalid) != len(rows):
            # Quotes that stand inside unquoted cells: lines pair up wrongly when quotes are only counted.
            return self._by_lines(chunk)
        odd = np.array(invalid, np.int64) - 1
        frame = pl.DataFrame(table)
        parsed.frames.append(frame.insert_column(0, pl.Series(ROW, np.delete(rows, odd), dtype=pl.Int64)))
        self._by_row(chunk.data, starts, rows[odd].tolist(), parsed)
        return parsed

    def _by_row(self, data: bytes | bytearray, starts: Any, rows: list[int], parsed: Parsed) -> None:
        """Records that have not as many cells as the header."""
        taken: list[int] = []
        logs: list[dict[str, str]] = []
        for row in rows:
            record = data[int(starts[row]) : int(starts[row + 1])].decode("utf-8").rstrip("\r\n")
            self._take(row, next(csv.reader(io.StringIO(record, newline="")), []), taken, logs, parsed)
        parsed.frames += frames_of_rows(taken, logs)

    def _by_lines(self, chunk: Chunk) -> Parsed:
        """The whole chunk by Python's reader, which takes a quote inside an unquoted cell as a character."""
        lines = Lines.of(chunk, self._max_record_bytes)
        texts = lines.text.to_list()
        bad_rows = {bad.row for bad in lines.bad}
        reader = csv.reader("" if row in bad_rows else text for row, text in enumerate(texts))
        csv.field_size_limit(max(csv.field_size_limit(), self._max_record_bytes))
        parsed = Parsed(bad=lines.bad, starts=lines.starts)
        taken: list[int] = []
        logs: list[dict[str, str]] = []
        row = 0
        for cells in reader:
            if cells:
                self._take(row, cells, taken, logs, parsed)
            row = reader.line_num
        parsed.frames += frames_of_rows(taken, logs)
        return parsed

    def _take(self, row: int, cells: list[str], taken: list[int], logs: list[dict[str, str]], parsed: Parsed) -> None:
        if len(cells) > len(self._names):
            detail = f"the record has {len(cells)} cells, the header {len(self._names)}"
            parsed.bad.append(BadRecord(row, "too-many-fields", detail))
            return
        taken.append(row)
        # Python's reader does not tell "" from nothing: here an empty cell means that the log has no such field.
        logs.append({name: cell for name, cell in zip(self._names, cells, strict=False) if cell})

    def _too_long(self, chunk: Chunk) -> str:
        if len(chunk.data) == chunk.too_long and chunk.too_long <= self._max_record_bytes:
            return "a quote opens in this line and is not closed"
        return f"the line has {chunk.too_long} bytes, the limit is {self._max_record_bytes}"


def _not_blank(data: bytes | bytearray, starts: Any) -> Any:
    lengths = np.diff(starts)
    rows = np.arange(len(lengths))
    short = rows[lengths <= 2]
    blank = [row for row in short.tolist() if not data[int(starts[row]) : int(starts[row + 1])].strip(b"\r\n")]
    return np.setdiff1d(rows, np.array(blank, np.int64)) if blank else rows


def _joined(data: bytes | bytearray, starts: Any, rows: Any) -> bytes:
    """The bytes of some records, in order."""
    if len(rows) == len(starts) - 1:
        return bytes(data)
    view = memoryview(data)
    return b"".join(view[int(starts[row]) : int(starts[row + 1])] for row in rows.tolist())
