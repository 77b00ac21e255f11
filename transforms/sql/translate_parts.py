"""Parts and moves of values: subscripts, fields, intervals, zones."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from transforms.sql.functions.model import fill
from transforms.sql.translate_cast import coerce, to_session_zone
from transforms.sql.translate_context import Context, Typed, name_of, number, offset_seconds, text
from transforms.sql.types_model import INTERVAL, TIMESTAMP, UNKNOWN, Type, common_type

__all__ = ["at_time_zone", "interval", "member", "subscript"]

_UNITS = {"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"}


def subscript(context: Context, node: exp.Expr, base: Typed, index: Typed) -> Typed:
    """``base[index]``: an element of an array, a value of a map, a field of a row; what is not there fails, except inside ``try``."""
    if base.type.name == "array" and index.type.name in ("bigint", "unknown"):
        if context.trying:
            return Typed(fill("list_extract(_1, _2)", [base.sql, index.sql]), base.type.args[0] if base.type.args else UNKNOWN)
        sql = fill(
            "CASE WHEN _1 IS NULL OR _2 IS NULL THEN NULL WHEN _2 BETWEEN 1 AND len(_1) THEN list_extract(_1, _2) "
            "ELSE error('Array subscript out of bounds') END", [base.sql, index.sql],
        )  # fmt: skip
        return Typed(sql, base.type.args[0] if base.type.args else UNKNOWN)
    if base.type.name == "map" and common_type(base.type.args[0], index.type) is not None:
        key = coerce(context, index, base.type.args[0])
        if context.trying:
            return Typed(fill("map_extract_value(_1, _2)", [base.sql, key.sql]), base.type.args[1])
        sql = fill(
            "CASE WHEN _1 IS NULL OR _2 IS NULL THEN NULL WHEN map_contains(_1, _2) THEN map_extract_value(_1, _2) "
            "ELSE error(concat('Key not present in map: ', CAST(_2 AS VARCHAR))) END", [base.sql, key.sql],
        )  # fmt: skip
        return Typed(sql, base.type.args[1])
    if base.type.name == "row" and isinstance(index.constant, int) and 1 <= index.constant <= len(base.type.args):
        return Typed(fill("struct_extract(_1, _2)", [base.sql, number(index.constant)]), base.type.args[index.constant - 1])
    raise context.error(
        node, f"'[]' cannot be applied to {base.type}, {index.type}", "TypeMismatch",
        "cast(json_parse(x) as array(varchar)) makes an array of JSON text" if base.type.name in ("varchar", "json") else None,
    )  # fmt: skip


def member(context: Context, node: exp.Dot, base: Typed) -> Typed:
    """``base.name``, a named field of a row."""
    name = name_of(node.expression)
    if base.type.name == "row":
        for place, known in enumerate(base.type.names):
            if known.casefold() == name.casefold():
                return Typed(fill("struct_extract(_1, _2)", [base.sql, text(known)]), base.type.args[place])
    raise context.error(node, f"{base.type} has no field '{name}'", "ColumnNotResolved", 'quote names with dots: "a.b"')


def interval(context: Context, node: exp.Interval) -> Typed:
    """``interval '1' day``."""
    unit = str(node.args["unit"]).casefold().rstrip("s") if node.args.get("unit") is not None else ""
    amount = str(node.this.this) if isinstance(node.this, exp.Literal) else ""
    try:
        count = int(amount)
    except ValueError as error:
        raise context.error(node, f"'{amount}' is no whole number of units", "InvalidLiteral", "write interval '1' day") from error
    if unit not in _UNITS:
        raise context.error(node, f"there is no interval unit '{unit}'", "InvalidLiteral", f"units are {', '.join(sorted(_UNITS))}")
    if unit == "quarter":
        unit, count = "month", count * 3
    return Typed(exp.Interval(this=text(str(count)), unit=exp.Var(this=unit.upper())), INTERVAL)


def at_time_zone(context: Context, node: exp.AtTimeZone, value: Typed, zone: Typed) -> Typed:
    """The same moment, shown in another zone."""
    if value.type.name != "timestamp" or not isinstance(zone.constant, str):
        raise context.error(node, f"AT TIME ZONE takes a timestamp and a constant zone, not {value.type}", "TypeMismatch",
                                 "write from_unixtime(__time__) at time zone 'UTC'")  # fmt: skip

    try:
        offset_seconds(zone.constant)
    except ValueError as error:
        raise context.error(node.args["zone"], str(error), "InvalidTimeZone", "write +08:00 or Asia/Shanghai") from error
    session = Typed(to_session_zone(context, value), TIMESTAMP)
    turned = Context(context.statement, replace(context.scope, time_zone=zone.constant))
    moved = to_session_zone(turned, Typed(session.sql, Type("timestamp", zone=context.scope.time_zone)))
    return Typed(moved, Type("timestamp", zone=zone.constant))
