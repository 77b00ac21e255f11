"""Maps."""

from __future__ import annotations

from sqlglot import exp

from transforms.sql.functions.model import Builder, Call, Function, applied, fill, scalar

__all__ = ["FUNCTIONS"]


def _entries(call: Call, template: str) -> exp.Expr:
    """``template`` over ``_1``, the map's entries, and ``_2``, the lambda applied to the entry ``e``."""
    entry = call.fresh()
    body = applied(call.args[1].sql, fill(f"struct_extract({entry}, 'key')", []), fill(f"struct_extract({entry}, 'value')", []))
    return fill(template.replace("{e}", entry), [fill("map_entries(_1)", [call.args[0].sql]), body])


def _over(template: str) -> Builder:
    return lambda call: _entries(call, template)


def _zip_with(call: Call) -> exp.Expr:
    key = call.fresh()
    one, other = call.args[0].sql, call.args[1].sql
    body = applied(
        call.args[2].sql, fill(key, []), fill(f"map_extract_value(_1, {key})", [one]), fill(f"map_extract_value(_1, {key})", [other])
    )  # fmt: skip
    return fill(
        f"map_from_entries(list_transform(list_distinct(list_concat(map_keys(_1), map_keys(_2))), lambda {key}: row({key}, _3)))",
        [one, other, body],
    )


FUNCTIONS: tuple[Function, ...] = (
    scalar("map() -> map(varchar, varchar)", "CAST(map() AS MAP(VARCHAR, VARCHAR))"),
    scalar("map(array(K), array(V)) -> map(K, V)", "map(_1, _2)"),
    scalar("map_from_entries(array(row(K, V))) -> map(K, V)", "map_from_entries(_1)"),
    scalar("map_keys(map(K, V)) -> array(K)", "map_keys(_1)"),
    scalar("map_values(map(K, V)) -> array(V)", "map_values(_1)"),
    scalar("map_concat(map(K, V), map(K, V)) -> map(K, V)", "map_concat(_1, _2)"),
    scalar("map_concat(map(K, V), map(K, V), map(K, V)) -> map(K, V)", "map_concat(_1, _2, _3)"),
    scalar("map_entries(map(K, V)) -> array(row(K, V))", "map_entries(_1)"),
    scalar("cardinality(map(K, V)) -> bigint", "CAST(cardinality(_1) AS BIGINT)"),
    scalar("element_at(map(K, V), K) -> V", "map_extract_value(_1, _2)"),
    scalar("map_filter(map(K, V), (K, V) -> boolean) -> map(K, V)", _over("map_from_entries(list_filter(_1, lambda {e}: _2))")),
    scalar("transform_keys(map(K, V), (K, V) -> L) -> map(L, V)",
           _over("map_from_entries(list_transform(_1, lambda {e}: row(_2, struct_extract({e}, 'value'))))")),
    scalar("transform_values(map(K, V), (K, V) -> W) -> map(K, W)",
           _over("map_from_entries(list_transform(_1, lambda {e}: row(struct_extract({e}, 'key'), _2)))")),
    scalar("map_zip_with(map(K, V), map(K, W), (K, V, W) -> X) -> map(K, X)", _zip_with),
)  # fmt: skip
