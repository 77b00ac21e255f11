"""JSON lines, by column.

Log lines of one source are alike: the same names in the same order, only values differ. A line is turned into a **template**, a
regular expression that fixes everything but the values; all lines that match are cut into columns at once, and since the expression
is the JSON grammar of such a line, a match is a proof: strings keep their text (escapes are resolved afterwards where there are
any), literals their characters. Lines that match no template are parsed one by one, exactly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from transforms.core.field_columns import column_of
from transforms.formats.json_object import LITERAL, NotALog, parse_object, unescape
from transforms.formats.line_index import Lines
from transforms.formats.records import ROW, BadRecord, Chunk, Parsed
from transforms.formats.sparse_rows import frames_of_rows

__all__ = ["JsonLines", "Template", "template_of"]

_STRING = r'"((?:[^"\\]|\\.)*)"'
_VALUE = re.compile(rf'(?s)(?P<string>"(?:[^"\\]|\\.)*")|(?P<literal>{LITERAL})')
_NAME = re.compile(r'[ \t]*"([^"\\]*)"[ \t]*:[ \t]*')
_BETWEEN = re.compile(r"[ \t]*,")
_END = re.compile(r"[ \t]*\}[ \t\r\n]*$")
_MOST_FIELDS = 400
_TRIES = 6
_KEPT = 32
_FEW = 32


@dataclass(frozen=True)
class Template:
    """``pattern`` has one group per field, in order; ``columns`` are their columns; ``literals`` tells which are no strings."""

    pattern: str
    columns: tuple[str, ...]
    literals: tuple[bool, ...]


def template_of(line: str) -> Template | None:
    """The template of a line; None when it is no flat JSON object, has a name twice, or names with escapes."""
    if not line.startswith("{") or "\n" in line.rstrip("\r\n"):
        return None
    pattern = [r"\A\{"]
    names: list[str] = []
    literals: list[bool] = []
    i = 1
    while True:
        name = _NAME.match(line, i)
        value = _VALUE.match(line, name.end()) if name else None
        if name is None or value is None or len(names) >= _MOST_FIELDS:
            return None
        names.append(name[1])
        literals.append(value["literal"] is not None)
        pattern += [re.escape(name[0]), f"({LITERAL})" if literals[-1] else _STRING]
        i = value.end()
        between = _BETWEEN.match(line, i)
        if between is None:
            break
        pattern.append(re.escape(between[0]))
        i = between.end()
    if not _END.match(line, i) or len(set(names)) < len(names):
        return None
    pattern.append(r"[ \t]*\}[ \t\r\n]*\z")
    return Template("".join(pattern), tuple(column_of(name) for name in names), tuple(literals))


class JsonLines:
    """A parser of chunks. It remembers the templates it met, those that match most first. Safe to use from several threads."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._hits: dict[Template, int] = {}

    def parse(self, chunk: Chunk) -> Parsed:
        """The logs of a chunk. Blank lines are skipped."""
        lines = Lines.of(chunk, self._max_line_bytes)
        parsed = Parsed(bad=lines.bad, starts=lines.starts)
        rest = self._by_templates(lines, parsed, has_escapes=b"\\" in chunk.data)
        rows: list[int] = []
        logs: list[dict[str, str]] = []
        for row, text in zip(rest[ROW].to_list(), rest["line"].to_list(), strict=True):
            if not text.strip(" \t\r\n"):
                continue
            try:
                logs.append(parse_object(text))
                rows.append(row)
            except NotALog as error:
                parsed.bad.append(BadRecord(row, error.reason, str(error)))
        parsed.frames += frames_of_rows(rows, logs)
        return parsed

    def _by_templates(self, lines: Lines, parsed: Parsed, *, has_escapes: bool) -> pl.DataFrame:
        """Put what templates match into ``parsed``; the other lines are the answer, as columns `ROW` and ``line``."""
        rest = pl.DataFrame({ROW: pl.int_range(len(lines.text), eager=True, dtype=pl.Int64), "line": lines.text})
        for template in sorted(self._hits, key=lambda known: -self._hits.get(known, 0)):
            if not len(rest):
                return rest
            rest = self._apply(template, rest, parsed, has_escapes=has_escapes)
        for _ in range(_TRIES):
            if len(rest) < _FEW:
                break
            made = next((found for found in map(template_of, _samples(rest["line"])) if found is not None), None)
            if made is None:
                break
            before = len(rest)
            rest = self._apply(made, rest, parsed, has_escapes=has_escapes)
            if before - len(rest) < max(_FEW, before // 50):
                break
        if len(self._hits) > _KEPT:
            kept = sorted(self._hits.items(), key=lambda item: -item[1])[:_KEPT]
            self._hits = {template: hits // 2 for template, hits in kept}
        return rest

    def _apply(self, template: Template, rest: pl.DataFrame, parsed: Parsed, *, has_escapes: bool) -> pl.DataFrame:
        groups = rest["line"].str.extract_groups(template.pattern).struct.unnest()
        groups.columns = [str(i) for i in range(len(template.columns))]
        frame = groups.insert_column(0, rest[ROW])
        matched = frame["0"].is_not_null()
        hits = int(matched.sum())
        self._hits[template] = self._hits.get(template, 0) + hits
        if hits == 0:
            return rest
        if hits < len(rest):
            frame = frame.filter(matched)
        if has_escapes:
            frame, wrong = _resolve_escapes(frame, template)
            if len(wrong):
                matched = matched & ~rest[ROW].is_in(wrong.implode())
        nulls = [
            pl.when(pl.col(str(i)) != "null").then(pl.col(str(i)))
            for i, literal in enumerate(template.literals) if literal and (frame[str(i)] == "null").any()
        ]  # fmt: skip
        frame = frame.with_columns(nulls) if nulls else frame
        frame.columns = [ROW, *template.columns]
        parsed.frames.append(frame)
        return rest.clear() if bool(matched.all()) else rest.filter(~matched)


def _samples(lines: pl.Series) -> Sequence[str]:
    """A few lines to make a template of: from the first, the middle, the last."""
    return [lines[i] for i in sorted({0, len(lines) // 2, len(lines) - 1})]


def _resolve_escapes(frame: pl.DataFrame, template: Template) -> tuple[pl.DataFrame, pl.Series]:
    """Resolve backslash escapes of strings; rows with a wrong escape are taken out and returned."""
    bad = pl.repeat(value=False, n=len(frame), eager=True)
    for i, literal in enumerate(template.literals):
        column = frame[str(i)]
        if literal:
            continue
        escaped = column.str.contains("\\", literal=True)
        if not escaped.any():
            continue
        distinct = column.filter(escaped).unique()
        resolved: list[Any] = [unescape(text) for text in distinct.to_list()]
        failed = distinct.filter(pl.Series([text is None for text in resolved], dtype=pl.Boolean))
        if len(failed):
            bad = bad | column.is_in(failed.implode())
        mapping = pl.DataFrame({"from": distinct, "to": pl.Series(resolved, dtype=pl.String)})
        values = column.alias("from").to_frame().join(mapping, on="from", how="left", maintain_order="left")
        frame = frame.with_columns(pl.when(escaped).then(values["to"]).otherwise(column).alias(str(i)))
    if not bad.any():
        return frame, pl.Series(ROW, [], dtype=pl.Int64)
    return frame.filter(~bad), frame[ROW].filter(bad)
