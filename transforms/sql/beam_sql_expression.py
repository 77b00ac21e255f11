"""Expressions in Beam SQL's words, where those mean the same; before Beam SQL, in the embedded engine, where they do not.

What Beam SQL would do otherwise and therefore never does: functions of text (it counts UTF-16 units and has other ideas of case),
the order of texts, casts of text, doubles as text, times (it cuts them to milliseconds), arithmetic that leaves 64 bits (it wraps).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from transforms.sql.beam_sql_inputs import CALCITE, Inputs, Source, Value, unqualified
from transforms.sql.beam_sql_pushdown import can_fail, is_strict, of_one_row
from transforms.sql.beam_sql_refusal import Refused, called
from transforms.sql.scan import quoted
from transforms.sql.types_model import parse_type

__all__ = ["INTERNAL", "Expressions", "cast_null", "kind_of_text"]

INTERNAL = "~h"
"""The alias of a grouping's result in the expressions over it."""

_MOST = 9.2e18
"""A little less than the greatest bigint: what stays below it in doubles has not left 64 bits."""
_SECONDS = 1e12
"""No log's time is further from 1970, seconds."""
_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
                exp.NullSafeEQ: "IS NOT DISTINCT FROM", exp.NullSafeNEQ: "IS DISTINCT FROM"}  # fmt: skip
_EQUALITIES = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_SIGNS = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_PLAIN_TEXT = re.compile(r"[ -\[\]-~]*")


def kind_of_text(sql_type: str) -> str:
    """The kind of a type's text."""
    found = parse_type(sql_type)
    return "null" if found.name == "unknown" else str(found)


