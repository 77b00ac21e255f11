"""Dates and times. A timestamp is what the session zone's clocks show; ``__time__`` and friends are Unix seconds."""

from __future__ import annotations

from sqlglot import exp

from transforms.core.suggest import suggestion
from transforms.sql.functions.model import Builder, Call, Function, fill, scalar
from transforms.sql.translate_context import Typed, local_moment, offset_seconds, text
from transforms.sql.types_model import TIMESTAMP, Type

__all__ = ["FUNCTIONS", "engine_format", "local_from_us", "us_from_local"]

_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_LETTERS = {
    "Y": "%Y", "y": "%y", "m": "%m", "c": "%-m", "d": "%d", "e": "%-d", "H": "%H", "k": "%-H", "h": "%I", "I": "%I", "l": "%-I", "i": "%M", "s": "%S",
    "S": "%S", "f": "%f", "p": "%p", "T": "%H:%M:%S", "r": "%I:%M:%S %p", "M": "%B", "b": "%b", "a": "%a", "W": "%A", "j": "%j", "v": "%V", "V": "%V",
    "x": "%G", "w": "%w", "%": "%%",
}  # fmt: skip


def engine_format(call: Call, place: int, *, reading: bool = False) -> str:
    """A constant MySQL-style format in the engine's letters."""
    written = call.constant(place, "the format")
    if not isinstance(written, str):
        raise call.error(place, "the format must be text")
    out, at = [], 0
    while at < len(written):
        if written[at] != "%":
            out.append(written[at])
            at += 1
            continue
        letter = written[at + 1 : at + 2]
        if letter not in _LETTERS or (reading and letter in ("v", "V", "w", "x")):
            raise call.error(
                place,
                f"'%{letter}' is not possible in this format",
                "for example %Y-%m-%d %H:%i:%s: %i is the minute, %M the name of the month",
            )
        # Reading takes one or two digits for either letter.
        out.append(_LETTERS[letter].replace("%-", "%") if reading else _LETTERS[letter])
        at += 2
    return "".join(out)


def local_from_us(call: Call, microseconds: exp.Expr, zone: str | None = None) -> exp.Expr:
    """Unix microseconds (a bigint tree) as the clocks of a zone show them."""
    zone = zone or call.context.scope.time_zone
    offset = offset_seconds(zone)
    if offset is not None:
        return fill(f"make_timestamp(_1 + {offset * 1_000_000})", [microseconds])
    return fill("timezone(_2, timezone('UTC', make_timestamp(_1)))", [microseconds, text(zone)])


def us_from_local(call: Call, value: Typed) -> exp.Expr:
    """Unix microseconds of a timestamp."""
    zone = value.type.zone or call.context.scope.time_zone
    offset = offset_seconds(zone)
    if offset is not None:
        return fill(f"epoch_us(_1) - {offset * 1_000_000}", [value.sql])
    return fill("epoch_us(timezone(_2, _1))", [value.sql, text(zone)])


def _zone(call: Call, place: int) -> str:
    zone = str(call.constant(place, "the time zone"))
    try:
        offset_seconds(zone)
    except ValueError as error:
        raise call.error(place, str(error), "write +08:00 or Asia/Shanghai") from error
    return zone


def _unit(call: Call) -> str:
    unit = call.constant(0, "the unit")
    if not isinstance(unit, str) or unit.casefold() not in _UNITS:
        raise call.error(0, f"there is no time unit '{unit}'", suggestion(str(unit), _UNITS, "unit"))
    return unit.casefold()


def _from_unixtime(call: Call) -> exp.Expr:
    whole = call.args[0].type.name == "bigint"
    microseconds = call.sql("_1 * 1000000" if whole else "CAST(round(_1 * 1000) AS BIGINT) * 1000", call.args[0].sql)
    if len(call.args) == 1:
        return local_from_us(call, microseconds)
    if len(call.args) == 2:
        zone = _zone(call, 1)
    else:
        hours, minutes = call.constant(1, "the hours"), call.constant(2, "the minutes")
        zone = f"{'-' if hours < 0 else '+'}{abs(hours):02d}:{abs(minutes):02d}"
    call.result = Type("timestamp", zone=zone)
    return local_from_us(call, microseconds, zone)


def _stamp(call: Call, place: int) -> exp.Expr:
    """A timestamp argument, or seconds, as the session shows it."""
    value = call.args[place]
    if value.type.name == "bigint":
        return local_from_us(call, fill("_1 * 1000000", [value.sql]))
    if value.type.name == "double":
        return local_from_us(call, fill("CAST(round(_1 * 1000) AS BIGINT) * 1000", [value.sql]))
    return value.sql


def _date_trunc(call: Call) -> exp.Expr:
    unit = _unit(call)
    truncated = fill("date_trunc(_1, _2)", [text(unit), _stamp(call, 1)])
    return fill("CAST(_1 AS DATE)", [truncated]) if call.args[1].type.name == "date" else truncated


def _date_format(call: Call) -> exp.Expr:
    written = call.args[1].constant
    if isinstance(written, str) and "%D" in written:
        raise call.error(1, "'%D' is not possible in this format", "write %e for the day of the month")
    return fill("strftime(_1, _2)", [_stamp(call, 0), text(engine_format(call, 1))])


def _date_parse(call: Call) -> exp.Expr:
    return fill("strptime(_1, _2)", [call.args[0].sql, text(engine_format(call, 1, reading=True))])


