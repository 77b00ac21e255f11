"""Aggregates for Beam SQL: each is made of counts, sums, least and greatest values, and of what is done with those afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from transforms.sql.beam_sql_refusal import Refused, called
from transforms.sql.dialect import fragment
from transforms.sql.functions.model import fill

__all__ = ["Aggregate", "Part", "aggregate_of", "grouping"]

_DIFFERENCE = "CAST(CAST(_2 AS HUGEINT) * _3 - CAST(_1 AS HUGEINT) * _1 AS DOUBLE)"
_SPREAD = {
    "var_pop": f"CASE WHEN _3 > 0 THEN {_DIFFERENCE} / (CAST(_3 AS DOUBLE) * _3) END",
    "var_samp": f"CASE WHEN _3 > 1 THEN {_DIFFERENCE} / (CAST(_3 AS DOUBLE) * (_3 - 1)) END",
}
_SPREAD |= {"stddev_pop": f"sqrt({_SPREAD['var_pop']})", "stddev_samp": f"sqrt({_SPREAD['var_samp']})"}
_SPREAD |= {"variance": _SPREAD["var_samp"], "stddev": _SPREAD["stddev_samp"]}


@dataclass(frozen=True)
class Part:
    """One of Beam SQL's own aggregates.

    Attributes:
        function: ``COUNT``, ``SUM``, ``MIN`` or ``MAX``.
        argument: over the rows, in the embedded engine's tree; None counts rows.
        kind: of the result; empty: the argument's.
        distinct: each value counts once.
    """

    function: str
    argument: exp.Expr | None
    kind: str = ""
    distinct: bool = False


@dataclass(frozen=True)
class Aggregate:
    """``combine`` makes the result of the parts ``_1``, ``_2``, …; ``embedded_only``: in words that only the embedded engine knows."""

    parts: tuple[Part, ...]
    combine: str = "_1"
    embedded_only: bool = False

    def result(self, columns: Sequence[exp.Expr]) -> exp.Expr:
        """The aggregate's value, made of columns that hold its parts."""
        return fill(self.combine, columns) if self.combine != "_1" else columns[0].copy()


def aggregate_of(node: exp.Expr, kind: Callable[[exp.Expr], str | None]) -> Aggregate:
    """The parts of a translated aggregate call. ``kind`` tells the kind of an argument. Raises Refused."""
    name = str(node.meta["aggregate"]).casefold()
    inner, condition, distinct = node, None, False
    while isinstance(inner, (exp.Cast, exp.Paren)):
        inner = inner.this
    if isinstance(inner, exp.Filter):
        condition, inner = inner.expression.this, inner.this
    what = called(node)
    if not isinstance(inner, exp.Anonymous):
        raise Refused(f"the aggregate {what}", node)
    given = [each for each in inner.expressions if not isinstance(each, exp.Star)]
    if given and isinstance(given[0], exp.Distinct):
        distinct, given = True, list(given[0].expressions)
    if len(given) > 1 or (given and isinstance(given[0], (exp.Order, exp.Tuple))):
        raise Refused(f"the aggregate {what}" + (" of several values" if name == "count" else ""), node)
    value = given[0] if given else None
    argument_kind = kind(value) if value is not None else None

    def only(tree: exp.Expr | None) -> exp.Expr | None:
        if condition is None:
            return tree
        counted = tree if tree is not None else fragment("CAST(1 AS BIGINT)")
        return exp.Case(ifs=[exp.If(this=condition.copy(), true=counted.copy())])

    if name in ("count", "count_if"):
        return Aggregate((Part("COUNT", only(value), "bigint", distinct),))
    if value is None:
        raise Refused(f"the aggregate {what}", node)
    if name in ("sum", "avg"):
        if argument_kind not in ("bigint", "double"):
            raise Refused(f"{what} of {argument_kind or 'such a value'}", node)
        total = Part("SUM", only(value), argument_kind, distinct)
        if name == "sum":
            return Aggregate((total,))
        # Its own AVG rounds.
        count = Part("COUNT", only(value), "bigint", distinct)
        return Aggregate((total, count), "CAST(_1 AS DOUBLE) / CAST(_2 AS DOUBLE)")
    if name in ("max", "min", "arbitrary", "any_value", "bool_and", "bool_or", "every"):
        function = "MAX" if name in ("max", "bool_or") else "MIN"
        if argument_kind == "boolean":
            number = fill("CASE WHEN _1 THEN CAST(1 AS BIGINT) WHEN NOT (_1) THEN CAST(0 AS BIGINT) END", [value])
            return Aggregate((Part(function, only(number), "bigint"),), "_1 = 1")
        if argument_kind == "varchar":
            # It orders texts by UTF-16 units, and the sixteens of their bytes in our order.
            sixteens = fill("hex(encode(_1))", [value])
            sixteens.meta.update(sql_type="varchar", called=what, span=node.meta.get("span"))
            return Aggregate((Part(function, only(sixteens), "varchar"),), "decode(unhex(_1))", True)
        if argument_kind in ("bigint", "double", "timestamp", "date"):
            return Aggregate((Part(function, only(value)),))
    if name in _SPREAD and not distinct and isinstance(value, exp.Cast) and kind(value.this) == "bigint":
        # Exact sums of whole numbers: its own VAR_POP and VAR_SAMP round to ten digits.
        number = value.this
        square = fill("_1 * _1", [number])
        parts = (Part("SUM", only(number), "bigint"), Part("SUM", only(square), "bigint"), Part("COUNT", only(number), "bigint"))
        return Aggregate(parts, _SPREAD[name], True)
    if name in _SPREAD:
        raise Refused(f"{what} of doubles", node, why="Beam SQL rounds it to ten digits; whole numbers can be had")
    raise Refused(f"the aggregate {what}", node)


def grouping(keys: list[str], parts: list[tuple[Part, str, str]], rows: str) -> str:
    """The aggregates over ``rows``; with a distinct one in two steps, the first of which leaves each of its values once."""
    distinct = {argument for part, argument, _ in parts if part.distinct}
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    if not distinct:
        items = [*keys, *(f"{part.function}({argument}) AS p{place}" for place, (part, argument, _) in enumerate(parts))]
        return f"SELECT {', '.join(items)} FROM ({rows}) AS g{by}"
    arguments = [part.argument for part, _, _ in parts if part.distinct]
    if any(argument != arguments[0] for argument in arguments):
        raise Refused("DISTINCT of two different values in one select", None, word="distinct")
    value = next(argument for part, argument, _ in parts if part.distinct)
    first = [
        *keys,
        f"{value} AS d",
        *(f"{part.function}({argument}) AS q{place}" for place, (part, argument, _) in enumerate(parts) if not part.distinct),
    ]
    step = f"SELECT {', '.join(first)} FROM ({rows}) AS g GROUP BY {', '.join([*keys, value])}"
    items = list(keys)
    for place, (part, _, _) in enumerate(parts):
        over = "d" if part.distinct else f"q{place}"
        function = "SUM" if part.function == "COUNT" and not part.distinct else part.function
        items.append(f"{function}({over}) AS p{place}")
    return f"SELECT {', '.join(items)} FROM ({step}) AS e{by}"