class Expressions:
    """Translates the expressions of one SELECT over its tables.

    Args:
        sources: the tables of its FROM; grows while FROM is read.
        inputs: collects what is computed beforehand.
        subquery: translates a subquery of a condition.
        outer: of a subquery in a condition, the expressions of the SELECT around it.
    """

    def __init__(
        self, inputs: Inputs, sources: list[Source], subquery: Callable[[exp.Query, Expressions], str], outer: Expressions | None = None
    ) -> None:
        self.inputs = inputs
        self.sources = sources
        self.subquery = subquery
        self.outer = outer
        self._by_class: dict[type[exp.Expr], Callable[[Any], Value]] = {
            exp.Column: self._column, exp.Literal: self._literal, exp.Boolean: self._boolean, exp.Null: self._null, exp.Paren: self._paren,
            exp.And: self._logical, exp.Or: self._logical, exp.Not: self._not, exp.Is: self._is, exp.In: self._in, exp.Between: self._between,
            exp.Like: self._like, exp.Case: self._case, exp.Cast: self._cast, exp.DPipe: self._concat, exp.Neg: self._negative,
            exp.IntDiv: self._divide, exp.Div: self._divide, exp.Mod: self._divide, exp.Exists: self._exists, exp.Anonymous: self._call,
        }  # fmt: skip
        self._by_class.update(dict.fromkeys(_COMPARISONS, self._comparison))
        self._by_class.update(dict.fromkeys(_SIGNS, self._arithmetic))

    def value(self, node: exp.Expr) -> Value:
        """The expression, in Beam SQL's words or computed beforehand. Raises Refused."""
        method = self._by_class.get(type(node))
        state = self.inputs.state()
        try:
            if method is None:
                raise _refused(node)
            return method(node)
        except Refused as refused:
            self.inputs.forget(state)
            return self._before(node, refused)

    # what is computed beforehand

    def _before(self, node: exp.Expr, refused: Refused) -> Value:
        kind = self.kind(node)
        if kind is None or isinstance(node, (exp.Exists, exp.Subquery)) or node.find(exp.Query):
            raise refused
        of_one_row(node)
        source = self._one_source(node, refused)
        if kind == "null":
            kind = "varchar"
        text = unqualified(node)
        assert source.relation is not None
        if not can_fail(node, self.kind):
            return Value(f"{source.name}.{self.inputs.column(source.relation, text, kind, node)}", kind)
        return Value(self.inputs.guarded(source, node, kind, self._message(node)), kind)

    def _one_source(self, node: exp.Expr, refused: Refused) -> Source:
        columns = list(node.find_all(exp.Column))
        found = {id(source): source for source in (self.source(column) for column in columns)}
        if not columns:
            found = {id(source): source for source in self.sources if source.relation is not None and not source.optional}
        source = next(iter(found.values()), None)
        if source is None or (columns and len(found) > 1) or source.relation is None:
            raise refused
        if source.optional and not is_strict(node):
            raise refused
        return source

    @staticmethod
    def _message(node: exp.Expr) -> str:
        for each in node.walk():
            if isinstance(each, exp.Cast) and not isinstance(each, exp.TryCast):
                kind = kind_of_text(each.to.sql(dialect="duckdb").casefold())
                return f"CastFailed|Cannot cast a value to {kind}|try_cast gives NULL for values that do not fit"
            if isinstance(each, (exp.IntDiv, exp.Mod)):
                return "DivisionByZero|Division by zero|nullif(x, 0) makes the result NULL; divide by a double to get Infinity"
            if isinstance(each, exp.Anonymous) and str(each.this).casefold() == "error":
                message = each.expressions[0].name if each.expressions else "a value does not fit"
                return f"InvalidFunctionArgument|{message}|filter such values with WHERE"
        return f"QueryFailed|{called(node)} cannot work with a value it meets|filter such values with WHERE, or write try(…)"

    # kinds

    def kind(self, node: exp.Expr) -> str | None:
        """The kind of a value, where it is known without translating it."""
        if isinstance(node, exp.Column):
            return self._kind_of_column(node)
        marked = (node._meta or {}).get("sql_type")
        if isinstance(node, exp.Cast):
            return kind_of_text(node.to.sql(dialect="duckdb").casefold())
        if marked:
            return kind_of_text(marked)
        if isinstance(node, exp.Paren):
            return self.kind(node.this)
        if isinstance(node, exp.Literal):
            return "varchar" if node.is_string else "double" if re.search(r"[.eE]", str(node.this)) else "bigint"
        if isinstance(node, (exp.Predicate, exp.Connector, exp.Not, exp.Boolean)):
            return "boolean"
        if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.IntDiv, exp.Neg)):
            return self.kind(node.this)
        if isinstance(node, exp.Div):
            return "double"
        return "varchar" if isinstance(node, exp.DPipe) else None

    def _kind_of_column(self, node: exp.Column) -> str:
        source = self.source(node)
        if source.relation is None:
            kind = source.columns[node.name][1]
            return "double" if kind == "digits" else kind
        return self.inputs.stored_kind(source.relation, node.name)

    # leaves

    def source(self, node: exp.Column) -> Source:
        """The table a column belongs to."""
        place: Expressions | None = self
        while place is not None:
            for source in place.sources:
                if source.alias == node.table:
                    return source
            place = place.outer
        raise Refused(f"the column {node.name}", node)

    def _column(self, node: exp.Column) -> Value:
        source = self.source(node)
        if source.relation is None:
            name, kind = source.columns[node.name]
            if kind == "digits":
                return Value(f"CAST({source.name}.{name} AS DOUBLE)", "double")
        else:
            kind = self.inputs.stored_kind(source.relation, node.name)
            name = self.inputs.column(source.relation, quoted(node.name), kind, node)
        known = _SECONDS if source.relation == "~log" and node.name in ("__time__", "__tag__:__receive_time__") else None
        return Value(f"{source.name}.{name}", kind, known)

    def _literal(self, node: exp.Literal) -> Value:
        if node.is_string:
            if not _PLAIN_TEXT.fullmatch(str(node.this)):
                raise Refused("such a text", node)  # written beforehand: Beam SQL reads Latin letters only
            return Value("'" + str(node.this).replace("'", "''") + "'", "varchar")
        written = str(node.this)
        if written.isdigit():
            return Value(written, "bigint", float(written))
        return Value(f"CAST({float(written)!r} AS DOUBLE)" if "e" not in f"{float(written)!r}" else f"{float(written)!r}", "double")

    def _boolean(self, node: exp.Boolean) -> Value:
        return Value("TRUE" if node.this else "FALSE", "boolean")

    def _null(self, _node: exp.Null) -> Value:
        return Value("CAST(NULL AS VARCHAR)", "null")

    def _paren(self, node: exp.Paren) -> Value:
        return self.value(node.this)

    # conditions

    def _logical(self, node: exp.Binary) -> Value:
        word = "AND" if isinstance(node, exp.And) else "OR"
        return Value(f"({self._boolean_sql(node.this)} {word} {self._boolean_sql(node.expression)})", "boolean")

    def _boolean_sql(self, node: exp.Expr) -> str:
        return cast_null(self.value(node), "boolean")

    def _not(self, node: exp.Not) -> Value:
        if node.find(exp.Query) and not isinstance(node.this.unnest(), exp.Exists):
            raise Refused("NOT over a subquery", node, word="not")
        return Value(f"(NOT {self._boolean_sql(node.this)})", "boolean")

    def _is(self, node: exp.Is) -> Value:
        if node.args.get("negate"):
            raise Refused("IS NOT", node)
        return Value(f"({self.value(node.this).sql} IS {node.expression.sql()})", "boolean")

    def _comparison(self, node: exp.Binary) -> Value:
        if isinstance(node.expression, (exp.All, exp.Any)):
            raise Refused("a comparison with ANY or ALL", node)
        if node.find(exp.Query):
            raise Refused("a subquery used as a value", node.find(exp.Query), word=r"select(?<!^select)")
        left, right = self._alike([self.value(node.this), self.value(node.expression)])
        if left.kind == "varchar" and not isinstance(node, _EQUALITIES):
            raise Refused("an order of texts over more than one table", node)
        return Value(f"({left.sql} {_COMPARISONS[type(node)]} {right.sql})", "boolean")

    def _in(self, node: exp.In) -> Value:
        if node.args.get("query") is not None:
            query = node.args["query"]
            query = query.this if isinstance(query, exp.Subquery) else query
            left = self.value(node.this)
            # Beam SQL takes two NULLs for equal when it joins.
            return Value(f"({left.sql} IS NOT NULL AND {left.sql} IN ({self.subquery(query, self)}))", "boolean")
        subject, *items = self._alike([self.value(each) for each in (node.this, *node.expressions)])
        return Value("(" + " OR ".join(f"{subject.sql} = {item.sql}" for item in items) + ")", "boolean")

    def _between(self, node: exp.Between) -> Value:
        low = exp.GTE(this=node.this.copy(), expression=node.args["low"].copy())
        high = exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
        return Value(f"({self.value(low).sql} AND {self.value(high).sql})", "boolean")

    def _like(self, node: exp.Like) -> Value:
        pattern = node.expression
        if node.args.get("negate") or not isinstance(pattern, exp.Literal) or not _PLAIN_TEXT.fullmatch(str(pattern.this)):
            raise Refused("LIKE with such a pattern", node)
        return Value(f"({self.value(node.this).sql} LIKE {self.value(pattern).sql})", "boolean")

    def _exists(self, node: exp.Exists) -> Value:
        return Value(f"EXISTS ({self.subquery(node.this, self)})", "boolean")

    # values

    def _case(self, node: exp.Case) -> Value:
        default = node.args.get("default")
        conditions = [self._boolean_sql(branch.this) for branch in node.args["ifs"]]
        results = [self.value(branch.args["true"]) for branch in node.args["ifs"]]
        results = self._alike([*results, self.value(default)] if default is not None else results)
        whens = " ".join(f"WHEN {condition} THEN {result.sql}" for condition, result in zip(conditions, results, strict=False))
        last = results[-1].sql if default is not None else f"CAST(NULL AS {CALCITE[results[0].kind]})"
        return Value(f"(CASE {whens} ELSE {last} END)", results[0].kind)

    def _alike(self, values: Sequence[Value]) -> list[Value]:
        """Values of one kind: a NULL takes the others', whole numbers among doubles become doubles."""
        kinds = {value.kind for value in values} - {"null"}
        if kinds == {"bigint", "double"}:
            return [Value(f"CAST({value.sql} AS DOUBLE)", "double") if value.kind != "double" else value for value in values]
        if kinds == {"timestamp", "date"}:
            kinds = {"timestamp"}
        if len(kinds) > 1:
            raise Refused(f"a mixture of {' and '.join(sorted(kinds))}")
        kind = next(iter(kinds), "varchar")
        return [Value(cast_null(value, kind), kind, value.bound) for value in values]

    def _cast(self, node: exp.Cast) -> Value:
        if isinstance(node, exp.TryCast):
            raise _refused(node)
        wanted = kind_of_text(node.to.sql(dialect="duckdb").casefold())
        if wanted == "timestamp" and isinstance(node.this, exp.Literal):
            moment = datetime.fromisoformat(str(node.this.this)).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
            return Value(f"CAST({moment.days * 86_400_000_000 + moment.seconds * 1_000_000 + moment.microseconds} AS BIGINT)", wanted)
        inner = self.value(node.this)
        if inner.kind == "null" and wanted in CALCITE:
            return Value(f"CAST(NULL AS {CALCITE[wanted]})", wanted)
        if inner.kind == wanted:
            return Value(f"CAST({inner.sql} AS BIGINT)", wanted, inner.bound) if inner.sql.isdigit() else inner
        if (inner.kind, wanted) in (("bigint", "double"), ("bigint", "varchar")):
            return Value(f"CAST({inner.sql} AS {CALCITE[wanted]})", wanted)
        if (inner.kind, wanted) == ("varchar", "double") and isinstance(node.this, exp.Column) and node.this.table == INTERNAL:
            return Value(f"CAST({inner.sql} AS DOUBLE)", wanted)  # a grouping key: digits that the embedded engine wrote
        if (inner.kind, wanted) == ("boolean", "bigint"):
            return Value(f"(CASE WHEN {inner.sql} THEN CAST(1 AS BIGINT) WHEN NOT {inner.sql} THEN CAST(0 AS BIGINT) END)", wanted, 1.0)
        if (inner.kind, wanted) == ("date", "timestamp"):
            return Value(inner.sql, wanted)
        raise Refused(f"a cast of {inner.kind} to {wanted} of a value from more than one table, or from a subquery,", node)

    def _concat(self, node: exp.DPipe) -> Value:
        left, right = self.value(node.this), self.value(node.expression)
        if {left.kind, right.kind} - {"varchar", "null"}:
            raise Refused("|| of other than texts", node)
        return Value(f"({left.sql} || {right.sql})", "varchar")

    def _negative(self, node: exp.Neg) -> Value:
        return self._arithmetic(exp.Sub(this=exp.Literal.number("0"), expression=node.this.copy())) if self.kind(node.this) == "bigint" else (
            Value(f"(- {self.value(node.this).sql})", "double"))  # fmt: skip

    def _arithmetic(self, node: exp.Binary) -> Value:
        left, right = self.value(node.this), self.value(node.expression)
        sign = _SIGNS[type(node)]
        if {left.kind, right.kind} <= {"double", "null"}:
            return Value(f"({left.sql} {sign} {right.sql})", "double")
        if {left.kind, right.kind} != {"bigint"}:
            raise Refused("arithmetic with times", node)
        sql = f"({left.sql} {sign} {right.sql})"
        one, other = left.bound or math.inf, right.bound or math.inf
        bound = one * other if sign == "*" else one + other
        if bound >= _MOST:
            raise Refused("arithmetic that may leave 64 bits, over more than one table or over a subquery,", node)
        return Value(sql, "bigint", bound)

    def _divide(self, node: exp.Binary) -> Value:
        left, right = self.value(node.this), self.value(node.expression)
        if isinstance(node, exp.Mod):
            if {left.kind, right.kind} != {"bigint"}:
                raise Refused("% of doubles", node)
            return Value(f"MOD({left.sql}, {right.sql})", "bigint", right.bound)
        if isinstance(node, exp.Div):
            left, right = self._alike([left, right])
            if left.kind != "double":
                raise Refused("such a division", node)
            return Value(f"({left.sql} / {right.sql})", "double")
        if {left.kind, right.kind} != {"bigint"} or not right.bound or not right.sql.isdigit():
            raise Refused("a division by what is no constant, over more than one table or over a subquery,", node)
        return Value(f"({left.sql} / {right.sql})", "bigint", left.bound)

    def _call(self, node: exp.Anonymous) -> Value:
        name, given = str(node.this).casefold(), node.expressions
        if name == "coalesce":
            values = self._alike([self.value(each) for each in given])
            return Value(f"COALESCE({', '.join(value.sql for value in values)})", values[0].kind)
        if name == "nullif":
            left, right = self._alike([self.value(each) for each in given])
            return Value(f"(CASE WHEN {left.sql} = {right.sql} THEN CAST(NULL AS {CALCITE[left.kind]}) ELSE {left.sql} END)", left.kind)
        raise _refused(node)


def cast_null(value: Value, kind: str) -> str:
    """A value's text; a bare NULL as of that kind."""
    return f"CAST(NULL AS {CALCITE[kind]})" if value.kind == "null" else value.sql


def _refused(node: exp.Expr) -> Refused:
    """The refusal of a construct that Beam SQL has no equal of."""
    if isinstance(node, exp.Window):
        return Refused("a window function (OVER)", node, word="over")
    if isinstance(node, exp.Subquery):
        return Refused("a subquery used as a value", node)
    name = called(node)
    return Refused(f"{name} over a value from more than one table, or from a subquery or an aggregate,", node)