def _date_add(call: Call) -> exp.Expr:
    unit = _unit(call)
    step = "INTERVAL '3' MONTH" if unit == "quarter" else f"INTERVAL '1' {unit.upper()}"
    moved = call.sql(f"_1 + _2 * {step}", _stamp(call, 2), call.args[1].sql)
    return fill("CAST(_1 AS DATE)", [moved]) if call.args[2].type.name == "date" else moved


def _date_diff(call: Call) -> exp.Expr:
    return fill("date_sub(_1, _2, _3)", [text(_unit(call)), _stamp(call, 1), _stamp(call, 2)])


def _now(call: Call) -> Typed:
    moment = local_moment(call.context.scope.now_us // 1000 * 1000, call.context.scope.time_zone)
    return Typed(exp.Cast(this=text(str(moment)), to=exp.DataType.build("TIMESTAMP", dialect="duckdb")), TIMESTAMP)


def _current(kind: str) -> Builder:
    def build(call: Call) -> exp.Expr:
        now = _now(call).sql
        return now if kind == "TIMESTAMP" else fill(f"CAST(_1 AS {kind})", [now])

    return build


def _current_timezone(call: Call) -> exp.Expr:
    zone = call.context.scope.time_zone
    # The log service's default zone goes by its city.
    return text("Asia/Shanghai" if zone == "+08:00" else zone)


def _from_iso(call: Call) -> exp.Expr:
    written = call.args[0].sql
    zoned = "epoch_us(CAST(_1 AS TIMESTAMPTZ))"
    local = local_from_us(call, fill(zoned, [written]))
    return fill(
        "CASE WHEN regexp_matches(_1, '[T ].*(Z|[+-][0-9]{2}:?[0-9]{0,2})$') THEN _2 ELSE CAST(_1 AS TIMESTAMP) END", [written, local]
    )


def _part(part: str) -> Builder:
    def build(call: Call) -> exp.Expr:
        return fill(f"date_part('{part}', _1)", [_stamp(call, 0)])

    return build


def _offset_part(hours: bool) -> Builder:
    def build(call: Call) -> exp.Expr:
        value = call.args[0]
        seconds = fill("(epoch_us(_1) - _2) // 1000000", [value.sql, us_from_local(call, value)])
        return fill("_1 // 3600" if hours else "(_1 % 3600) // 60", [seconds])

    return build


_PARTS = {
    "year": ("year",), "quarter": ("quarter",), "month": ("month",), "week": ("week", "week_of_year"), "day": ("day", "day_of_month"), "hour": ("hour",),
    "minute": ("minute",), "second": ("second",), "isodow": ("day_of_week", "dow"), "doy": ("day_of_year", "doy"), "isoyear": ("year_of_week", "yow"),
}  # fmt: skip
_STAMPS = ("timestamp", "date", "bigint")

FUNCTIONS: tuple[Function, ...] = (
    scalar("now() -> timestamp", _current("TIMESTAMP"), "current_timestamp", "localtimestamp"),
    scalar("current_date() -> date", _current("DATE")),
    scalar("current_time() -> time", _current("TIME"), "localtime"),
    scalar("current_timezone() -> varchar", _current_timezone),
    scalar("from_unixtime(bigint) -> timestamp", _from_unixtime),
    scalar("from_unixtime(double) -> timestamp", _from_unixtime),
    scalar("from_unixtime(bigint, varchar) -> timestamp", _from_unixtime),
    scalar("from_unixtime(double, varchar) -> timestamp", _from_unixtime),
    scalar("from_unixtime(double, bigint, bigint) -> timestamp", _from_unixtime),
    scalar("to_unixtime(timestamp) -> double", lambda call: fill("_1 / 1e6", [us_from_local(call, call.args[0])])),
    scalar("date_trunc(varchar, timestamp) -> timestamp", _date_trunc),
    scalar("date_trunc(varchar, date) -> date", _date_trunc),
    scalar("date_trunc(varchar, bigint) -> timestamp", _date_trunc),
    scalar("date_trunc(varchar, double) -> timestamp", _date_trunc),
    *(scalar(f"date_format({kind}, varchar) -> varchar", _date_format) for kind in _STAMPS),
    scalar("date_parse(varchar, varchar) -> timestamp", _date_parse),
    scalar("date_add(varchar, bigint, timestamp) -> timestamp", _date_add),
    scalar("date_add(varchar, bigint, date) -> date", _date_add),
    scalar("date_add(varchar, bigint, bigint) -> timestamp", _date_add),
    scalar("date_diff(varchar, timestamp, timestamp) -> bigint", _date_diff),
    scalar("date_diff(varchar, bigint, bigint) -> bigint", _date_diff),
    scalar("date(varchar) -> date", "CAST(_1 AS DATE)"),
    scalar("date(timestamp) -> date", "CAST(_1 AS DATE)"),
    scalar("date(bigint) -> date", lambda call: fill("CAST(_1 AS DATE)", [_stamp(call, 0)])),
    scalar("from_iso8601_date(varchar) -> date", "CAST(_1 AS DATE)"),
    scalar("from_iso8601_timestamp(varchar) -> timestamp", _from_iso),
    scalar("to_iso8601(timestamp) -> varchar", "strftime(_1, '%Y-%m-%dT%H:%M:%S.%g')"),
    scalar("to_iso8601(date) -> varchar", "strftime(_1, '%Y-%m-%d')"),
    *(scalar(f"{name}({kind}) -> bigint", _part(part)) for part, names in _PARTS.items() for name in names for kind in _STAMPS),
    scalar("millisecond(timestamp) -> bigint", "date_part('millisecond', _1) % 1000"),
    scalar("timezone_hour(timestamp) -> bigint", _offset_part(True)),
    scalar("timezone_minute(timestamp) -> bigint", _offset_part(False)),
)  # fmt: skip
