"""Rows for people and for programs: an aligned table, JSON, JSON lines, CSV."""

from __future__ import annotations

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

import click

__all__ = ["FORMATS", "display_width", "format_option", "write_rows"]

FORMATS = ("table", "json", "jsonl", "csv")
_SAMPLE = 1_000
_F = TypeVar("_F", bound=Callable[..., Any])


def format_option(function: _F) -> _F:
    """The option ``--format`` of every verb that lists; the parameter is called ``format``."""
    option = click.option(
        "--format", "format", type=click.Choice(FORMATS), default="table", show_default=True,
        help="table for people; json (one array), jsonl (a row a line), csv (with a header) for programs.",
    )  # fmt: skip
    return option(function)


def write_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], format: str) -> None:
    """Write rows to stdout. All formats stream; a table fits its columns to the first 1,000 rows.

    NULL is ``null`` in a table, empty in CSV (an empty text is ``""`` there). On a terminal a table is cut to its width.
    """
    _WRITERS[format](list(columns), rows, sys.stdout)


def display_width(text: str) -> int:
    """Columns that a text takes on a terminal: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me")
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def _write_table(columns: list[str], rows: Iterable[Sequence[object]], out: Any) -> None:
    source = iter(rows)
    first = list(islice(source, _SAMPLE))
    right = [_is_numeric(first, i) for i in range(len(columns))]
    texts = [[_cell(value) for value in row] for row in first]
    widths = [max([display_width(_cell(name)), *(display_width(row[i]) for row in texts)]) for i, name in enumerate(columns)]
    limit = shutil.get_terminal_size().columns if out.isatty() else None

    def line(cells: Sequence[str]) -> str:
        parts = [_pad(cell, widths[i], right[i]) for i, cell in enumerate(cells)]
        text = "  ".join(parts).rstrip()
        return text if limit is None else _cut(text, limit)

    out.write(line([_cell(name) for name in columns]) + "\n")
    out.write(line(["-" * width for width in widths]) + "\n")
    for cells in texts:
        out.write(line(cells) + "\n")
    for row in source:
        out.write(line([_cell(value) for value in row]) + "\n")


def _write_json(columns: list[str], rows: Iterable[Sequence[object]], out: Any) -> None:
    keys = _unique(columns)
    before = "["
    for row in rows:
        out.write(before + "\n  " + _json_row(keys, row))
        before = ","
    out.write("[]\n" if before == "[" else "\n]\n")


def _write_jsonl(columns: list[str], rows: Iterable[Sequence[object]], out: Any) -> None:
    keys = _unique(columns)
    for row in rows:
        out.write(_json_row(keys, row) + "\n")


def _write_csv(columns: list[str], rows: Iterable[Sequence[object]], out: Any) -> None:
    # Python's own writer cannot tell NULL from an empty text before 3.12.
    out.write(",".join(map(_csv_cell, columns)) + "\n")
    for row in rows:
        # A line without anything would be skipped by readers: a row that is one NULL is written as an empty text.
        out.write((",".join(map(_csv_cell, row)) or '""') + "\n")


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    text = _text(value)
    return text if _CSV_PLAIN(text) else '"' + text.replace('"', '""') + '"'


_CSV_PLAIN = re.compile(r'[^",\r\n\s](?:[^",\r\n]*[^",\r\n\s])?').fullmatch

_WRITERS: dict[str, Callable[[list[str], Iterable[Sequence[object]], Any], None]] = {
    "table": _write_table, "json": _write_json, "jsonl": _write_jsonl, "csv": _write_csv,
}  # fmt: skip


def _json_row(keys: list[str], row: Sequence[object]) -> str:
    return json.dumps(dict(zip(keys, map(_plain, row), strict=True)), ensure_ascii=False, allow_nan=False)


def _unique(columns: list[str]) -> list[str]:
    # An object cannot hold a name twice: later ones get a number, as in `count`, `count_2`.
    seen: dict[str, int] = {}
    taken = set(columns)
    out = []
    for name in columns:
        number = seen.get(name, 0) + 1
        key = name
        while number > 1 and (key := f"{name}_{number}") in taken:
            number += 1
        seen[name] = number
        taken.add(key)
        out.append(key)
    return out


def _plain(value: object) -> object:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, dict):
        return {_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date, time)):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(_plain(value), ensure_ascii=False)
    return str(value)


_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))} | {10: "\\n", 13: "\\r", 9: "\\t"}


def _cell(value: object) -> str:
    # Line ends would break the table, and escape sequences from a log must not reach a terminal.
    return "null" if value is None else _text(value).translate(_CONTROL)


def _is_numeric(rows: list[Sequence[object]], i: int) -> bool:
    values = [row[i] for row in rows if row[i] is not None]
    return bool(values) and all(isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in values)


def _pad(text: str, width: int, right: bool) -> str:
    fill = " " * (width - display_width(text))
    return fill + text if right else text + fill


def _cut(text: str, limit: int) -> str:
    if display_width(text) <= limit:
        return text
    used, out = 0, []
    for character in text:
        used += display_width(character)
        if used > limit - 1:
            break
        out.append(character)
    return "".join(out) + "…"
