"""Expressions: each parsed node becomes the engine's tree and a type, or a located error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from transforms.sql.functions.model import fill
from transforms.sql.translate_cast import cast_to, coerce, common, target_type, timestamp_literal
from transforms.sql.translate_context import NOT_CONSTANT, Context, Typed, boxed, number, span_of, text
from transforms.sql.translate_environment import Environment
from transforms.sql.translate_function import FunctionTranslator
from transforms.sql.translate_parts import at_time_zone, interval, member, subscript
from transforms.sql.types_model import BIGINT, BOOLEAN, DATE, DOUBLE, INTERVAL, TIMESTAMP, UNKNOWN, VARCHAR, Type, array_of, common_type

if TYPE_CHECKING:
    from transforms.sql.translate_query import QueryTranslator

__all__ = ["ExpressionTranslator"]

_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
                exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM"}  # fmt: skip
_BARE = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_timezone"}
_UNORDERED = ("map", "json", "interval")


class ExpressionTranslator:
    """Translates expressions; subqueries go to the query translator, calls to the function translator."""

    def __init__(self, context: Context, queries: QueryTranslator) -> None:
        self.context = context
        self.queries = queries
        self.functions = FunctionTranslator(context, self)
        self._by_class: dict[type[exp.Expr], Callable[[Any, Environment], Typed]] = {
            exp.Literal: self._literal, exp.Boolean: self._boolean, exp.Null: self._null, exp.Neg: self._negative,
            exp.Column: self._column, exp.Identifier: self._variable, exp.Paren: self._paren, exp.Alias: self._alias,
            exp.And: self._logical, exp.Or: self._logical, exp.Not: self._not, exp.Is: self._is, exp.In: self._in,
            exp.Between: self._between, exp.Like: self._like, exp.Escape: self._like, exp.Case: self._case, exp.If: self._if,
            exp.Cast: self._cast, exp.TryCast: self._cast, exp.Extract: self._extract, exp.StrPosition: self._position,
            exp.Tuple: self._row, exp.Array: self._array, exp.Bracket: self._subscript, exp.Dot: self._member, exp.Interval: self._interval,
            exp.AtTimeZone: self._at_time_zone, exp.DPipe: self._concat, exp.Exists: self._exists, exp.Subquery: self._subquery,
            exp.Anonymous: self.functions.call, exp.Window: self.functions.over, exp.Filter: self.functions.filtered,
        }  # fmt: skip
        self._by_class.update(dict.fromkeys(_ARITHMETIC, self._arithmetic))
        self._by_class.update(dict.fromkeys(_COMPARISONS, self._comparison))

    def value(self, node: exp.Expr, env: Environment) -> Typed:
        """Translate; integer literals stay bare."""
        method = self._by_class.get(type(node))
        if method is None:
            what = type(node).__name__.upper() if not isinstance(node, exp.Star) else "'*'"
            raise self.context.error(node, f"{what} is not supported here", "NotSupported")
        out = method(node, env)
        if out.span is None:
            out.span = span_of(node)
        # Other engines are told by the tree alone (`beam_sql`).
        out.sql.meta.update(sql_type=str(out.type), span=out.span)
        if isinstance(node, exp.Cast):
            out.sql.meta.setdefault("called", "try_cast" if isinstance(node, exp.TryCast) else "cast")
        return out

    def full(self, node: exp.Expr, env: Environment) -> Typed:
        """Translate; integers are 64-bit."""
        return self.value(node, env).full()

    def condition(self, node: exp.Expr, env: Environment, clause: str) -> Typed:
        """Translate something that must be boolean."""
        out = self.value(node, env)
        if out.type.name not in ("boolean", "unknown"):
            raise self.context.error(node, f"{clause} must be boolean, not {out.type}", "TypeMismatch", "compare it with something")
        return out

    # leaves

    def _literal(self, node: exp.Literal, _env: Environment) -> Typed:
        if node.is_string:
            return Typed(text(str(node.this)), VARCHAR, None, str(node.this))
        written = str(node.this)
        if written.isdigit():
            value = int(written)
            if value > 2**63 - 1:
                raise self.context.error(
                    node, f"the number {written} is larger than a bigint", "InvalidLiteral", f"write {written}.0 for a double"
                )
            return Typed(number(written), BIGINT, None, value, narrow=value < 2**31)
        try:
            parsed = float(written)
        except ValueError as error:
            raise self.context.error(node, f"'{written}' is no number", "InvalidLiteral") from error
        return Typed(number(written if "e" in written.casefold() else f"{written}e0"), DOUBLE, None, parsed)

    def _boolean(self, node: exp.Boolean, _env: Environment) -> Typed:
        return Typed(exp.Boolean(this=node.this), BOOLEAN, None, bool(node.this))

    def _null(self, _node: exp.Null, _env: Environment) -> Typed:
        return Typed(exp.Null(), UNKNOWN, None, None)

    def _negative(self, node: exp.Neg, env: Environment) -> Typed:
        inner = node.this
        if isinstance(inner, exp.Literal) and not inner.is_string and str(inner.this) == str(2**63):
            return Typed(exp.Cast(this=number(f"-{2**63}"), to=exp.DataType.build("BIGINT", dialect="duckdb")), BIGINT, None, -(2**63))
        value = self.value(inner, env)
        if not value.type.numeric and value.type.name not in ("unknown", "interval"):
            raise self.context.error(node, f"'-' cannot be applied to {value.type}", "TypeMismatch", "cast it to a number first")
        constant = -value.constant if isinstance(value.constant, (int, float)) else NOT_CONSTANT
        return Typed(exp.Neg(this=boxed(value.sql)), value.type, None, constant, value.narrow)

    def _column(self, node: exp.Column, env: Environment) -> Typed:
        if isinstance(node.this, exp.Star):
            raise self.context.error(node, "'*' is not supported here", "NotSupported")
        if node.args.get("db") is not None or node.args.get("catalog") is not None:
            raise self.context.error(node, "a column is written name or table.name", "ColumnNotResolved", 'quote names with dots: "a.b"')
        bare = node.args.get("table") is None and not node.this.quoted
        if bare and node.name.casefold() in _BARE and not any(relation.find(node.name) for relation, _ in env.fields_in_reach()):
            return self.functions.call(exp.Anonymous(this=node.name), env)
        return env.resolve(node)

    def _variable(self, node: exp.Identifier, env: Environment) -> Typed:
        return env.resolve(exp.Column(this=node))

    def _paren(self, node: exp.Paren, env: Environment) -> Typed:
        inner = self.value(node.this, env)
        return Typed(exp.Paren(this=inner.sql), inner.type, None, inner.constant, inner.narrow)

    def _alias(self, node: exp.Alias, _env: Environment) -> Typed:
        raise self.context.error(node, f"an alias ({node.alias}) is only possible in the select list and in FROM", "SyntaxError")

    # operators

    def _arithmetic(self, node: exp.Binary, env: Environment) -> Typed:
        sign = _ARITHMETIC[type(node)]
        left, right = self.value(node.this, env), self.value(node.expression, env)
        moved = self._move(node, sign, left, right)
        if moved is not None:
            return moved
        both = common_type(left.type, right.type)
        if both is None or not (both.numeric or both.name == "unknown"):
            raise self._no_operator(node, sign, left.type, right.type)
        if left.narrow and right.narrow:
            left = left.full()
        if both.name in ("double", "decimal"):
            left, right = coerce(self.context, left, both), coerce(self.context, right, both)
        kind: type[exp.Expr] = type(node)
        if kind is exp.Div and both.name == "bigint":
            kind = exp.IntDiv
        if kind is exp.Div and both.name == "unknown":
            both = DOUBLE
        return Typed(kind(this=boxed_left(left.sql, kind), expression=boxed_right(right.sql)), both)

    def _move(self, node: exp.Expr, sign: str, left: Typed, right: Typed) -> Typed | None:
        """Arithmetic with dates, timestamps and intervals."""
        names = (left.type.name, right.type.name)
        if sign in "+-" and names[0] in ("timestamp", "date", "time") and names[1] == "interval":
            out = fill(f"_1 {sign} _2", [left.sql, right.sql])
            return Typed(fill("CAST(_1 AS DATE)", [out]) if left.type == DATE else out, left.type)
        if sign == "+" and names[0] == "interval" and names[1] in ("timestamp", "date", "time"):
            return self._move(node, sign, right, left)
        if sign in "+-" and names == ("interval", "interval"):
            return Typed(fill(f"_1 {sign} _2", [left.sql, right.sql]), INTERVAL)
        if sign == "*" and set(names) == {"interval", "bigint"}:
            return Typed(fill("_1 * _2", [left.full().sql, right.full().sql]), INTERVAL)
        if sign == "-" and names[0] in ("timestamp", "date") and names[1] in ("timestamp", "date"):
            one, other = coerce(self.context, left, TIMESTAMP), coerce(self.context, right, TIMESTAMP)
            return Typed(fill("_1 - _2", [one.sql, other.sql]), INTERVAL)
        return None

    def _no_operator(self, node: exp.Expr, sign: str, left: Type, right: Type) -> Exception:
        if "varchar" in (left.name, right.name) and (left.numeric or right.numeric):
            wanted = left if left.numeric else right
            hint = f"text and numbers are not converted by themselves: cast one side, for example cast(… as {wanted}), or quote the number"
        elif "varchar" in (left.name, right.name) and {"timestamp", "date"} & {left.name, right.name}:
            hint = "write timestamp '2020-06-17 14:07:47', or convert the text with date_parse"
        elif {"timestamp", "date"} & {left.name, right.name}:
            hint = "to_unixtime(…) gives seconds, from_unixtime(…) a timestamp; interval '1' day moves a timestamp"
        else:
            hint = "cast one side"
        return self.context.error(node, f"'{sign}' cannot be applied to {left}, {right}", "TypeMismatch", hint)

    def _comparison(self, node: exp.Binary, env: Environment) -> Typed:
        sign = _COMPARISONS[type(node)]
        left = self.value(node.this, env)
        if isinstance(node.expression, (exp.All, exp.Any)):
            return self._quantified(node, sign, left.full(), env)
        right = self.value(node.expression, env)
        left, right = self.comparable(node, sign, left, right)
        return Typed(type(node)(this=boxed(left.sql), expression=boxed(right.sql)), BOOLEAN)

    def comparable(self, node: exp.Expr, sign: str, left: Typed, right: Typed) -> tuple[Typed, Typed]:
        """Two sides of a comparison, brought to one type; raises when they have none."""
        both = common_type(left.type, right.type)
        if both is None or (sign in ("<", "<=", ">", ">=") and both.name in _UNORDERED):
            raise self._no_operator(node, sign, left.type, right.type)
        if both.numeric or both.name == "timestamp":
            # A bare integer next to a typed number needs no cast.
            keep_left, keep_right = left.type == both and left.narrow, right.type == both and right.narrow
            left = left if keep_left else coerce(self.context, left, both)
            right = right if keep_right else coerce(self.context, right, both)
        return left, right

    def _quantified(self, node: exp.Binary, sign: str, left: Typed, env: Environment) -> Typed:
        quantifier = node.expression
        query = quantifier.this.unnest() if isinstance(quantifier.this, (exp.Paren, exp.Subquery)) else quantifier.this
        if not isinstance(query, exp.Query):
            raise self.context.error(node, "ANY, SOME and ALL take a subquery", "SyntaxError")
        tree, result = self.queries.one_column(query, env)
        if common_type(left.type, result) is None:
            raise self._no_operator(node, sign, left.type, result)
        kind = exp.All if isinstance(quantifier, exp.All) else exp.Any
        return Typed(type(node)(this=boxed(left.sql), expression=kind(this=exp.Subquery(this=tree))), BOOLEAN)

    def _logical(self, node: exp.Binary, env: Environment) -> Typed:
        word = "AND" if isinstance(node, exp.And) else "OR"
        sides = []
        for side in (node.this, node.expression):
            value = self.value(side, env)
            if value.type.name not in ("boolean", "unknown"):
                raise self.context.error(side, f"{word} needs boolean, not {value.type}", "TypeMismatch", "compare it with something")
            sides.append(value.sql)
        return Typed(type(node)(this=sides[0], expression=sides[1]), BOOLEAN)

    def _not(self, node: exp.Not, env: Environment) -> Typed:
        inner = self.condition(node.this, env, "the operand of NOT")
        return Typed(exp.Not(this=inner.sql if isinstance(inner.sql, (exp.Paren, exp.Column)) else exp.Paren(this=inner.sql)), BOOLEAN)

    def _is(self, node: exp.Is, env: Environment) -> Typed:
        value = self.full(node.this, env)
        if isinstance(node.expression, exp.Boolean):
            if value.type.name not in ("boolean", "unknown"):
                raise self.context.error(node, f"IS TRUE needs boolean, not {value.type}", "TypeMismatch")
            return Typed(exp.Is(this=boxed(value.sql), expression=exp.Boolean(this=node.expression.this)), BOOLEAN)
        if not isinstance(node.expression, exp.Null):
            raise self.context.error(node, "IS is followed by NULL, TRUE or FALSE", "SyntaxError")
        return Typed(exp.Is(this=boxed(value.sql), expression=exp.Null()), BOOLEAN)

    def _in(self, node: exp.In, env: Environment) -> Typed:
        left = self.full(node.this, env)
        query = node.args.get("query")
        if query is not None:
            inner = query.unnest() if isinstance(query, exp.Subquery) else query
            tree, result = self.queries.one_column(inner, env)
            if common_type(left.type, result) is None:
                raise self._no_operator(node, "in", left.type, result)
            return Typed(exp.In(this=boxed(left.sql), query=exp.Subquery(this=tree)), BOOLEAN)
        if not node.expressions:
            raise self.context.error(node, "IN needs a list or a subquery", "SyntaxError", "write x in (1, 2)")
        items = []
        for item in node.expressions:
            value = self.value(item, env)
            if common_type(left.type, value.type) is None:
                raise self._no_operator(item, "in", left.type, value.type)
            items.append(value)
        both = left.type
        for item in items:
            both = common_type(both, item.type) or both
        left = coerce(self.context, left, both)
        sides = [item if item.narrow and both == BIGINT else coerce(self.context, item, both) for item in items]
        return Typed(exp.In(this=boxed(left.sql), expressions=[side.sql for side in sides]), BOOLEAN)

    def _between(self, node: exp.Between, env: Environment) -> Typed:
        value = self.value(node.this, env)
        bounds = []
        for part in (node.args["low"], node.args["high"]):
            bound = self.value(part, env)
            if common_type(value.type, bound.type) is None:
                raise self._no_operator(part, "between", value.type, bound.type)
            bounds.append(bound)
        (value, low, high), _ = common(self.context, [value, *bounds], span_of(node), "the parts of BETWEEN")
        return Typed(exp.Between(this=boxed(value.sql), low=boxed(low.sql), high=boxed(high.sql)), BOOLEAN)

    def _like(self, node: exp.Expr, env: Environment) -> Typed:
        like, escape = (node.this, node.args["expression"]) if isinstance(node, exp.Escape) else (node, None)
        if not isinstance(like, exp.Like):
            raise self.context.error(node, "ESCAPE belongs to LIKE", "SyntaxError")
        sides = []
        for side in (like.this, like.expression):
            value = self.value(side, env)
            if value.type.name not in ("varchar", "unknown"):
                raise self.context.error(side, f"'like' cannot be applied to {value.type}", "TypeMismatch", "cast it to varchar first")
            sides.append(boxed(value.sql))
        out: exp.Expr = exp.Like(this=sides[0], expression=sides[1])
        if escape is not None:
            mark = self.value(escape, env)
            if not isinstance(mark.constant, str) or len(mark.constant) != 1:
                raise self.context.error(escape, "ESCAPE takes one character", "InvalidLiteral", "write escape '\\'")
            out = exp.Escape(this=out, expression=mark.sql)
        # The parser keeps the NOT of ``x not like y`` on the LIKE.
        return Typed(exp.Not(this=exp.Paren(this=out)) if like.args.get("negate") else out, BOOLEAN)

    def _concat(self, node: exp.DPipe, env: Environment) -> Typed:
        left, right = self.full(node.this, env), self.full(node.expression, env)
        both = common_type(left.type, right.type)
        if both is None or both.name not in ("varchar", "array", "varbinary", "unknown"):
            raise self._no_operator(node, "||", left.type, right.type)
        return Typed(fill("_1 || _2", [left.sql, right.sql]), both)

    # conditionals

    def _case(self, node: exp.Case, env: Environment) -> Typed:
        subject = self.full(node.this, env) if node.this is not None else None
        conditions, results = [], []
        for branch in node.args["ifs"]:
            if subject is None:
                conditions.append(self.condition(branch.this, env, "the condition of WHEN").sql)
            else:
                left, right = self.comparable(branch.this, "=", subject, self.value(branch.this, env))
                conditions.append(exp.EQ(this=boxed(left.sql.copy()), expression=boxed(right.sql)))
            results.append(self.full(branch.args["true"], env))
        default = node.args.get("default")
        if default is not None:
            results.append(self.full(default, env))
        results, result = common(self.context, results, span_of(node), "the results of CASE")
        ifs = [exp.If(this=condition, true=value.sql) for condition, value in zip(conditions, results, strict=False)]
        return Typed(exp.Case(ifs=ifs, default=results[-1].sql if default is not None else None), result)

    def _if(self, node: exp.If, env: Environment) -> Typed:
        condition = self.condition(node.this, env, "the condition of if")
        branches = [self.full(node.args["true"], env)]
        if node.args.get("false") is not None:
            branches.append(self.full(node.args["false"], env))
        branches, result = common(self.context, branches, span_of(node), "the results of if")
        default = branches[1].sql if len(branches) > 1 else None
        return Typed(exp.Case(ifs=[exp.If(this=condition.sql, true=branches[0].sql)], default=default), result)

    # types

    def _cast(self, node: exp.Cast, env: Environment) -> Typed:
        span = span_of(node)
        if isinstance(node.this, exp.Literal) and node.this.is_string and node.to.is_type("timestamp", "timestamptz"):
            literal_only = span is None or not (self.context.statement.sql or "")[: span[0]].rstrip().endswith("(")
            if literal_only and not isinstance(node, exp.TryCast):
                return timestamp_literal(self.context, str(node.this.this), span)
        wanted, length = target_type(self.context, node.args["to"])
        safe = isinstance(node, exp.TryCast)
        return cast_to(self.context, self.value(node.this, env), wanted, span, safe=safe, length=length)

    def _extract(self, node: exp.Extract, env: Environment) -> Typed:
        field = node.name.casefold() if node.name else str(node.this).casefold()
        call = exp.Anonymous(this=field, expressions=[node.expression.copy()])
        return self.functions.call(call, env, span_of(node))

    def _position(self, node: exp.StrPosition, env: Environment) -> Typed:
        call = exp.Anonymous(this="strpos", expressions=[node.this.copy(), node.args["substr"].copy()])
        return self.functions.call(call, env, span_of(node))

    def _row(self, node: exp.Tuple, env: Environment) -> Typed:
        values = [self.full(item, env) for item in node.expressions]
        return Typed(
            exp.Anonymous(this="row", expressions=[value.sql for value in values]),
            Type("row", tuple(value.type for value in values), ("",) * len(values)),
        )

    def _array(self, node: exp.Array, env: Environment) -> Typed:
        items = [self.full(item, env) for item in node.expressions]
        items, element = common(self.context, items, span_of(node), "the elements of an array")
        known = all(item.constant is not NOT_CONSTANT for item in items)
        constant = [item.constant for item in items] if known else NOT_CONSTANT
        return Typed(exp.Array(expressions=[item.sql for item in items]), array_of(element), None, constant)

    def _subscript(self, node: exp.Bracket, env: Environment) -> Typed:
        base = self.full(node.this, env)
        if len(node.expressions) != 1:
            raise self.context.error(node, "[] takes one position or key", "SyntaxError")
        return subscript(self.context, node, base, self.full(node.expressions[0], env))

    def _member(self, node: exp.Dot, env: Environment) -> Typed:
        return member(self.context, node, self.full(node.this, env))

    # time

    def _interval(self, node: exp.Interval, _env: Environment) -> Typed:
        return interval(self.context, node)

    def _at_time_zone(self, node: exp.AtTimeZone, env: Environment) -> Typed:
        return at_time_zone(self.context, node, self.value(node.this, env), self.value(node.args["zone"], env))

    # subqueries

    def _exists(self, node: exp.Exists, env: Environment) -> Typed:
        query = node.this.unnest() if isinstance(node.this, exp.Subquery) else node.this
        tree, _ = self.queries.query(query, env)
        return Typed(exp.Exists(this=tree), BOOLEAN)

    def _subquery(self, node: exp.Subquery, env: Environment) -> Typed:
        tree, result = self.queries.one_column(node.unnest(), env)
        return Typed(exp.Subquery(this=tree), result)


def boxed_left(node: exp.Expr, kind: type[exp.Expr]) -> exp.Expr:
    """A left operand: chains of the same strength need no parentheses."""
    weak, strong = (exp.Add, exp.Sub), (exp.Mul, exp.Div, exp.IntDiv, exp.Mod)
    if isinstance(node, strong) or (isinstance(node, weak) and kind in weak):
        return node
    return boxed(node)


def boxed_right(node: exp.Expr) -> exp.Expr:
    return boxed(node)
