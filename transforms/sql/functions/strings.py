"""Text."""

from __future__ import annotations

from sqlglot import exp

from transforms.sql.functions.model import Call, Function, fill, scalar

__all__ = ["FUNCTIONS"]


def _concat(call: Call) -> exp.Expr:
    out = call.args[0].sql
    for arg in call.args[1:]:
        out = fill("_1 || _2", [out, arg.sql])
    return out


def _pieces(call: Call) -> None:
    for place, arg in enumerate(call.args[2:], 2):
        if isinstance(arg.constant, int) and arg.constant <= 0:
            raise call.error(place, "the number must be greater than zero", "pieces are counted from 1")


def _split_to_map(call: Call) -> exp.Expr:
    return call.sql(
        "map_from_entries(list_transform(string_split(_1, _2), lambda piece: "
        "row(split_part(piece, _3, 1), substr(piece, strpos(piece, _3) + length(_3)))))"
    )


FUNCTIONS: tuple[Function, ...] = (
    scalar("chr(bigint) -> varchar", "chr(CAST(_1 AS INTEGER))"),
    scalar("codepoint(varchar) -> bigint", "CAST(unicode(_1) AS BIGINT)"),
    scalar("length(varchar) -> bigint", "length(_1)", "char_length"),
    scalar("length(varbinary) -> bigint", "octet_length(_1)"),
    scalar("lower(varchar) -> varchar", "lower(_1)"),
    scalar("upper(varchar) -> varchar", "upper(_1)"),
    scalar("trim(varchar) -> varchar", "trim(_1)"),
    scalar("ltrim(varchar) -> varchar", "ltrim(_1)"),
    scalar("rtrim(varchar) -> varchar", "rtrim(_1)"),
    scalar("reverse(varchar) -> varchar", "reverse(_1)"),
    scalar("lpad(varchar, bigint, varchar) -> varchar", "lpad(_1, CAST(_2 AS INTEGER), _3)"),
    scalar("rpad(varchar, bigint, varchar) -> varchar", "rpad(_1, CAST(_2 AS INTEGER), _3)"),
    scalar("replace(varchar, varchar) -> varchar", "replace(_1, _2, '')"),
    scalar("replace(varchar, varchar, varchar) -> varchar", "replace(_1, _2, _3)"),
    scalar("split(varchar, varchar) -> array(varchar)", "string_split(_1, _2)"),
    scalar("split(varchar, varchar, bigint) -> array(varchar)",
           "CASE WHEN _1 IS NULL OR _2 IS NULL OR _3 IS NULL THEN NULL "
        "WHEN len(string_split(_1, _2)) <= _3 THEN string_split(_1, _2) ELSE list_append(list_slice(string_split(_1, _2), 1, _3 - 1), "
           "substr(_1, CAST(coalesce(list_sum(list_transform(list_slice(string_split(_1, _2), 1, _3 - 1), lambda p: length(p))), 0) AS BIGINT) "
           "+ (_3 - 1) * length(_2) + 1)) END", check=_pieces),
    scalar("split_part(varchar, varchar, bigint) -> varchar", "list_extract(string_split(_1, _2), _3)", check=_pieces),
    scalar("split_to_map(varchar, varchar, varchar) -> map(varchar, varchar)", _split_to_map),
    scalar("strpos(varchar, varchar) -> bigint", "strpos(_1, _2)", "position"),
    scalar("substr(varchar, bigint) -> varchar", "substr(_1, _2)", "substring"),
    scalar("substr(varchar, bigint, bigint) -> varchar", "substr(_1, _2, _3)", "substring"),
    scalar("left(varchar, bigint) -> varchar", "left(_1, _2)"),
    scalar("right(varchar, bigint) -> varchar", "right(_1, _2)"),
    scalar("concat(varchar...) -> varchar", _concat),
    scalar("concat(array(T)...) -> array(T)", _concat),
    scalar("levenshtein_distance(varchar, varchar) -> bigint", "levenshtein(_1, _2)"),
    scalar("hamming_distance(varchar, varchar) -> bigint", "hamming(_1, _2)"),
    scalar("normalize(varchar) -> varchar", "nfc_normalize(_1)"),
    scalar("starts_with(varchar, varchar) -> boolean", "starts_with(_1, _2)"),
    scalar("ends_with(varchar, varchar) -> boolean", "ends_with(_1, _2)"),
    scalar("to_utf8(varchar) -> varbinary", "encode(_1)"),
    scalar("from_utf8(varbinary) -> varchar", "decode(_1)"),
    scalar("repeat(varchar, bigint) -> varchar", "repeat(_1, _2)"),
    scalar("translate(varchar, varchar, varchar) -> varchar", "translate(_1, _2, _3)"),
)  # fmt: skip
