"""CAST between types, with the dialect's idea of what fits: ``'2.5'`` is no bigint, ``2.5`` rounds half away from zero."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlglot import exp

from transforms.sql.functions.model import fill
from transforms.sql.translate_context import NOT_CONSTANT, Context, Span, Typed, number, offset_seconds, text
from transforms.sql.types_model import BIGINT, DOUBLE, TIMESTAMP, Type, array_of, common_type, parse_type, widens

__all__ = ["cast_to", "coerce", "common", "target_type", "timestamp_literal", "to_session_zone"]

_TIMESTAMP_TEXT = "strftime(_1, '%Y-%m-%d %H:%M:%S.%g')"
# A text that is no whole number is put in quotes, which no number survives: CAST fails and names it, TRY_CAST gives NULL.
_WHOLE = "CASE WHEN regexp_full_match(_1, '[+-]?[0-9]+') THEN _1 ELSE ('''' || _1 || '''') END"
_RULES: dict[tuple[str, str], str] = {
    ("varchar", "bigint"): f"CAST({_WHOLE} AS BIGINT)",
    ("double", "bigint"): "CAST(round(_1) AS BIGINT)",
    ("decimal", "bigint"): "CAST(round(_1) AS BIGINT)",
    ("boolean", "bigint"): "CAST(_1 AS BIGINT)",
    ("bigint", "double"): "CAST(_1 AS DOUBLE)",
    ("decimal", "double"): "CAST(_1 AS DOUBLE)",
    ("boolean", "double"): "CAST(_1 AS DOUBLE)",
    ("varchar", "double"): "CAST(_1 AS DOUBLE)",
    ("bigint", "boolean"): "CAST(_1 AS BOOLEAN)",
    ("double", "boolean"): "CAST(_1 AS BOOLEAN)",
    ("varchar", "boolean"): "CAST(_1 AS BOOLEAN)",
    ("bigint", "varchar"): "CAST(_1 AS VARCHAR)",
    ("double", "varchar"): "CAST(_1 AS VARCHAR)",
    ("decimal", "varchar"): "CAST(_1 AS VARCHAR)",
    ("boolean", "varchar"): "CAST(_1 AS VARCHAR)",
    ("date", "varchar"): "CAST(_1 AS VARCHAR)",
    ("time", "varchar"): "CAST(_1 AS VARCHAR)",
    ("interval", "varchar"): "CAST(_1 AS VARCHAR)",
    ("timestamp", "varchar"): _TIMESTAMP_TEXT,
    ("varchar", "timestamp"): "CAST(_1 AS TIMESTAMP)",
    ("date", "timestamp"): "CAST(_1 AS TIMESTAMP)",
    ("timestamp", "date"): "CAST(_1 AS DATE)",
    ("varchar", "date"): "CAST(_1 AS DATE)",
    ("varchar", "time"): "CAST(_1 AS TIME)",
    ("timestamp", "time"): "CAST(_1 AS TIME)",
    ("json", "varchar"): "json_extract_string(_1, '$')",
    ("json", "bigint"): "CAST(json_extract_string(_1, '$') AS BIGINT)",
    ("json", "double"): "CAST(json_extract_string(_1, '$') AS DOUBLE)",
    ("json", "boolean"): "CAST(json_extract_string(_1, '$') AS BOOLEAN)",
    ("varchar", "json"): "to_json(_1)",
    ("varchar", "varbinary"): "encode(_1)",
    ("varchar", "ipaddress"): "_1",
    ("ipaddress", "varchar"): "_1",
}
_ENGINE_MADE = {"array", "map", "row"}


def target_type(context: Context, node: exp.Expr) -> tuple[Type, int | None]:
    """The type a cast names and, for ``varchar(n)``, its length."""
    written = node.sql(dialect="trino").casefold()
    if isinstance(node, exp.DataType) and node.this in (exp.DType.STRUCT,):
        args, names = [], []
        for item in node.expressions:
            named = isinstance(item, exp.ColumnDef)
            args.append(target_type(context, item.args["kind"] if named else item)[0])
            names.append(item.name if named else "")
        return Type("row", tuple(args), tuple(names)), None
    if isinstance(node, exp.DataType) and node.this == exp.DType.ARRAY and node.expressions:
        return array_of(target_type(context, node.expressions[0])[0]), None
    if isinstance(node, exp.DataType) and node.this == exp.DType.MAP and len(node.expressions) == 2:
        return Type("map", tuple(target_type(context, each)[0] for each in node.expressions)), None
    length = re.fullmatch(r"(?:var)?char\((\d+)\)", written)
    found = parse_type(written.split(" with ")[0]) if re.match(r"[a-z]", written) else Type(written)
    if written.startswith(("timestamp", "datetime")):
        found = TIMESTAMP
    known = {"bigint", "double", "varchar", "boolean", "timestamp", "date", "time", "json", "varbinary", "decimal", "ipaddress"}
    if found.name not in known:
        raise context.error(
            node, f"there is no type {written}", "TypeNotFound", f"types are {', '.join(sorted(known))}, array(T), map(K, V), row(…)"
        )
    return found, int(length[1]) if length else None


def cast_to(context: Context, value: Typed, target: Type, span: Span | None, *, safe: bool = False, length: int | None = None) -> Typed:
    """``CAST(value AS target)``; with ``safe`` a value that does not fit becomes NULL."""
    value = value.full()
    source = value.type
    if length is not None and source == target:
        return Typed(fill("left(_1, _2)", [value.sql, number(length)]), target, span)
    if source == target or source.name == target.name == "timestamp":
        return Typed(to_session_zone(context, value) if source.zone else value.sql, target, span)
    if source.name == "timestamp" and source.zone and target.name != "varchar":
        value = Typed(to_session_zone(context, value), TIMESTAMP, span)
    if source.name == "unknown":
        tree: exp.Expr = fill(f"CAST(_1 AS {target.duckdb()})", [value.sql])
    elif target.name == "decimal" and source.name in ("bigint", "double", "varchar", "decimal"):
        tree = fill("CAST(_1 AS DECIMAL(38, 9))", [value.sql])
    elif target.name == "json" and source.name != "varchar":
        tree = fill("to_json(_1)", [value.sql])
    elif (source.name == "json" and target.name in _ENGINE_MADE) or (
        source.name == target.name and source.name in _ENGINE_MADE and len(source.args) == len(target.args)
    ):
        tree = fill(f"CAST(_1 AS {target.duckdb()})", [value.sql])
    elif (source.name, target.name) in _RULES:
        tree = fill(_RULES[source.name, target.name], [value.sql])
    else:
        raise context.error(
            span, f"cannot cast {source} to {target}", "TypeMismatch", "cast through varchar, or use a function that converts"
        )
    if length is not None and target.name == "varchar":
        tree = fill("left(_1, _2)", [tree, number(length)])
    if safe:
        tree = _tried(tree)
    constant = value.constant if target in (BIGINT, DOUBLE) and source.numeric else NOT_CONSTANT
    return Typed(tree, target, span, constant)


def _tried(tree: exp.Expr) -> exp.Expr:
    """NULL instead of a failure."""
    if isinstance(tree, exp.Cast) and not isinstance(tree, exp.TryCast):
        return exp.TryCast(this=tree.this, to=tree.args["to"])
    return fill("try(_1)", [tree])


def coerce(context: Context, value: Typed, wanted: Type) -> Typed:
    """Widen a value to the type that is wanted; types that already stand for each other stay as they are."""
    value = value.full()
    if wanted.name in ("unknown", value.type.name) and not (value.type.zone or wanted.args):
        return value
    if value.type.name == "unknown" or value.type == wanted:
        return value
    if value.type.numeric and wanted.name == "double":
        if isinstance(value.constant, (int, float)) and value.type.name == "bigint":
            return Typed(number(f"{value.constant}e0"), DOUBLE, value.span, float(value.constant))
        return cast_to(context, value, DOUBLE, value.span)
    if value.type.numeric and wanted.name == "decimal":
        return cast_to(context, value, wanted, value.span)
    if value.type.name == "date" and wanted.name == "timestamp":
        return cast_to(context, value, TIMESTAMP, value.span)
    if value.type.zone and wanted == TIMESTAMP:
        return Typed(to_session_zone(context, value), TIMESTAMP, value.span)
    if value.type.args and widens(value.type, wanted) and _concrete(wanted):
        return Typed(fill(f"CAST(_1 AS {wanted.duckdb()})", [value.sql]), wanted, value.span, value.constant)
    return value


def _concrete(wanted: Type) -> bool:
    return (
        wanted.name != "unknown" and all(map(_concrete, wanted.args)) and not (wanted.name in ("array", "map", "row") and not wanted.args)
    )


def to_session_zone(context: Context, value: Typed) -> exp.Expr:
    """A timestamp that shows another zone, shown in the session's."""
    zone = value.type.zone
    session = context.scope.time_zone
    if zone is None or zone == session:
        return value.sql
    here, there = offset_seconds(session), offset_seconds(zone)
    if here is not None and there is not None:
        return fill(f"_1 + INTERVAL '{here - there}' SECOND", [value.sql]) if here != there else value.sql
    if there is not None:
        utc = fill(f"_1 - INTERVAL '{there}' SECOND", [value.sql])
    else:
        utc = fill("timezone('UTC', timezone(_2, _1))", [value.sql, text(zone)])
    if here is not None:
        return fill(f"_1 + INTERVAL '{here}' SECOND", [utc])
    return fill("timezone(_2, timezone('UTC', _1))", [utc, text(session)])


