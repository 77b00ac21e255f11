"""What the engine says when a statement meets data it cannot work with, in the dialect's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from transforms.core.errors import Location, QueryFailed

if TYPE_CHECKING:
    from transforms.sql.analysis import Analysis

__all__ = ["explain_failure"]

_TYPES = {
    "INT64": "bigint", "INT32": "bigint", "BIGINT": "bigint", "DOUBLE": "double", "BOOL": "boolean", "BOOLEAN": "boolean", "TIMESTAMP": "timestamp",
    "DATE": "date", "JSON": "json", "DECIMAL": "decimal",
}  # fmt: skip
_RULES: tuple[tuple[str, str, str, str], ...] = (
    (r"Could not convert string '(?P<value>.*?)' to (?P<type>\w+)", "CastFailed", "Cannot cast '{value}' to {type}",
     "try_cast gives NULL for values that do not fit"),
    (r'invalid (?:timestamp|date|time) field format: "(?P<value>.*?)"', "CastFailed", "Cannot cast '{value}' to a time",
     "try_cast gives NULL; date_parse reads other formats"),
    (r'Could not parse string "(?P<value>.*?)" according to format specifier "(?P<type>.*?)"', "InvalidFunctionArgument",
     "'{value}' does not follow the format of date_parse", "try(date_parse(…)) gives NULL for such values"),
    (r"Type (?P<type>\w+) with value (?P<value>\S+) can't be cast", "NumericValueOutOfRange",
     "the number {value} is out of the range of bigint",
     "cast to double first, for example sum(cast(x as double))"),
    (r"Failed to cast value", "CastFailed", "a value does not fit the type it is cast to", "try_cast gives NULL for values that do not fit"),
    (r"Failed to transform|Malformed JSON|JSON transform error", "InvalidJson", "a text is not the JSON that is expected", "try(…) gives NULL for such rows"),
    (r"Division by zero", "DivisionByZero", "Division by zero", "nullif(x, 0) makes the result NULL; divide by a double to get Infinity"),
    (r"Array subscript out of bounds", "InvalidFunctionArgument", "Array subscript out of bounds", "element_at(array, n) gives NULL instead"),
    (r"Key not present in map: (?P<value>[^\n]*)", "InvalidFunctionArgument", "Key not present in map: {value}", "element_at(map, key) gives NULL instead"),
    (r"Overflow in|out of range|Out of Range", "NumericValueOutOfRange", "a number is out of the range of bigint", "cast to double first"),
    (r"[Oo]ut of [Mm]emory|memory limit", "ExceededMemory", "the query needs more memory than it may use", "narrow the time range, or group by fewer values"),
    (r"Duplicate key|Map keys must be unique", "InvalidFunctionArgument", "a map cannot have the same key twice", "use multimap_agg, or make the keys unique"),
    (r"[Mm]ore than one row returned by a subquery|returns more than one", "SubqueryManyRows", "a subquery used as a value gives more than one row",
     "add limit 1, or use IN"),
    (r"invalid unicode|Invalid unicode|not valid UTF", "InvalidFunctionArgument", "bytes are not valid UTF-8", "try(from_utf8(…)) gives NULL"),
)  # fmt: skip


def explain_failure(message: str, analysis: Analysis | None = None) -> QueryFailed:
    """The error for what the engine said while it ran the statement; located when the statement tells where."""
    for pattern, code, words, hint in _RULES:
        found = re.search(pattern, message, re.S)
        if found is None:
            continue
        groups = {key: value or "" for key, value in found.groupdict().items()}
        value = groups.get("value", "").strip("'") if code == "CastFailed" else groups.get("value", "")
        value = value if len(value) <= 100 else value[:99] + "…"
        text = words.format(value=value, type=_TYPES.get(groups.get("type", ""), groups.get("type", "").casefold()))
        return QueryFailed(text, code=code, hint=hint, location=_location(code, analysis))
    user = re.search(r"executing the UDF: \w+: ([^\n]{1,200})", message)
    if user is not None:
        return QueryFailed(user[1], code="InvalidFunctionArgument", hint="filter such values with WHERE")
    user = re.search(r"Invalid Input Error: ([^\n]{1,200})", message)
    first = user[1] if user else message.strip().splitlines()[0][:200] if message.strip() else "the engine failed"
    return QueryFailed(f"the query failed on its data: {first}")


def _location(code: str, analysis: Analysis | None) -> Location | None:
    """The only place that can be meant, if there is just one."""
    if analysis is None or analysis.statement.sql is None:
        return None
    sql, base = analysis.statement.sql, analysis.statement.sql_start
    pattern = {"CastFailed": r"\bcast\s*\(", "DivisionByZero": r"[/%]"}.get(code)
    places = list(re.finditer(pattern, re.sub(r"'[^']*'", lambda quoted: "_" * len(quoted[0]), sql), re.I)) if pattern else []
    if len(places) != 1:
        return None
    return Location(analysis.statement.text, base + places[0].start(), base + places[0].end())
