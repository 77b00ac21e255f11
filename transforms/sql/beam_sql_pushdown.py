"""Which expressions the embedded engine may compute before Beam SQL: over one row of one table, and when they can fail."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from transforms.sql.beam_sql_refusal import Refused, called

__all__ = ["can_fail", "is_strict", "of_one_row"]

_NEVER_FAILING = {
    "abs", "ceil", "coalesce", "concat", "contains", "date_part", "date_sub", "date_trunc", "encode", "ends_with", "epoch_us", "floor", "greatest",
    "hamming", "hex", "isfinite", "isinf", "isnan", "json_type", "json_valid", "least", "left", "len", "length", "levenshtein", "list_extract", "lower",
    "ltrim", "md5", "nullif", "octet_length", "regexp_full_match", "regexp_matches", "regexp_replace", "replace", "reverse", "right", "round", "rtrim",
    "sha256", "sign", "split_part", "starts_with", "strftime", "string_split", "strpos", "substr", "translate", "trim", "try", "trunc", "unicode", "upper",
    "url_encode",
}  # fmt: skip
"""Of the engine's functions, those that give something for every value of their arguments' types."""
_STRICT = _NEVER_FAILING - {"coalesce", "concat", "greatest", "least", "nullif", "json_valid", "try"} | {
    "make_timestamp",
    "json_extract_string",
}
"""Those that give NULL whenever an argument is NULL."""
_CHANGING = {"random", "uuid", "gen_random_uuid", "nextval", "now"}
_PLAIN = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Case, exp.If, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE,
    exp.GT, exp.GTE, exp.Is, exp.In, exp.Between, exp.Like, exp.Escape, exp.DPipe, exp.NullSafeEQ, exp.NullSafeNEQ, exp.DataType, exp.DataTypeParam,
    exp.TryCast, exp.Tuple, exp.Array, exp.Interval, exp.Var, exp.Neg,
)  # fmt: skip
_STRICT_NODES = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Paren, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.DPipe,
    exp.DataType, exp.DataTypeParam, exp.Cast, exp.TryCast, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.Interval, exp.Var,
    exp.Between,
)  # fmt: skip


def of_one_row(node: exp.Expr) -> None:
    """Refuses what needs more than one row, or is another value each time."""
    for each in node.walk():
        if isinstance(each, (exp.Query, exp.Subquery, exp.Exists, exp.All, exp.Any)):
            raise Refused("a subquery inside such an expression", each)
        if isinstance(each, exp.Window):
            raise Refused("a window function (OVER)", each, word="over")
        if (each._meta or {}).get("aggregate"):
            raise Refused(f"the aggregate {called(each)} here", each)
        if isinstance(each, exp.Anonymous) and str(each.this).casefold() in _CHANGING:
            raise Refused(f"{called(each)}, which gives another value each time,", each)


def can_fail(node: exp.Expr, kind: Callable[[exp.Expr], str | None]) -> bool:
    """Whether some value of its columns makes the expression an error. ``kind`` tells a subexpression's type, where it is known."""
    if isinstance(node, exp.Anonymous):
        name = str(node.this).casefold()
        if name == "try":
            return False
        if name not in _NEVER_FAILING:
            return True
    elif isinstance(node, exp.TryCast):
        return False
    elif isinstance(node, exp.Cast):
        if not node.to.is_type("text", "varchar") and not (
            node.to.is_type("double") and kind(node.this) in ("bigint", "boolean", "double")
        ):
            return not _fitting(node)
    elif isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
        if kind(node.this) != "double":
            return True
    elif not isinstance(node, _PLAIN):
        return True
    return any(can_fail(child, kind) for child in node.iter_expressions() if not isinstance(child, (exp.DataType, exp.Identifier)))


def _fitting(node: exp.Cast) -> bool:
    """A number written out, cast to a whole number."""
    inner = node.this
    while isinstance(inner, exp.Cast):
        inner = inner.this
    return isinstance(inner, exp.Literal) and not inner.is_string and node.to.is_type("bigint", "int")


def is_strict(node: exp.Expr) -> bool:
    """Whether the expression is NULL as soon as one of its columns is."""
    if isinstance(node, exp.Anonymous):
        if str(node.this).casefold() not in _STRICT:
            return False
    elif not isinstance(node, _STRICT_NODES):
        return False
    return node.find(exp.Column) is not None and all(
        is_strict(child) for child in node.iter_expressions() if child.find(exp.Column) is not None
    )
