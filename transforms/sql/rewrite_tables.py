"""Functions that stand alone in a select list and give a table: ``histogram_u``, ``numeric_histogram_u``, ``series_padding``."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from transforms.sql.functions.model import fill
from transforms.sql.rewrite_series import filled_series, padded
from transforms.sql.translate_context import Context, span_of
from transforms.sql.translate_query import Output
from transforms.sql.types_model import DOUBLE

__all__ = ["rewrite_table_functions"]

Finish = Callable[[Context, exp.Query, list[Output]], tuple[exp.Query, list[Output]]]

_PADS = ("zero", "mean", "forward", "backward")


def rewrite_table_functions(context: Context, query: exp.Expr) -> tuple[exp.Expr, Finish]:
    """The query to translate instead, and what to do with its translation."""
    if not isinstance(query, exp.Select) or len(query.expressions) != 1:
        return query, filled_series
    call = query.expressions[0].unalias()
    if not isinstance(call, exp.Anonymous):
        return query, filled_series
    name = str(call.this).casefold()
    if name == "histogram_u":
        return _histogram(context, query, call), filled_series
    if name == "numeric_histogram_u":
        return _numeric_histogram(context, query, call), filled_series
    if name == "series_padding":
        return _series(context, query, call)
    return query, filled_series


def _only(context: Context, query: exp.Select, call: exp.Anonymous, count: int, form: str) -> None:
    if len(call.expressions) != count:
        raise context.error(call, f"{call.this} takes {count} argument{'s' * (count > 1)}", "InvalidFunctionArgument", f"write {form}")
    if query.args.get("group") or query.args.get("having") or query.args.get("distinct"):
        raise context.error(
            call, f"{call.this} gives a table: it goes without GROUP BY, HAVING and DISTINCT", "NotSupported", "compute that in a subquery"
        )


def _histogram(context: Context, query: exp.Select, call: exp.Anonymous) -> exp.Expr:
    """One row for each value, with its count."""
    _only(context, query, call, 1, "histogram_u(x)")
    [value] = call.expressions
    name = value.name if isinstance(value, exp.Column) else "value"
    out = query.copy()
    counted = exp.Anonymous(this="count", expressions=[exp.Star()])
    out.set("expressions", [exp.alias_(value.copy(), name, quoted=True), exp.alias_(counted, "count", quoted=True)])
    out.set("group", exp.Group(expressions=[exp.Literal.number(1)]))
    if not isinstance(value, exp.Literal):
        present = exp.Not(this=exp.Is(this=exp.Paren(this=value.copy()), expression=exp.Null()))
        where = out.args.get("where")
        out.set("where", exp.Where(this=exp.And(this=exp.Paren(this=where.this), expression=present) if where is not None else present))
    return out


def _numeric_histogram(context: Context, query: exp.Select, call: exp.Anonymous) -> exp.Expr:
    """One row for each bucket: its centre and its weight."""
    _only(context, query, call, 2, "numeric_histogram_u(10, x)")
    inner = query.copy()
    for clause in ("order", "limit", "offset"):
        inner.set(clause, None)
    made = exp.Anonymous(this="numeric_histogram", expressions=[each.copy() for each in call.expressions])
    inner.set("expressions", [exp.alias_(made, "h")])
    if inner.args.get("from_") is None:
        inner.set("from_", exp.From(this=exp.Table(this=exp.to_identifier("log"))))
    out = exp.Select(expressions=[exp.column("x"), exp.column("y")])
    out.set("from_", exp.From(this=exp.Subquery(this=inner)))
    alias = exp.TableAlias(this=exp.to_identifier("t"), columns=[exp.to_identifier("x"), exp.to_identifier("y")])
    out.set("joins", [exp.Join(this=exp.Unnest(expressions=[exp.column("h")], alias=alias))])
    for clause in ("order", "limit", "offset"):
        out.set(clause, query.args.get(clause))
    return out


def _series(context: Context, query: exp.Select, call: exp.Anonymous) -> tuple[exp.Expr, Finish]:
    """One row for each step between the first and the last stamp."""
    _only(context, query, call, 4, "series_padding(stamp, value, 60, 'zero')")
    step, pad = call.expressions[2], call.expressions[3]
    if not isinstance(step, exp.Literal) or step.is_string or not str(step.this).isdigit() or int(step.this) == 0:
        raise context.error(step, "the step of series_padding must be a constant number of seconds", "InvalidFunctionArgument", "write 60")
    if not isinstance(pad, exp.Literal) or str(pad.this) not in _PADS:
        raise context.error(pad, "there is no such pad", "InvalidFunctionArgument", f"pads are {', '.join(_PADS)}")
    seconds, how, span = int(step.this), str(pad.this), span_of(call)
    inner = query.copy()
    inner.set("expressions", [exp.alias_(call.expressions[0].copy(), "stamp"), exp.alias_(call.expressions[1].copy(), "value")])

    def finish(context: Context, tree: exp.Query, outputs: list[Output]) -> tuple[exp.Query, list[Output]]:
        for output in outputs:
            if not output.type.numeric and output.type.name != "unknown":
                raise context.error(
                    span, f"series_padding takes numbers, not {output.type}", "TypeMismatch", "to_unixtime(…) makes seconds of a timestamp"
                )
        # ORDER BY and LIMIT of the statement are about the padded rows.
        limit, offset = tree.args.get("limit"), tree.args.get("offset")
        for clause in ("order", "limit", "offset"):
            tree.set(clause, None)
        value, _ = padded('"value"', how, '"unixtime"', DOUBLE)
        outer = fill(
            '(SELECT "unixtime" AS "unixtime", _1 AS "pad_value" FROM (SELECT UNNEST(generate_series('
            'CAST(min("stamp") AS BIGINT), CAST(max("stamp") AS BIGINT), '
            f'{seconds})) AS "unixtime" FROM "~stamps") AS "~steps" LEFT JOIN "~stamps" ON "stamp" = "unixtime" ORDER BY "unixtime" NULLS LAST)', [value],
        ).unnest()  # fmt: skip
        assert isinstance(outer, exp.Select)
        first = outer.expressions[0]
        first.set("this", fill('CAST("unixtime" AS DOUBLE)', []))
        outer.expressions[1].set("this", fill("CAST(_1 AS DOUBLE)", [outer.expressions[1].this]))
        tables = tree.args.get("with_")
        tree.set("with_", None)
        own = exp.CTE(this=tree, alias=exp.TableAlias(this=exp.Identifier(this="~stamps", quoted=True)))
        outer.set("with_", exp.With(expressions=[*(tables.expressions if tables is not None else ()), own]))
        outer.set("limit", limit)
        outer.set("offset", offset)
        return outer, [Output("unixtime", DOUBLE, outer), Output("pad_value", DOUBLE, outer)]

    return inner, finish
