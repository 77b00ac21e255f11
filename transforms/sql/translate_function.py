"""Function calls: find the signature that fits, bring the arguments to its types, build the engine's expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from transforms.core.suggest import nearest
from transforms.sql.functions import function_names, functions_named
from transforms.sql.functions.aggregates import has_aggregate, mark
from transforms.sql.functions.model import Call, Function, fill
from transforms.sql.functions.unavailable import why_unavailable
from transforms.sql.rewrite_series import translate_time_series
from transforms.sql.translate_cast import coerce
from transforms.sql.translate_context import Context, Span, Typed, name_of, span_of
from transforms.sql.translate_environment import Environment
from transforms.sql.types_model import BIGINT, VARCHAR, Type
from transforms.sql.types_signature import LAMBDA, Bindings

if TYPE_CHECKING:
    from transforms.sql.translate_expression import ExpressionTranslator

__all__ = ["FunctionTranslator"]

_ENGINE_AGGREGATES = {
    "count", "sum", "avg", "max", "min", "arg_max_null", "arg_min_null", "any_value", "bool_and", "bool_or", "bit_and", "bit_or", "bit_xor", "list",
    "histogram", "approx_count_distinct", "quantile_disc", "corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "stddev_samp",
    "stddev_pop", "var_samp", "var_pop", "kurtosis", "skewness", "entropy", "max_by", "min_by",
    "row_number", "rank", "dense_rank", "cume_dist", "percent_rank", "ntile", "lag", "lead", "first_value", "last_value", "nth_value",
}  # fmt: skip
_RANKING = {"row_number", "rank", "dense_rank", "cume_dist", "percent_rank", "ntile", "lag", "lead"}


class FunctionTranslator:
    """Translates calls."""

    def __init__(self, context: Context, expressions: ExpressionTranslator) -> None:
        self.context = context
        self.expressions = expressions

    def call(self, node: exp.Anonymous, env: Environment, span: Span | None = None) -> Typed:
        """A plain call."""
        return self._translate(node, env, span=span)[0]

    def filtered(self, node: exp.Filter, env: Environment) -> Typed:
        """``f(x) FILTER (WHERE …)``."""
        if not isinstance(node.this, exp.Anonymous):
            raise self.context.error(node, "FILTER belongs to an aggregate function", "SyntaxError")
        return self._translate(node.this, env, condition=node.expression.this)[0]

    def over(self, node: exp.Window, env: Environment) -> Typed:
        """``f(x) OVER (…)``."""
        inner, condition, nulls = node.this, None, None
        if isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls)):
            nulls, inner = type(inner), inner.this
        if isinstance(inner, exp.Filter):
            condition, inner = inner.expression.this, inner.this
        if not isinstance(inner, exp.Anonymous):
            raise self.context.error(node, "OVER belongs to an aggregate or window function", "SyntaxError")
        if env.clause not in ("SELECT", "ORDER BY"):
            raise self.context.error(
                node, f"window functions are not possible in {env.clause}", "NotSupported", "compute it in a subquery first"
            )
        value, function = self._translate(inner, env, condition=condition, windowed=True)
        if function is None or function.kind == "scalar":
            raise self.context.error(inner, f"{inner.name} is neither an aggregate nor a window function", "NotSupported")
        value.sql.meta.pop("aggregate", None)
        skipping = (exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead)
        found: list[exp.Expr] = list(value.sql.find_all(*skipping, exp.Anonymous))
        calls: list[exp.Expr] = [each for each in found if isinstance(each, skipping) or str(each.this).casefold() in _ENGINE_AGGREGATES][
            :1
        ]
        if not calls:
            raise self.context.error(inner, f"{inner.name} cannot be used with OVER", "NotSupported")
        target: exp.Expr = calls[0]
        if nulls is not None and not isinstance(target, skipping):
            raise self.context.error(
                node, f"{inner.name} does not take IGNORE NULLS", "NotSupported", "first_value, last_value, nth_value, lag, lead do"
            )
        if isinstance(target.parent, exp.Filter):
            target = target.parent
        spec = node.args.get("spec")
        if spec is not None and function.signature.name in _RANKING:
            raise self.context.error(node, f"{function.signature.name} takes no frame", "NotSupported", "remove rows/range …")
        order = node.args.get("order")
        plain = exp.Window(
            this=nulls(this=target.copy()) if nulls is not None else target.copy(),
            partition_by=[self.expressions.full(item, env).sql for item in node.args.get("partition_by") or ()],
            order=self._order(order, env) if order is not None else None,
            spec=self._frame(spec, env) if spec is not None else None,
            over="OVER",
        )
        if target is value.sql:
            return Typed(plain, value.type)
        target.replace(plain)
        return Typed(value.sql, value.type)

    def _order(self, order: exp.Expr, env: Environment) -> exp.Order:
        terms = [
            exp.Ordered(
                this=self.expressions.full(term.this, env).sql,
                desc=bool(term.args.get("desc")),
                nulls_first=bool(term.args.get("nulls_first")),
            )
            for term in order.expressions
        ]
        return exp.Order(expressions=terms)

    def _frame(self, spec: exp.Expr, env: Environment) -> exp.WindowSpec:
        args = dict(spec.args)
        for side in ("start", "end"):
            if isinstance(args.get(side), exp.Expr):
                if not args.get(f"{side}_side"):
                    raise self.context.error(
                        args[side], "a bound of a frame needs a direction", "SyntaxError", "write 1 preceding or 1 following"
                    )
                args[side] = self.expressions.value(args[side], env).sql
        return exp.WindowSpec(**args)

    def _translate(
        self, node: exp.Anonymous, env: Environment, *, condition: exp.Expr | None = None, windowed: bool = False, span: Span | None = None
    ) -> tuple[Typed, Function | None]:
        name = str(node.this)
        span = span or span_of(node)
        given = list(node.expressions)
        special = getattr(self, f"_call_{name.casefold()}", None)
        if special is not None and condition is None:
            return special(node, given, env), None
        group = functions_named(name)
        if not group:
            raise self._unknown(node, name)
        is_aggregate = any(function.kind == "aggregate" for function in group)
        if is_aggregate and not windowed and not env.aggregates:
            where = env.clause
            hint = "filter groups with HAVING" if where == "WHERE" else "compute it in a subquery first"
            raise self.context.error(span, f"the aggregate function {name} is not possible in {where}", "AggregateNotAllowed", hint)
        if condition is not None and not is_aggregate:
            raise self.context.error(span, f"FILTER belongs to an aggregate function, {name} is none", "SyntaxError")
        if all(function.kind == "window" for function in group) and not windowed:
            raise self.context.error(span, f"the window function {name} needs OVER", "SyntaxError", f"write {name}(…) over (order by …)")
        inside = env.inner(aggregates=False, clause=f"the arguments of {name}") if is_aggregate and not windowed else env

        distinct, order = False, None
        if len(given) == 1 and isinstance(given[0], exp.Distinct):
            distinct, given = True, list(given[0].expressions)
        if given and isinstance(given[-1], exp.Order):
            order = given[-1]
            given[-1] = order.this
        if given and isinstance(given[0], exp.Distinct):
            distinct, given = True, list(given[0].expressions)
        if len(given) == 1 and isinstance(given[0], exp.Star):
            if name.casefold() != "count" or distinct:
                raise self.context.error(
                    span, f"{name}(*) makes no sense: only count(*) does", "InvalidFunctionArgument", f"write {name}(column)"
                )
            given = []
        if len(given) == 1 and isinstance(given[0], exp.Literal) and name.casefold() == "count" and not distinct:
            given = []  # count(1) counts rows, and the engine is quicker when it is told so
        if (distinct or order is not None) and not is_aggregate:
            raise self.context.error(span, f"DISTINCT and ORDER BY belong to aggregate functions, {name} is none", "SyntaxError")
        if distinct and not given:
            raise self.context.error(span, f"{name}(distinct) needs a column", "InvalidFunctionArgument", f"write {name}(distinct column)")
        if distinct and name.casefold() == "count" and len(given) > 1:
            given = [exp.Tuple(expressions=[each.copy() for each in given])]

        function, call = self._match(name, group, given, inside, span)
        tree = function.build(call)
        tree.meta["called"] = name
        partials: tuple[exp.Expr, ...] = ()
        if function.kind == "aggregate":
            where_tree = self.expressions.condition(condition, inside, "the condition of FILTER").sql if condition is not None else None
            if function.partials and not distinct and order is None and not windowed:
                partials = tuple(fill(each, [arg.sql for arg in call.args]) for each in function.partials)
            if distinct:
                self._engine_calls(tree, self._distinct)
            if order is not None:
                ordered = self._order(order, inside)
                for each in [each for each in tree.find_all(exp.Anonymous) if str(each.this).casefold() in _ENGINE_AGGREGATES][:1]:
                    last = each.expressions[-1]
                    each.set(
                        "expressions",
                        [*each.expressions[:-1], exp.Order(this=last.copy(), expressions=[t.copy() for t in ordered.expressions])],
                    )
            if where_tree is not None:
                tree = self._only_where(tree, where_tree)
                partials = tuple(self._only_where(each, where_tree) for each in partials)
            if not windowed:
                mark(tree, function, partials)
        return Typed(tree, call.result, span), function

    def _engine_calls(self, tree: exp.Expr, change: object) -> None:
        for each in list(tree.find_all(exp.Anonymous)):
            if str(each.this).casefold() in _ENGINE_AGGREGATES:
                change(each)  # type: ignore[operator]

    @staticmethod
    def _distinct(call: exp.Expr) -> None:
        call.set("expressions", [exp.Distinct(expressions=[each.copy() for each in call.expressions])])

    @staticmethod
    def _only_where(tree: exp.Expr, condition: exp.Expr) -> exp.Expr:
        """Every engine aggregate in ``tree`` sees only rows that meet ``condition``."""
        for each in list(tree.find_all(exp.Anonymous)):
            if str(each.this).casefold() not in _ENGINE_AGGREGATES:
                continue
            if isinstance(each.parent, exp.Filter):
                old = each.parent.expression.this
                each.parent.set(
                    "expression", exp.Where(this=exp.And(this=exp.Paren(this=old.copy()), expression=exp.Paren(this=condition.copy())))
                )
                continue
            narrowed = exp.Filter(this=each.copy(), expression=exp.Where(this=condition.copy()))
            if each is tree:
                tree = narrowed
            else:
                each.replace(narrowed)
        return tree

    def _match(
        self, name: str, group: tuple[Function, ...], given: list[exp.Expr], env: Environment, span: Span | None
    ) -> tuple[Function, Call]:
        """The cheapest signature that takes these arguments."""
        counted = [function for function in group if function.signature.accepts_count(len(given))]
        if not counted:
            forms = ", ".join(sorted({str(function.signature) for function in group}))
            raise self.context.error(
                span, f"{name} does not take {len(given)} argument{'s' * (len(given) != 1)}", "InvalidFunctionArgument", f"write {forms}"
            )
        plain = [None if isinstance(each, exp.Lambda) else self.expressions.full(each, env) for each in given]
        best: tuple[Function, Bindings, list[Typed]] | None = None
        for function in counted:
            bindings = Bindings()
            if not all(value is None or bindings.accept(function.signature.param(place), value.type) for place, value in enumerate(plain)):
                continue
            if any((value is None) != (function.signature.param(place).name == LAMBDA) for place, value in enumerate(plain)):
                continue
            if best is None or bindings.cost < best[1].cost:
                values = self._lambdas(function, given, plain, bindings, env)
                if values is not None:
                    best = (function, bindings, values)
        if best is None:
            types = ", ".join("function" if value is None else str(value.type) for value in plain)
            forms = ", ".join(sorted({str(function.signature) for function in counted}))
            hint = f"it takes {forms}"
            if any(value is not None and value.type == VARCHAR for value in plain):
                hint += "; text and numbers are not converted by themselves, cast them"
            raise self.context.error(span, f"{name} cannot be applied to ({types})", "TypeMismatch", hint)
        function, bindings, values = best
        result = bindings.fill(function.signature.result)
        args = []
        # A function of one timestamp works in the zone that timestamp shows.
        own_zone = sum(param.name == "timestamp" for param in function.signature.params) == 1
        for place, value in enumerate(values):
            param = function.signature.param(place)
            if own_zone and param.name == value.type.name == "timestamp" and value.type.zone:
                args.append(value)
                result = value.type if result.name == "timestamp" else result
                continue
            wanted = bindings.fill(param)
            args.append(value if param.name in (LAMBDA, "numeric") else coerce(self.context, value, wanted))
        return function, Call(name, args, result, span, self.context)

    def _lambdas(
        self, function: Function, given: list[exp.Expr], plain: list[Typed | None], bindings: Bindings, env: Environment
    ) -> list[Typed] | None:
        values: list[Typed] = []
        for place, (node, value) in enumerate(zip(given, plain, strict=True)):
            if value is not None:
                values.append(value)
                continue
            *takes, gives = function.signature.param(place).args
            names = [name_of(each) for each in node.expressions]
            if len(names) != len(takes):
                return None
            variables = dict(env.variables)
            for each, kind in zip(names, takes, strict=True):
                variables[each.casefold()] = Typed(
                    exp.Column(this=exp.Identifier(this=f"~{each.casefold()}", quoted=True)), bindings.fill(kind)
                )
            body = self.expressions.full(node.this, env.inner(variables=variables, aggregates=False, clause="a lambda"))
            if not bindings.accept(gives, body.type):
                raise self.context.error(node, f"this lambda must give {bindings.fill(gives)}, not {body.type}", "TypeMismatch")
            tree = exp.Lambda(
                this=body.sql, expressions=[exp.Identifier(this=f"~{each.casefold()}", quoted=True) for each in names], colon=True
            )
            values.append(Typed(tree, Type(LAMBDA, (*map(bindings.fill, takes), body.type)), span_of(node)))
        return values

    def _unknown(self, node: exp.Expr, name: str) -> Exception:
        reason = why_unavailable(name)
        if reason is not None:
            return self.context.error(node, f"Function {name} is not available: {reason}", "FunctionNotFound")
        near = nearest(name, function_names())
        return self.context.error(node, f"Function {name} not registered", "FunctionNotFound", f"did you mean {near}?" if near else
                                  "functions are listed with `logsluice functions`")  # fmt: skip

    # calls that are more than a signature

    def _call_time_series(self, node: exp.Expr, given: list[exp.Expr], env: Environment) -> Typed:
        return translate_time_series(self.context, node, [self.expressions.full(each, env) for each in given], env)

    def _call_try(self, node: exp.Expr, given: list[exp.Expr], env: Environment) -> Typed:
        if len(given) != 1:
            raise self.context.error(node, "try takes one expression", "InvalidFunctionArgument")
        self.context.trying += 1
        try:
            value = self.expressions.full(given[0], env)
        finally:
            self.context.trying -= 1
        if has_aggregate(value.sql):
            raise self.context.error(node, "try takes no aggregate", "NotSupported", "put try inside: sum(try(…))")
        return Typed(fill("try(_1)", [value.sql]), value.type)

    def _call_typeof(self, node: exp.Expr, given: list[exp.Expr], env: Environment) -> Typed:
        if len(given) != 1:
            raise self.context.error(node, "typeof takes one expression", "InvalidFunctionArgument")
        value = self.expressions.full(given[0], env)
        return Typed(exp.Literal.string(str(value.type)), VARCHAR, None, str(value.type))

    def _call_row(self, _node: exp.Expr, given: list[exp.Expr], env: Environment) -> Typed:
        return self.expressions.full(exp.Tuple(expressions=[each.copy() for each in given]), env)

    def _call_grouping(self, node: exp.Expr, given: list[exp.Expr], env: Environment) -> Typed:
        if not given or env.clause not in ("SELECT", "HAVING", "ORDER BY"):
            raise self.context.error(node, "grouping takes columns of GROUP BY", "InvalidFunctionArgument")
        tree = exp.Anonymous(this="grouping", expressions=[self.expressions.full(each, env).sql for each in given])
        tree.meta["aggregate"] = "grouping"
        return Typed(tree, BIGINT)

    def _call_unnest(self, node: exp.Expr, _given: list[exp.Expr], _env: Environment) -> Typed:
        raise self.context.error(node, "unnest stands in FROM", "NotSupported", "write from log, unnest(x) as t(a)")
