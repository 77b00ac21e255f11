"""Texts with units: data sizes such as ``1024KB`` (1024-based) and durations such as ``2.5h``."""

from __future__ import annotations

from sqlglot import exp

from transforms.core.suggest import suggestion
from transforms.sql.functions.model import Builder, Call, Function, fill, scalar

__all__ = ["FUNCTIONS"]

_SIZES = ("B", "KB", "MB", "GB", "TB", "PB", "EB")
_SECONDS = {"ns": "1e-9", "us": "1e-6", "ms": "1e-3", "s": "1e0", "m": "60e0", "h": "3600e0", "d": "86400e0"}
_LONG = {"nanoseconds": "ns", "microseconds": "us", "milliseconds": "ms", "seconds": "s", "minutes": "m", "hours": "h", "days": "d"}


def _amount(units: str) -> str:
    return f"CAST(regexp_extract(_1, '^\\s*([0-9.]+)\\s*({units})\\s*$', 1, 'i') AS DOUBLE)"


def _bytes() -> str:
    cases = " ".join(f"WHEN '{unit}' THEN {1024**power}e0" for power, unit in enumerate(_SIZES))
    unit = "upper(regexp_extract(_1, '^\\s*[0-9.]+\\s*([KMGTPE]?B)\\s*$', 1, 'i'))"
    return f"({_amount('[KMGTPE]?B')} * CASE {unit} {cases} END)"


def _duration() -> str:
    cases = " ".join(f"WHEN '{unit}' THEN {seconds}" for unit, seconds in _SECONDS.items())
    return (
        f"({_amount('ns|us|ms|s|m|h|d')} * CASE lower(regexp_extract(_1, '^\\s*[0-9.]+\\s*(ns|us|ms|s|m|h|d)\\s*$', 1, 'i')) {cases} END)"
    )


_SHOWN = "regexp_replace(CAST(round({0}, 2) AS VARCHAR), '\\.0$', '')"
_BYTES, _DURATION = _bytes(), _duration()


def _size_text(amount: exp.Expr, unit: str) -> exp.Expr:
    return fill(f"{_SHOWN.format('_1')} || '{unit}'", [fill(f"_1 / {1024 ** _SIZES.index(unit)}e0", [amount])])


def _succinct_size(call: Call) -> exp.Expr:
    amount = fill(_BYTES, [call.args[0].sql]) if call.args[0].type.name == "varchar" else call.args[0].sql
    if len(call.args) > 1:
        return _size_text(amount, _unit(call))
    whens = " ".join(f"WHEN _1 >= {1024**power}e0 THEN _{power + 2}" for power in range(len(_SIZES) - 1, 0, -1))
    return fill(f"CASE {whens} ELSE _2 END", [amount, *(_size_text(amount, unit) for unit in _SIZES)])


def _unit(call: Call) -> str:
    unit = str(call.constant(1, "the unit")).upper()
    if unit not in _SIZES:
        raise call.error(1, f"there is no unit of data called '{unit}'", suggestion(unit, _SIZES, "unit"))
    return unit


def _to_size(unit: str) -> Builder:
    return lambda call: fill(f"{_BYTES} / {1024 ** _SIZES.index(unit)}e0", [call.args[0].sql])


def _clock(call: Call) -> exp.Expr:
    return call.sql(
        "lpad(CAST(CAST(floor(_1) AS BIGINT) // 3600 AS VARCHAR), 2, '0') || ':' || lpad(CAST(CAST(floor(_1) AS BIGINT) % 3600 // 60 AS VARCHAR), 2, '0')"
        " || ':' || lpad(CAST(CAST(floor(_1) AS BIGINT) % 60 AS VARCHAR), 2, '0')"
    )


def _succinct_duration(call: Call) -> exp.Expr:
    seconds = fill(_DURATION, [call.args[0].sql])
    shown = [fill(f"{_SHOWN.format('_1')} || '{unit}'", [fill(f"_1 / {factor}", [seconds])]) for unit, factor in _SECONDS.items()]
    whens = " ".join(f"WHEN _1 >= {factor} THEN _{place + 2}" for place, factor in reversed(list(enumerate(_SECONDS.values()))))
    return fill(f"CASE {whens} ELSE _2 END", [seconds, *shown])


FUNCTIONS: tuple[Function, ...] = (
    scalar("convert_data_size(varchar) -> varchar", _succinct_size),
    scalar("convert_data_size(varchar, varchar) -> varchar", _succinct_size),
    scalar("format_data_size(double, varchar) -> varchar", _succinct_size),
    scalar("parse_data_size(varchar) -> decimal", f"CAST({_BYTES} AS DECIMAL(38, 9))"),
    *(scalar(f"to_data_size_{unit.lower()}(varchar) -> double", _to_size(unit)) for unit in _SIZES),
    scalar("format_duration(double) -> varchar", _clock),
    scalar("parse_duration(varchar) -> interval", f"{_DURATION} * INTERVAL '1' SECOND"),
    *(scalar(f"to_{name}(varchar) -> double", f"{_DURATION} / {_SECONDS[unit]}") for name, unit in _LONG.items()),
    scalar("to_most_succinct_time_unit(varchar) -> varchar", _succinct_duration),
)
