"""Aggregates: many rows, one value. Those with ``partials`` can be computed in parts and merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from transforms.sql.dialect import fragment
from transforms.sql.functions.model import Call, Function, aggregate, fill
from transforms.sql.translate_context import column

__all__ = ["FUNCTIONS", "Split", "aggregate_split", "has_aggregate", "is_aggregate", "mark"]


@dataclass(frozen=True)
class Split:
    """An aggregate in two phases: ``partials`` per part, ``merge`` over the parts' columns of the names it is given."""

    partials: tuple[exp.Expr, ...]
    merge: Callable[[tuple[str, ...]], exp.Expr]


def mark(node: exp.Expr, function: Function, partials: tuple[exp.Expr, ...]) -> exp.Expr:
    """Remember on a translated call that it is an aggregate, and how it splits."""
    node.meta["aggregate"] = function.signature.name
    if partials:
        node.meta["partials"] = tuple(partial.sql(dialect="duckdb") for partial in partials)
        node.meta["merge"] = function.merge
    return node


def is_aggregate(node: exp.Expr) -> bool:
    """Whether this node of a translated tree is a whole aggregate call."""
    return bool(node._meta) and "aggregate" in node.meta


def has_aggregate(tree: exp.Expr) -> bool:
    """Whether an aggregate call stands in this tree, subqueries aside."""
    if is_aggregate(tree):
        return True
    return any(has_aggregate(child) for child in tree.iter_expressions() if not isinstance(child, exp.Query))


def aggregate_split(call: exp.Expr) -> Split | None:
    """The two phases of a translated aggregate call, or None when it has no mergeable form."""
    texts: tuple[str, ...] = call.meta.get("partials", ())
    if not texts:
        return None
    template: str = call.meta["merge"]

    def merge(names: tuple[str, ...]) -> exp.Expr:
        return fill(template, [column(name) for name in names])

    return Split(tuple(fragment(each) for each in texts), merge)


def _fraction(call: Call) -> exp.Expr:
    share = call.args[-1].constant
    if isinstance(share, (int, float)) and not 0 <= share <= 1:
        raise call.error(len(call.args) - 1, f"a percentile must be between 0 and 1, not {share}", "0.99 is the 99th percentile")
    # The engine wants a constant it can see through.
    share_sql = exp.Literal.number(repr(float(share))) if isinstance(share, (int, float)) else call.args[-1].sql
    return call.sql("quantile_disc(_1, _2)", call.args[0].sql, share_sql)


def _fractions(call: Call) -> exp.Expr:
    shares = call.constant(1, "the percentiles")
    for share in shares:
        if not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise call.error(1, f"a percentile must be between 0 and 1, not {share}", "0.99 is the 99th percentile")
    listed = exp.Array(expressions=[exp.Literal.number(repr(float(share))) for share in shares])
    return call.sql("quantile_disc(_1, _2)", call.args[0].sql, listed)


def _extremes(name: str, places: int) -> Callable[[Call], exp.Expr]:
    def build(call: Call) -> exp.Expr:
        count = call.constant(places - 1, "the number of values")
        if not 0 < count <= 10_000:
            raise call.error(places - 1, "the number of values must be between 1 and 10000")
        values = [arg.sql for arg in call.args[:-1]]
        return exp.Anonymous(this=name, expressions=[*(value.copy() for value in values), exp.Literal.number(count)])

    return build


def _weighted(call: Call) -> exp.Expr:
    share = call.constant(2, "the percentile")
    if not 0 <= share <= 1:
        raise call.error(2, f"a percentile must be between 0 and 1, not {share}", "0.99 is the 99th percentile")
    return call.sql(
        f"weighted_percentile(list({{'v': CAST(_1 AS DOUBLE), 'w': CAST(_2 AS DOUBLE)}}), {float(share)!r}e0)",
        call.args[0].sql,
        call.args[1].sql,
    )


def _histogram(call: Call) -> exp.Expr:
    buckets = call.constant(0, "the number of buckets")
    if not 2 <= buckets <= 10_000:
        raise call.error(0, "the number of buckets must be between 2 and 10000")
    weight = call.args[2].sql if len(call.args) > 2 else exp.Literal.number("1e0")
    return call.sql(
        "numeric_histogram(list({'v': CAST(_1 AS DOUBLE), 'w': CAST(_2 AS DOUBLE)}) FILTER (WHERE _1 IS NOT NULL), CAST(_3 AS BIGINT))",
        call.args[1].sql, weight, exp.Literal.number(buckets),
    )  # fmt: skip


