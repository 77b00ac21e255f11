"""JSON. What is no JSON, or is not there, is NULL."""

from __future__ import annotations

import re

from transforms.sql.functions.model import Call, Function, scalar

__all__ = ["FUNCTIONS"]

_PATH = re.compile(r"""\$(\.[\w:@-]+|\[\d+\]|\["[^"]*"\]|\['[^']*'\]|\.\*|\[\*\]|\."[^"]*")*$""")


def _path(call: Call) -> None:
    path = call.args[1].constant
    if isinstance(path, str) and not _PATH.match(path if path.startswith("$") else f"$.{path}"):
        raise call.error(1, f"'{path}' is no JSON path", 'write $.name, $.list[0] or $["odd name"]')


_SAFE = "CASE WHEN json_valid(CAST(_1 AS VARCHAR)) THEN {} END"


def _both(signature: str, engine: str, *aliases: str) -> tuple[Function, ...]:
    """The same for text that may be no JSON and for JSON."""
    name, _, rest = signature.partition("(")
    wrapped = _SAFE.format(engine.replace("_1", "CAST(_1 AS JSON)"))
    return (
        scalar(f"{name}(json{rest}", engine, *aliases, check=_path if ", varchar)" in rest else None),
        scalar(f"{name}(varchar{rest}", wrapped, *aliases, check=_path if ", varchar)" in rest else None),
    )


# Paths may use $["odd name"]; the engine writes that $."odd name". json_extract wants a leading $.
_AT = "CASE WHEN starts_with(_2, '$') THEN regexp_replace(_2, '\\[[\"'']([^\"'']*)[\"'']\\]', '.\"\\1\"', 'g') ELSE ('$.' || _2) END"
_VALUE = f"json_extract(_1, {_AT})"
_TEXT = f"CASE WHEN json_type(_1, {_AT}) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(_1, {_AT}) END"

FUNCTIONS: tuple[Function, ...] = (
    scalar("json_parse(varchar) -> json", "TRY_CAST(_1 AS JSON)"),
    scalar("json_format(json) -> varchar", "CAST(json(_1) AS VARCHAR)"),
    *_both("json_extract(, varchar) -> json", _VALUE),
    *_both("json_extract_scalar(, varchar) -> varchar", _TEXT),
    *_both("json_extract_bool(, varchar) -> boolean", f"TRY_CAST(json_extract_string(_1, {_AT}) AS BOOLEAN)"),
    *_both("json_extract_double(, varchar) -> double", f"TRY_CAST(json_extract_string(_1, {_AT}) AS DOUBLE)"),
    *_both("json_extract_long(, varchar) -> bigint", f"TRY_CAST(json_extract_string(_1, {_AT}) AS BIGINT)"),
    *_both("json_extract_array(, varchar) -> array(json)", f"TRY_CAST(json_extract(_1, {_AT}) AS JSON[])"),
    *_both("json_size(, varchar) -> bigint",
           f"CASE json_type(_1, {_AT}) WHEN 'ARRAY' THEN CAST(json_array_length(_1, {_AT}) AS BIGINT) "
           f"WHEN 'OBJECT' THEN CAST(len(json_keys(_1, {_AT})) AS BIGINT) ELSE CASE WHEN json_type(_1, {_AT}) IS NOT NULL THEN 0 END END"),
    *_both("json_array_length() -> bigint", "CASE WHEN json_type(_1) = 'ARRAY' THEN CAST(json_array_length(_1) AS BIGINT) END"),
    *_both("json_array_get(, bigint) -> varchar",
           "CASE WHEN json_type(_1) = 'ARRAY' THEN json_extract_string(_1, CASE WHEN _2 < 0 THEN '$[#' || CAST(_2 AS VARCHAR) || ']' "
           "ELSE '$[' || CAST(_2 AS VARCHAR) || ']' END) END"),
    *_both("json_array_contains(, T) -> boolean", "CASE WHEN json_type(_1) = 'ARRAY' THEN list_contains(CAST(_1 AS JSON[]), to_json(_2)) END"),
    *_both("json_keys() -> array(varchar)", "CASE WHEN json_type(_1) = 'OBJECT' THEN json_keys(_1) END"),
)  # fmt: skip
