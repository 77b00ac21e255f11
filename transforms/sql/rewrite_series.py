"""Series without gaps: ``time_series`` fills the buckets that no log falls into, ``series_padding`` the missing steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from transforms.sql.functions.model import Call, fill
from transforms.sql.functions.time import engine_format, local_from_us, us_from_local
from transforms.sql.translate_context import Context, Span, Typed, offset_seconds, span_of, text
from transforms.sql.types_model import BIGINT, DOUBLE, VARCHAR, Type

if TYPE_CHECKING:
    from transforms.sql.translate_environment import Environment
    from transforms.sql.translate_query import Output

__all__ = ["Series", "filled_series", "padded", "translate_time_series"]

_WINDOW = re.compile(r"^\s*(\d+)\s*([smhd])\s*$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PADS = ("0", "null", "last", "next", "avg")


@dataclass(frozen=True)
class Series:
    """A ``time_series`` call: its step in seconds, the engine format of its labels, its pad, the offset its buckets are aligned by."""

    step: int
    format: str
    pad: str
    offset: int
    span: Span | None
    level: int


def translate_time_series(context: Context, node: exp.Expr, args: list[Typed], env: Environment) -> Typed:
    """The start of the bucket, Unix seconds; the series is filled when the query is whole."""
    call = Call("time_series", args, VARCHAR, span_of(node), context)
    if len(args) != 4:
        raise call.error(None, "time_series takes a time, a window, a format and a pad", "write time_series(__time__, '5m', '%H:%i', '0')")
    window = _WINDOW.match(str(call.constant(1, "the window")))
    if window is None or int(window[1]) == 0:
        raise call.error(1, "the window must be like 30s, 5m, 2h or 3d")
    pad = str(call.constant(3, "the pad")).casefold()
    if pad not in _PADS:
        raise call.error(3, f"there is no pad '{pad}'", f"pads are {', '.join(_PADS)}")
    labels = engine_format(call, 2)
    step = int(window[1]) * _SECONDS[window[2]]
    offset = offset_seconds(context.scope.time_zone)
    # With a zone that changes its clocks, buckets are aligned to UTC.
    series = Series(step, labels, pad, offset or 0, call.span, env.level)
    if context.series not in (None, series):
        raise call.error(None, "a statement holds one time_series")
    context.series = series
    if args[0].type.name == "timestamp":
        seconds = fill("_1 // 1000000", [us_from_local(call, args[0])])
    elif args[0].type == BIGINT:
        seconds = args[0].sql
    else:
        raise call.error(0, f"time_series takes seconds or a timestamp, not {args[0].type}")
    tree = fill(f"_1 - (_1 + {series.offset}) % {step}", [seconds])
    tree.meta["time_series"] = True
    return Typed(tree, BIGINT)


def filled_series(context: Context, tree: exp.Query, outputs: list[Output]) -> tuple[exp.Query, list[Output]]:
    """The query with a row for each bucket of the requested range."""
    series = context.series
    if series is None:
        return tree, outputs
    places = [place for place, output in enumerate(outputs) if output.tree.meta.get("time_series")]
    group = tree.args.get("group")
    if len(places) != 1 or not isinstance(tree, exp.Select) or group is None or len(group.expressions) != 1 or any(
        group.args.get(key) for key in ("rollup", "cube", "grouping_sets")
    ):  # fmt: skip
        raise context.error(series.span, "time_series must be the one and only GROUP BY of the outermost select", "NotSupported",
                            "write select time_series(…) as time, count(1) as c group by time order by time")  # fmt: skip
    order = tree.args.get("order")
    if order is not None and any(term.args.get("desc") for term in order.expressions):
        raise context.error(series.span, "a time_series can only be sorted ascending", "NotSupported", "remove desc")
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    for clause in ("order", "limit", "offset"):
        tree.set(clause, None)
    scope, step = context.scope, series.step
    tree.set(
        "expressions",
        [exp.Alias(this=each.this, alias=exp.Identifier(this=f"~v{place}", quoted=True)) for place, each in enumerate(tree.expressions)],
    )
    at = f'"~v{places[0]}"'
    low = (
        f"{scope.interval.start - (scope.interval.start + series.offset) % step}"
        if scope.interval.has_start
        else f'(SELECT min({at}) FROM "~groups")'
    )
    high = f"{scope.interval.end - 1}" if scope.interval.has_end else f'(SELECT max({at}) FROM "~groups")'
    call = Call("time_series", [], VARCHAR, series.span, context)
    label = fill("strftime(_1, _2)", [local_from_us(call, fill('"~b" * 1000000', [])), text(series.format)])
    items: list[exp.Expr] = []
    from transforms.sql.translate_query import Output as Column

    described: list[Output] = []
    for place, output in enumerate(outputs):
        if place == places[0]:
            items.append(label.copy())
            described.append(Column(output.name, VARCHAR, label))
            continue
        value, kind = padded(f'"~v{place}"', series.pad, '"~b"', output.type)
        items.append(value)
        described.append(Column(output.name, kind, value))
    template = (
        f'(SELECT _1 FROM (SELECT UNNEST(generate_series(CAST({low} AS BIGINT), CAST({high} AS BIGINT), {step})) AS "~b") AS "~buckets" '
        f'LEFT JOIN "~groups" ON "~groups".{at} = "~b" ORDER BY "~b" NULLS LAST)'
    )
    outer = fill(template, [exp.Null()]).unnest()
    assert isinstance(outer, exp.Select)
    outer.set(
        "expressions",
        [exp.Alias(this=item, alias=exp.Identifier(this=output.name, quoted=True)) for item, output in zip(items, described, strict=True)],
    )
    tables = tree.args.get("with_")
    tree.set("with_", None)
    own = exp.CTE(this=tree, alias=exp.TableAlias(this=exp.Identifier(this="~groups", quoted=True)))
    outer.set("with_", exp.With(expressions=[*(tables.expressions if tables is not None else ()), own]))
    outer.set("limit", limit)
    outer.set("offset", offset)
    return outer, described


def padded(value: str, pad: str, order: str, kind: Type) -> tuple[exp.Expr, Type]:
    """A value column with its gaps filled."""
    last = f"last_value({value} IGNORE NULLS) OVER (ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    after = f"first_value({value} IGNORE NULLS) OVER (ORDER BY {order} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
    if pad in ("0", "zero") and kind.numeric:
        return fill(f"coalesce({value}, 0)", []), kind
    if pad in ("last", "forward"):
        return fill(f"coalesce({value}, {last})", []), kind
    if pad in ("next", "backward"):
        return fill(f"coalesce({value}, {after})", []), kind
    if pad in ("avg", "mean") and kind.numeric:
        return fill(f"coalesce(CAST({value} AS DOUBLE), (CAST({last} AS DOUBLE) + CAST({after} AS DOUBLE)) / 2)", []), DOUBLE
    return fill(value, []), kind
