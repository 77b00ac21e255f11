"""What one translation carries along: the statement's text for errors, its scope, and what the statement turns out to use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlglot import exp

from transforms.core.errors import Location, SqlError
from transforms.sql.scope import Scope
from transforms.sql.statement import Statement
from transforms.sql.types_model import BIGINT, Type

__all__ = ["NOT_CONSTANT", "Context", "Span", "Typed", "boxed", "column", "name_of", "number", "offset_seconds", "span_of", "text"]

Span = tuple[int, int]
"""Start and end characters in ``Statement.sql``."""

NOT_CONSTANT: Any = object()

_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$", re.I)
_WRAPPED = (exp.Binary, exp.Not, exp.Neg, exp.Between, exp.In, exp.Case, exp.Interval, exp.Lambda)


@dataclass
class Typed:
    """A translated expression.

    Attributes:
        sql: its tree in the engine's dialect.
        type: its SQL type.
        span: where it stands.
        constant: its value when it is a literal, else `NOT_CONSTANT`.
        narrow: True while the engine would take it for a 32-bit integer.
    """

    sql: exp.Expr
    type: Type
    span: Span | None = None
    constant: Any = NOT_CONSTANT
    narrow: bool = False

    def full(self) -> Typed:
        """The same, as 64-bit."""
        if not self.narrow:
            return self
        return Typed(exp.Cast(this=self.sql, to=exp.DataType.build("BIGINT", dialect="duckdb")), BIGINT, self.span, self.constant)


@dataclass
class Context:
    """Shared by all translators of one statement."""

    statement: Statement
    scope: Scope
    log_columns: set[str] = field(default_factory=set)
    external_columns: dict[str, list[str]] = field(default_factory=dict)
    external_readings: list[Any] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    levels: int = 0
    variables: int = 0
    series: Any = None
    trying: int = 0
    """How many ``try(…)`` enclose what is being translated."""

    def location(self, where: exp.Expr | Span | None) -> Location:
        span = span_of(where) if isinstance(where, exp.Expr) else where
        base = self.statement.sql_start
        if span is None:
            return Location(self.statement.text, base, base + len(self.statement.sql or ""))
        return Location(self.statement.text, base + span[0], base + span[1])

    def error(self, where: exp.Expr | Span | None, message: str, code: str = "SqlInvalid", hint: str | None = None) -> SqlError:
        """The located error, to be raised."""
        return SqlError(message, code=code, hint=hint, location=self.location(where))

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def span_of(node: exp.Expr | None) -> Span | None:
    """The characters a parsed node covers, as far as its leaves tell."""
    if node is None:
        return None
    start, end = None, None
    for each in node.walk():
        meta = each._meta
        if meta and "start" in meta:
            start = meta["start"] if start is None else min(start, meta["start"])
            end = meta["end"] + 1 if end is None else max(end, meta["end"] + 1)
    return None if start is None or end is None else (start, end)


def name_of(identifier: exp.Expr) -> str:
    return str(identifier.this if isinstance(identifier, exp.Identifier) else identifier.name)


def column(name: str, table: str | None = None) -> exp.Column:
    """A quoted column of the output tree."""
    out = exp.Column(this=exp.Identifier(this=name, quoted=True))
    if table is not None:
        out.set("table", exp.Identifier(this=table, quoted=True))
    return out


def text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def number(value: int | float | str) -> exp.Expr:
    return exp.Literal.number(value)


def boxed(node: exp.Expr) -> exp.Expr:
    """In parentheses where an operator next to it could tear it apart."""
    return exp.Paren(this=node) if isinstance(node, _WRAPPED) else node


def offset_seconds(zone: str) -> int | None:
    """Seconds east of UTC of a fixed zone such as ``+08:00`` or ``UTC``; None for IANA names. Raises ValueError for no zone at all."""
    found = _OFFSET.match(zone)
    if found:
        seconds = int(found[2]) * 3600 + int(found[3] or 0) * 60
        if seconds > 18 * 3600 or int(found[3] or 0) > 59:
            raise ValueError(f"{zone!r} is no time zone")
        return -seconds if found[1] == "-" else seconds
    if zone.upper() in ("UTC", "GMT", "Z"):
        return 0
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is no time zone") from error
    return None


def local_moment(us: int, zone: str) -> datetime:
    """A moment (Unix microseconds) as that zone's clocks show it, without a zone."""
    from datetime import timedelta

    offset = offset_seconds(zone)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    if offset is None:
        return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return (moment + timedelta(seconds=offset)).replace(tzinfo=None)
