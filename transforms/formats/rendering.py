"""Log groups as bytes: JSON lines, CSV, text. What is written reads back as the same logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from transforms.core.field_columns import RECEIVE_TIME, TAG_PREFIX, TIME, TIME_NS, column_of, field_of, is_field_column
from transforms.core.log_group import LogGroup
from transforms.formats.text_lines import CONTENT

__all__ = ["RECEIVE_TIME_FIELD", "csv_header", "csv_records", "json_lines", "text_lines", "time_text"]

RECEIVE_TIME_FIELD = f"{TAG_PREFIX}__receive_time__"
"""The field that shows when a log was received, in seconds with six digits after the point."""

_ESCAPES = {chr(code): json.dumps(chr(code))[1:-1] for code in (*range(0x20), 0x22, 0x5C)}
_NEEDS_ESCAPE = '["\\\\\x00-\x1f]'


def json_lines(group: LogGroup, *, receive_time: bool = False) -> bytes:
    """One object a line: ``__time__`` as a number of seconds with its fraction, then the fields that the log has, as strings."""
    frame = _frame(group)
    members = [_member(TIME, time_text())]
    if receive_time and RECEIVE_TIME in frame.columns:
        members.append(_member(RECEIVE_TIME_FIELD, pl.concat_str(pl.lit('"'), _receive_time_text(), pl.lit('"'))))
    for column in frame.columns:
        if is_field_column(column):
            members.append(_member(field_of(column), _quoted(frame, column)))
    lines = frame.select(pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=", ", ignore_nulls=True), pl.lit("}\n")).alias("line"))
    return _joined(lines["line"])


def csv_header(fields: Sequence[str], *, receive_time: bool = False) -> bytes:
    """The header line of `csv_records`."""
    names = [TIME, *([RECEIVE_TIME_FIELD] if receive_time else []), *fields]
    frame = pl.DataFrame({str(i): [name] for i, name in enumerate(names)})
    return _csv(frame)


def csv_records(group: LogGroup, fields: Sequence[str], *, receive_time: bool = False) -> bytes:
    """Records under `csv_header`: an absent field is an empty cell, an empty text a quoted empty cell."""
    frame = _frame(group)
    cells = [time_text().alias("time")]
    if receive_time:
        have = RECEIVE_TIME in frame.columns
        cells.append((_receive_time_text() if have else pl.lit(None, pl.String)).alias("received"))
    for i, name in enumerate(fields):
        column = column_of(name)
        cells.append((pl.col(column) if column in frame.columns else pl.lit(None, pl.String)).alias(str(i)))
    return _csv(frame.select(cells))


def text_lines(group: LogGroup) -> tuple[bytes, int]:
    """The field ``content`` of each log, a line each, and how many logs have none."""
    frame = _frame(group)
    if CONTENT not in frame.columns:
        return b"", group.num_rows
    lines = frame[CONTENT].drop_nulls()
    return _joined(lines + "\n") if len(lines) else b"", group.num_rows - len(lines)


def time_text() -> pl.Expr:
    """``__time__`` as decimal text: ``1700000000``, ``1700000000.25``, ``-0.5``."""
    seconds, nanoseconds = pl.col(TIME), pl.col(TIME_NS).cast(pl.Int64)
    negative = (seconds < 0) & (nanoseconds > 0)
    whole = pl.when(negative).then(seconds + 1).otherwise(seconds)
    fraction = pl.when(negative).then(1_000_000_000 - nanoseconds).otherwise(nanoseconds)
    sign = pl.when(negative & (whole == 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    digits = fraction.cast(pl.String).str.zfill(9).str.strip_chars_end("0")
    point = pl.when(fraction == 0).then(pl.lit("")).otherwise(pl.concat_str(pl.lit("."), digits))
    return pl.concat_str(sign, whole.cast(pl.String), point)


def _receive_time_text() -> pl.Expr:
    micros = pl.col(RECEIVE_TIME)
    return pl.concat_str((micros // 1_000_000).cast(pl.String), pl.lit("."), (micros % 1_000_000).cast(pl.String).str.zfill(6))


def _member(name: str, value: pl.Expr) -> pl.Expr:
    text = json.dumps(name, ensure_ascii=not _has_unicode(name))
    return pl.concat_str(pl.lit(f"{text}: "), value)


def _quoted(frame: pl.DataFrame, column: str) -> pl.Expr:
    text = pl.col(column)
    if frame[column].str.contains(_NEEDS_ESCAPE).any():
        text = text.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    return pl.concat_str(pl.lit('"'), text, pl.lit('"'))


def _has_unicode(name: str) -> bool:
    """Whether a name can be written as it is: half a character cannot."""
    return name.encode("utf-8", "replace").decode() == name


def _frame(group: LogGroup) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(group.table))


def _joined(lines: Any) -> bytes:
    return "".join(lines.to_list()).encode()


def _csv(frame: pl.DataFrame) -> bytes:
    return frame.write_csv(include_header=False, quote_style="necessary", null_value="").encode()