FUNCTIONS: tuple[Function, ...] = (
    aggregate("count() -> bigint", "count(*)", partials=("count(*)",), merge="coalesce(CAST(sum(_1) AS BIGINT), 0)"),
    aggregate("count(T) -> bigint", "count(_1)", partials=("count(_1)",), merge="coalesce(CAST(sum(_1) AS BIGINT), 0)"),
    aggregate("count_if(boolean) -> bigint", "count(*) FILTER (WHERE _1)", partials=("count(*) FILTER (WHERE _1)",),
              merge="coalesce(CAST(sum(_1) AS BIGINT), 0)"),
    aggregate("sum(bigint) -> bigint", "CAST(sum(_1) AS BIGINT)", partials=("sum(_1)",), merge="CAST(sum(_1) AS BIGINT)"),
    aggregate("sum(decimal) -> decimal", "sum(_1)", partials=("sum(_1)",), merge="sum(_1)"),
    aggregate("sum(double) -> double", "sum(_1)", partials=("sum(_1)",), merge="sum(_1)"),
    aggregate("avg(bigint) -> double", "avg(_1)", partials=("sum(_1)", "count(_1)"), merge="CAST(sum(_1) AS DOUBLE) / sum(_2)"),
    aggregate("avg(decimal) -> double", "avg(CAST(_1 AS DOUBLE))", partials=("sum(CAST(_1 AS DOUBLE))", "count(_1)"), merge="sum(_1) / sum(_2)"),
    aggregate("avg(double) -> double", "avg(_1)", partials=("sum(_1)", "count(_1)"), merge="sum(_1) / nullif(sum(_2), 0)"),
    aggregate("max(T) -> T", "max(_1)", partials=("max(_1)",), merge="max(_1)"),
    aggregate("min(T) -> T", "min(_1)", partials=("min(_1)",), merge="min(_1)"),
    aggregate("max(T, bigint) -> array(T)", _extremes("max", 2)),
    aggregate("min(T, bigint) -> array(T)", _extremes("min", 2)),
    aggregate("max_by(T, U) -> T", "arg_max_null(_1, _2)", partials=("arg_max_null(_1, _2)", "max(_2)"), merge="arg_max_null(_1, _2)"),
    aggregate("min_by(T, U) -> T", "arg_min_null(_1, _2)", partials=("arg_min_null(_1, _2)", "min(_2)"), merge="arg_min_null(_1, _2)"),
    aggregate("max_by(T, U, bigint) -> array(T)", _extremes("max_by", 3)),
    aggregate("min_by(T, U, bigint) -> array(T)", _extremes("min_by", 3)),
    aggregate("arbitrary(T) -> T", "any_value(_1)", "any_value", partials=("any_value(_1)",), merge="any_value(_1)"),
    aggregate("bool_and(boolean) -> boolean", "bool_and(_1)", "every", partials=("bool_and(_1)",), merge="bool_and(_1)"),
    aggregate("bool_or(boolean) -> boolean", "bool_or(_1)", partials=("bool_or(_1)",), merge="bool_or(_1)"),
    aggregate("bitwise_and_agg(bigint) -> bigint", "bit_and(_1)", partials=("bit_and(_1)",), merge="bit_and(_1)"),
    aggregate("bitwise_or_agg(bigint) -> bigint", "bit_or(_1)", partials=("bit_or(_1)",), merge="bit_or(_1)"),
    aggregate("bitwise_xor_agg(bigint) -> bigint", "bit_xor(_1)", partials=("bit_xor(_1)",), merge="bit_xor(_1)"),
    aggregate("geometric_mean(double) -> double", "exp(avg(ln(_1)))", partials=("sum(ln(_1))", "count(_1)"), merge="exp(sum(_1) / nullif(sum(_2), 0))"),
    aggregate("array_agg(T) -> array(T)", "list(_1)"),
    aggregate("histogram(T) -> map(T, bigint)", "histogram(_1)"),
    aggregate("map_agg(K, V) -> map(K, V)", lambda call: call.sql(
        "map_from_entries(list_transform(list_distinct(list(_1) FILTER (WHERE _1 IS NOT NULL)), "
        "lambda key: row(key, list_filter(list(row(_1, _2)) FILTER (WHERE _1 IS NOT NULL), lambda pair: pair[1] = key)[1][2])))")),
    aggregate("multimap_agg(K, V) -> map(K, array(V))", lambda call: call.sql(
        "map_from_entries(list_transform(list_distinct(list(_1) FILTER (WHERE _1 IS NOT NULL)), "
        "lambda key: row(key, list_transform(list_filter(list(row(_1, _2)) FILTER (WHERE _1 IS NOT NULL), lambda pair: pair[1] = key), "
        "lambda pair: pair[2]))))")),
    aggregate("map_union(map(K, V)) -> map(K, V)",
              "list_reduce(list(_1) FILTER (WHERE _1 IS NOT NULL), lambda one, other: map_concat(one, other))"),
    aggregate("approx_distinct(T) -> bigint", "approx_count_distinct(_1)"),
    aggregate("approx_distinct(T, double) -> bigint", "approx_count_distinct(_1)"),
    aggregate("approx_percentile(bigint, double) -> bigint", _fraction),
    aggregate("approx_percentile(double, double) -> double", _fraction),
    aggregate("approx_percentile(bigint, array(double)) -> array(bigint)", _fractions),
    aggregate("approx_percentile(double, array(double)) -> array(double)", _fractions),
    aggregate("approx_percentile(double, double, double) -> double", _weighted, uses=("weighted_percentile",)),
    aggregate("numeric_histogram(bigint, double) -> map(double, double)", _histogram, uses=("numeric_histogram",)),
    aggregate("numeric_histogram(bigint, double, double) -> map(double, double)", _histogram, uses=("numeric_histogram",)),
    aggregate("corr(double, double) -> double", "corr(_1, _2)"),
    aggregate("covar_pop(double, double) -> double", "covar_pop(_1, _2)"),
    aggregate("covar_samp(double, double) -> double", "covar_samp(_1, _2)"),
    aggregate("regr_slope(double, double) -> double", "regr_slope(_1, _2)"),
    aggregate("regr_intercept(double, double) -> double", "regr_intercept(_1, _2)"),
    aggregate("stddev(double) -> double", "stddev_samp(_1)", "stddev_samp"),
    aggregate("stddev_pop(double) -> double", "stddev_pop(_1)"),
    aggregate("variance(double) -> double", "var_samp(_1)", "var_samp"),
    aggregate("var_pop(double) -> double", "var_pop(_1)"),
    aggregate("kurtosis(double) -> double", "kurtosis(_1)"),
    aggregate("skewness(double) -> double", "skewness(_1)"),
    aggregate("entropy(T) -> double", "entropy(_1)"),
    aggregate("checksum(T) -> varbinary", "unhex(printf('%016X', bit_xor(hash(_1))))"),
)  # fmt: skip