_STAMP = re.compile(
    r"\s*(\d{4}-\d{1,2}-\d{1,2})(?:[ T](\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?\s*(Z|[+-]\d{2}:?\d{2}|[A-Za-z]+(?:/[A-Za-z_]+)*)?\s*$"
)


def timestamp_literal(context: Context, written: str, span: Span | None) -> Typed:
    """``timestamp '2017-05-17 09:45:00.848 Asia/Shanghai'``."""
    found = _STAMP.match(written)
    zone = found[3] if found else None
    try:
        if found is None:
            raise ValueError(written)
        day = "-".join(f"{int(part):02d}" for part in found[1].split("-"))
        clock = found[2] or "00:00"
        moment = datetime.fromisoformat(f"{day}T{clock.rjust(len(clock) + (clock[1] == ':'), '0')}")
        if zone is not None and offset_seconds(zone) is None:
            ZoneInfo(zone)
    except ValueError as error:
        raise context.error(span, f"'{written}' is no timestamp", "InvalidLiteral", "write timestamp '2020-06-17 14:07:47'") from error
    tree = exp.Cast(this=text(str(moment)), to=exp.DataType.build("TIMESTAMP", dialect="duckdb"))
    return Typed(tree, Type("timestamp", zone=zone) if zone else TIMESTAMP, span, moment)


def common(context: Context, values: list[Typed], span: Span | None, what: str) -> tuple[list[Typed], Type]:
    """All values brought to one type. Raises when there is none."""
    found: Type | None = Type("unknown")
    for value in values:
        wider = common_type(found, value.type) if found is not None else None
        if wider is None:
            raise context.error(value.span or span, f"{what} must have one type: {found} and {value.type} do not mix", "TypeMismatch",
                                f"cast one side, for example cast(… as {found})")  # fmt: skip
        found = wider
    assert found is not None
    return [coerce(context, value, found) for value in values], found
