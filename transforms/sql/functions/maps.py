"""Maps."""

from __future__ import annotations

from transforms.sql.functions.model import Function, scalar

__all__ = ["FUNCTIONS"]

_ENTRIES = "map_from_entries(list_transform({0}, lambda e: row({1}, {2})))"

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
)
