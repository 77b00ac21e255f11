"""Arrays; positions start at 1."""

from __future__ import annotations

from sqlglot import exp

from transforms.sql.functions.model import Call, Function, applied, fill, scalar
from transforms.sql.translate_context import NOT_CONSTANT

__all__ = ["FUNCTIONS"]

# Engine functions on sets of list elements forget the order; these keep the order of first occurrence.
_UNIQUE = "list_filter({0}, lambda x, i: i = list_position({0}, x) OR (x IS NULL AND len(list_filter(list_slice({0}, 1, i), lambda y: y IS NULL)) = 1))"


def _zip(call: Call) -> exp.Expr:
    at = call.fresh()
    columns = ", ".join(f"list_extract(_{place + 1}, {at})" for place in range(len(call.args)))
    lengths = ", ".join(f"len(_{place + 1})" for place in range(len(call.args)))
    return call.sql(f"list_transform(generate_series(1, greatest({lengths})), lambda {at}: row({columns}))")


def _zip_with(call: Call) -> exp.Expr:
    at = call.fresh()
    one, other, join = (arg.sql for arg in call.args)
    body = applied(join, fill(f"list_extract(_1, {at})", [one]), fill(f"list_extract(_1, {at})", [other]))
    return fill(f"list_transform(generate_series(1, greatest(len(_1), len(_2))), lambda {at}: _3)", [one, other, body])


def _join(call: Call) -> exp.Expr:
    if len(call.args) > 2:
        items = call.sql("list_transform(_1, lambda x: coalesce(CAST(x AS VARCHAR), _2))", call.args[0].sql, call.args[2].sql)
    else:
        items = call.sql("list_filter(list_transform(_1, lambda x: CAST(x AS VARCHAR)), lambda x: x IS NOT NULL)", call.args[0].sql)
    if call.args[1].constant is not NOT_CONSTANT:
        return fill("coalesce(array_to_string(_1, _2), CASE WHEN len(_1) = 0 THEN '' END)", [items, call.args[1].sql])
    # The engine joins with constants only.
    joined = "CASE WHEN len(_1) = 0 AND _2 IS NOT NULL THEN '' ELSE list_reduce(_1, lambda p, q: p || _2 || q) END"
    return fill(joined, [items, call.args[1].sql])


def _reduce(call: Call) -> exp.Expr:
    array, first, step, finish = (arg.sql for arg in call.args)
    return applied(finish, fill("list_reduce(_1, _2, _3)", [array, step, first]))


def _sequence_step(call: Call) -> None:
    if call.args[2].constant == 0:
        raise call.error(2, "the step must not be 0")


FUNCTIONS: tuple[Function, ...] = (
    scalar("element_at(array(T), bigint) -> T", "list_extract(_1, _2)"),
    scalar("array_distinct(array(T)) -> array(T)", _UNIQUE.format("_1")),
    scalar("array_intersect(array(T), array(T)) -> array(T)", f"list_filter({_UNIQUE.format('_1')}, lambda x: list_contains(_2, x))"),
    scalar("array_except(array(T), array(T)) -> array(T)", f"list_filter({_UNIQUE.format('_1')}, lambda x: NOT list_contains(_2, x))"),
    scalar("array_union(array(T), array(T)) -> array(T)", _UNIQUE.format("(_1 || _2)")),
    scalar("array_join(array(T), varchar) -> varchar", _join),
    scalar("array_join(array(T), varchar, varchar) -> varchar", _join),
    scalar("array_max(array(T)) -> T", "CASE WHEN len(_1) = len(list_filter(_1, lambda x: x IS NOT NULL)) THEN list_max(_1) END"),
    scalar("array_min(array(T)) -> T", "CASE WHEN len(_1) = len(list_filter(_1, lambda x: x IS NOT NULL)) THEN list_min(_1) END"),
    scalar("array_sort(array(T)) -> array(T)", "list_sort(_1, 'ASC', 'NULLS LAST')"),
    scalar("array_position(array(T), T) -> bigint", "CASE WHEN _1 IS NOT NULL AND _2 IS NOT NULL THEN CAST(coalesce(list_position(_1, _2), 0) AS BIGINT) END"),
    scalar("array_remove(array(T), T) -> array(T)", "list_filter(_1, lambda x: x IS DISTINCT FROM _2)"),
    scalar("array_transpose(array(array(T))) -> array(array(T))",
           "list_transform(generate_series(1, coalesce(len(list_extract(_1, 1)), 0)), lambda i: list_transform(_1, lambda r: list_extract(r, i)))"),
    scalar("arrays_overlap(array(T), array(T)) -> boolean", "list_has_any(_1, _2)"),
    scalar("cardinality(array(T)) -> bigint", "CAST(len(_1) AS BIGINT)"),
    scalar("contains(array(T), T) -> boolean", "list_contains(_1, _2)"),
    scalar("flatten(array(array(T))) -> array(T)", "flatten(_1)"),
    scalar("reverse(array(T)) -> array(T)", "list_reverse(_1)"),
    scalar("slice(array(T), bigint, bigint) -> array(T)",
           "CASE WHEN _2 < 0 THEN list_slice(_1, len(_1) + _2 + 1, len(_1) + _2 + _3) ELSE list_slice(_1, _2, _2 + _3 - 1) END"),
    scalar("sequence(bigint, bigint) -> array(bigint)", "generate_series(_1, _2, CASE WHEN _1 <= _2 THEN 1 ELSE -1 END)"),
    scalar("sequence(bigint, bigint, bigint) -> array(bigint)", "generate_series(_1, _2, _3)", check=_sequence_step),
    scalar("sequence(timestamp, timestamp, interval) -> array(timestamp)", "generate_series(_1, _2, _3)"),
    scalar("shuffle(array(T)) -> array(T)", "list_transform(list_sort(list_transform(_1, lambda x: row(random(), x))), lambda p: struct_extract(p, 2))"),
    scalar("zip(array(T), array(U)) -> array(row(T, U))", _zip),
    scalar("zip(array(T), array(U), array(V)) -> array(row(T, U, V))", _zip),
    scalar("filter(array(T), (T) -> boolean) -> array(T)", "list_filter(_1, _2)"),
    scalar("transform(array(T), (T) -> U) -> array(U)", "list_transform(_1, _2)"),
    scalar("reduce(array(T), S, (S, T) -> S, (S) -> R) -> R", _reduce),
    scalar("zip_with(array(T), array(U), (T, U) -> V) -> array(V)", _zip_with),
    scalar("any_match(array(T), (T) -> boolean) -> boolean", "len(list_filter(_1, _2)) > 0"),
    scalar("all_match(array(T), (T) -> boolean) -> boolean", "len(list_filter(_1, _2)) = len(_1)"),
    scalar("none_match(array(T), (T) -> boolean) -> boolean", "len(list_filter(_1, _2)) = 0"),
)  # fmt: skip
