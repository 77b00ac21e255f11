"""Queries in Beam SQL's words. Grouping is brought to one shape, which avoids all that Beam SQL refuses or gets wrong about it:

    SELECT k0, …, SUM(a0) AS p0, … FROM (SELECT key AS k0, argument AS a0, … FROM … WHERE …) GROUP BY k0, …

Aggregates over all rows are joined to a table of one row, and so give their row even when there are none. COUNT(DISTINCT) groups twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from transforms.sql.analysis import Analysis
from transforms.sql.beam_sql import RESULT, BeamColumn, BeamSql
from transforms.sql.beam_sql_aggregates import Part, aggregate_of, grouping
from transforms.sql.beam_sql_expression import INTERNAL, Expressions, cast_null
from transforms.sql.beam_sql_from import Columns, FromReader, conjuncts
from transforms.sql.beam_sql_inputs import CALCITE, Inputs, Source, Value, decoded
from transforms.sql.beam_sql_refusal import Refused
from transforms.sql.dialect import fragment
from transforms.sql.functions.aggregates import has_aggregate, is_aggregate
from transforms.sql.functions.model import fill
from transforms.sql.phases import replaced_in
from transforms.sql.scan import quoted
from transforms.sql.scope import Scope

__all__ = ["translate"]

_GROUPS = "~groups"
_ORDERED_KINDS = ("bigint", "double", "timestamp", "date")
_CARRIERS = {"timestamp": "bigint", "date": "bigint", "json": "varchar", "null": "varchar", "digits": "varchar"}


@dataclass
class _Grouped:
    """A grouping: its text, and for each key and aggregate of the statement what stands for it afterwards."""

    sql: str
    columns: Columns
    replaced: list[tuple[exp.Expr, exp.Expr]] = field(default_factory=list)
    embedded_only: list[exp.Expr] = field(default_factory=list)


def translate(analysis: Analysis, scope: Scope) -> BeamSql:
    """The statement of an analysis. Raises Refused."""
    queries = _Queries(Inputs(scope))
    sql, columns, finish = queries.top(analysis.tree)
    if len(queries.inputs.done()) == 1:
        queries = _Queries(Inputs(scope, single=True))
        sql, columns, finish = queries.top(analysis.tree)
    carriers = tuple(BeamColumn(inner, _CARRIERS.get(kind, kind)) for _, inner, kind in columns)
    return BeamSql(sql, queries.inputs.done(), carriers, finish, tuple(queries.inputs.failures), queries.ordered)


class _Queries:
    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.common: dict[str, exp.CTE] = {}
        self.ordered = False

    # the outermost query

    def top(self, tree: exp.Expr) -> tuple[str, Columns, str]:
        """Beam SQL's statement, its columns, and the embedded engine's statement over them."""
        self._with(tree)
        if isinstance(tree, exp.Select) and _is_grouped(tree):
            return self._top_grouped(tree)
        if isinstance(tree, exp.Select):
            sql, columns = self._plain(tree, hidden=_sort_keys(tree))
            names = [item.alias_or_name for item in tree.expressions]
        else:
            sql, columns = self._set_operation(tree)
            names = [column[0] for column in columns]
        shown = [exp.alias_(fragment(decoded(quoted(inner), kind)), name, quoted=True)
                 for name, (_, inner, kind) in zip(names, columns, strict=False)]  # fmt: skip
        finish = exp.Select(expressions=shown, from_=exp.From(this=exp.Table(this=exp.to_identifier(RESULT, quoted=True))))
        order = tree.args.get("order")
        if order is not None:
            terms, place = [], len(names)
            for term in order.expressions:
                each = term.copy()
                if not isinstance(term.this, exp.Literal):
                    _, inner, kind = columns[place]
                    each.set("this", fragment(decoded(quoted(inner), kind)))
                    place += 1
                terms.append(each)
            finish.set("order", exp.Order(expressions=terms))
        for clause in ("limit", "offset"):
            if tree.args.get(clause) is not None:
                finish.set(clause, tree.args[clause].copy())
        return sql + self._first_rows(tree, columns), columns, finish.sql(dialect="duckdb")

    def _first_rows(self, tree: exp.Expr, columns: Columns) -> str:
        """LIMIT, where it may be left to Beam SQL: without an order, or in an order of numbers."""
        limit, offset = tree.args.get("limit"), tree.args.get("offset")
        if limit is None or not isinstance(tree, exp.Select):
            return ""
        count = int(limit.expression.this) + (int(offset.expression.this) if offset is not None else 0)
        order = tree.args.get("order")
        if count == 0:
            return ""
        if order is None:
            return f" LIMIT {count}"
        terms, place = [], len(tree.expressions)
        for term in order.expressions:
            if isinstance(term.this, exp.Literal):
                _, inner, kind = columns[int(term.this.this) - 1]
            else:
                _, inner, kind = columns[place]
                place += 1
            if kind not in _ORDERED_KINDS:
                return ""
            terms.append(_order_term(inner, term))
        self.ordered = True
        return f" ORDER BY {', '.join(terms)} LIMIT {count}"

    def _top_grouped(self, tree: exp.Select) -> tuple[str, Columns, str]:
        grouped = self._group(tree)
        finish = exp.Select(expressions=[_after(item, grouped) for item in tree.expressions])
        sql, having = grouped.sql, tree.args.get("having")
        if having is not None:
            condition = replaced_in(having.this, grouped.replaced)
            try:
                sql = f"SELECT * FROM ({sql}) AS h WHERE {self._over(grouped).value(_renamed(condition)).sql}"
            except Refused:
                finish.set("where", exp.Where(this=_after(having.this, grouped)))
        finish = finish.from_(exp.Table(this=exp.to_identifier(RESULT, quoted=True)))
        for clause in ("order", "distinct", "limit", "offset"):
            part = tree.args.get(clause)
            if part is not None:
                finish.set(clause, _after(part, grouped))
        return sql, grouped.columns, finish.sql(dialect="duckdb")

    # queries inside

    def nested(self, tree: exp.Expr, outer: Expressions | None = None) -> tuple[str, Columns]:
        """A subquery's text and columns."""
        saved = dict(self.common)
        try:
            self._with(tree)
            if isinstance(tree, exp.Subquery):
                return self.nested(tree.this, outer)
            if not isinstance(tree, exp.Select):
                sql, columns = self._set_operation(tree)
            elif _is_grouped(tree):
                sql, columns = self._nested_grouped(tree, outer)
            else:
                sql, columns = self._plain(tree, hidden=_sort_keys(tree), outer=outer)
            limit = tree.args.get("limit")
            if limit is None:
                return sql, columns[: len(tree.expressions)] if isinstance(tree, exp.Select) else columns
            if tree.args.get("offset") is not None:
                raise Refused("OFFSET in a subquery", tree, word="limit")
            first = self._first_rows(tree, columns)
            if not first:
                raise Refused("LIMIT in a subquery that is ordered by text", tree, word="limit")
            shown = columns[: len(tree.expressions)]
            return f"SELECT {', '.join(inner for _, inner, _ in shown)} FROM ({sql}{first}) AS {self.inputs.fresh()}", shown
        finally:
            self.common = saved

    def _nested_grouped(self, tree: exp.Select, outer: Expressions | None) -> tuple[str, Columns]:
        grouped = self._group(tree, outer)
        over = self._over(grouped)
        items: list[tuple[str, Value]] = []
        for item in [*tree.expressions, *_sort_keys(tree)]:
            replaced = replaced_in(item.unalias(), grouped.replaced)
            if any(part in list(replaced.walk()) for part in grouped.embedded_only):
                raise Refused("the least or greatest text, or a variance, in a subquery", item)
            items.append((item.alias_or_name, over.value(_renamed(replaced))))
        columns = [(name, f"o{place}", value.kind) for place, (name, value) in enumerate(items)]
        distinct = "DISTINCT " if tree.args.get("distinct") else ""
        text = ", ".join(f"{value.sql} AS o{place}" for place, (_, value) in enumerate(items))
        having = tree.args.get("having")
        where = ""
        if having is not None:
            where = f" WHERE {over.value(_renamed(replaced_in(having.this, grouped.replaced))).sql}"
        return f"SELECT {distinct}{text} FROM ({grouped.sql}) AS h{where}", columns

    def _over(self, grouped: _Grouped) -> Expressions:
        source = Source(INTERNAL, "h", None, {inner: (inner, kind) for _, inner, kind in grouped.columns})
        return Expressions(self.inputs, [source], self._subquery)

    def _subquery(self, tree: exp.Query, outer: Expressions) -> str:
        """A subquery of IN or EXISTS; its own columns are never NULL, since Beam SQL takes two NULLs for equal."""
        sql, columns = self.nested(tree, outer)
        if isinstance(tree.parent, exp.Exists):
            return sql
        name = self.inputs.fresh()
        return f"SELECT {name}.{columns[0][1]} FROM ({sql}) AS {name} WHERE {name}.{columns[0][1]} IS NOT NULL"

    def _with(self, tree: exp.Expr) -> None:
        clause = tree.args.get("with_")
        for entry in clause.expressions if clause is not None else ():
            self.common[entry.alias] = entry

    # one select without and with groups

    def _from(self, tree: exp.Select, outer: Expressions | None) -> tuple[Expressions, str]:
        """What its expressions are translated by, and its text from FROM to WHERE."""
        if tree.find(exp.Window) is not None and any(window.find_ancestor(exp.Select) is tree for window in tree.find_all(exp.Window)):
            raise Refused("a window function (OVER)", tree.find(exp.Window), word="over")
        expressions = Expressions(self.inputs, [], self._subquery, outer)
        where = tree.args.get("where")
        conditions = conjuncts(where.this) if where is not None else []
        reader = FromReader(expressions, self.nested, self.common)
        text = reader.read(tree, conditions)
        wanted = [f"{each} IS NOT NULL" for each in reader.present]
        wanted += [cast_null(expressions.value(each), "boolean") for each in (*reader.kept, *conditions)]
        return expressions, f"FROM {text}" + (f" WHERE {' AND '.join(wanted)}" if wanted else "")

    def _plain(
        self, tree: exp.Select, *, hidden: list[exp.Expr], outer: Expressions | None = None, as_keys: bool = False
    ) -> tuple[str, Columns]:
        """A select without groups. ``as_keys``: doubles in the form in which rows can be compared, kind ``digits``."""
        expressions, text = self._from(tree, outer)
        distinct = "DISTINCT " if tree.args.get("distinct") else ""
        columns: Columns = []
        parts = []
        for place, item in enumerate([*tree.expressions, *hidden]):
            node = item.unalias()
            value, back = self._key(node, expressions) if distinct or as_keys else (expressions.value(node), "")
            columns.append((item.alias_or_name, f"o{place}", "digits" if back else value.kind))
            parts.append(f"{value.sql} AS o{place}")
        return f"SELECT {distinct}{', '.join(parts)} {text}", columns

    def _group(self, tree: exp.Select, outer: Expressions | None = None) -> _Grouped:
        group = tree.args.get("group")
        for kind in ("rollup", "cube", "grouping_sets"):
            if group is not None and group.args.get(kind):
                raise Refused(kind.replace("_", " ").upper(), group, word=kind.replace("_", r"\s+"))
        expressions, text = self._from(tree, outer)
        inner: list[str] = []
        columns: Columns = []
        replaced: list[tuple[exp.Expr, exp.Expr]] = []
        for place, key in enumerate(_keys(tree)):
            value, back = self._key(key, expressions)
            inner.append(f"{value.sql} AS k{place}")
            columns.append((f"k{place}", f"k{place}", value.kind))
            replaced.append((key, fill(back, [_column(f"k{place}")]) if back else _column(f"k{place}")))
        keys = [column[1] for column in columns]
        parts: list[tuple[Part, str, str]] = []
        embedded_only = []
        for call in _calls(tree):
            if any(known == call for known, _ in replaced):
                continue
            aggregate = aggregate_of(call, expressions.kind)
            names = []
            for part in aggregate.parts:
                value = Value("CAST(1 AS BIGINT)", "bigint") if part.argument is None else expressions.value(part.argument)
                if part.distinct and value.kind == "double" and part.function != "COUNT":
                    raise Refused(f"{part.function}(DISTINCT …) of doubles", call)
                if part.distinct and value.kind == "double":
                    value = self._key(part.argument, expressions)[0] if part.function == "COUNT" and part.argument is not None else value
                names.append(_column(f"p{len(parts)}"))
                inner.append(f"{cast_null(value, value.kind if value.kind != 'null' else 'varchar')} AS a{len(parts)}")
                columns.append((f"p{len(parts)}", f"p{len(parts)}", part.kind or value.kind))
                parts.append((part, f"a{len(parts)}", value.kind))
            result = aggregate.result(names)
            replaced.append((call, result))
            if aggregate.embedded_only:
                embedded_only.append(result)
        if not keys:
            sql = grouping(["k"], parts, f"SELECT {', '.join(['CAST(1 AS BIGINT) AS k', *inner])} {text}")
            shown = [f"COALESCE(y.p{place}, CAST(0 AS BIGINT)) AS p{place}" if part.function == "COUNT" else f"y.p{place} AS p{place}"
                     for place, (part, _, _) in enumerate(parts)]  # fmt: skip
            sql = f"SELECT {', '.join(shown or ['x.c0 AS p0'])} FROM {self.inputs.one()} AS x LEFT JOIN ({sql}) AS y ON x.c0 = y.k"
            return _Grouped(sql, columns or [("p0", "p0", "bigint")], replaced, embedded_only)
        rows = f"SELECT {', '.join(inner)} {text}"
        if not parts:
            return _Grouped(f"SELECT DISTINCT {', '.join(keys)} FROM ({rows}) AS g", columns, replaced)
        return _Grouped(grouping(keys, parts, rows), columns, replaced, embedded_only)

    def _key(self, node: exp.Expr, expressions: Expressions) -> tuple[Value, str]:
        """A grouping key and how its value comes back: Beam SQL does not group by doubles, but by the text of one."""
        kind = expressions.kind(node)
        if kind != "double":
            value = expressions.value(node)
            if value.kind != "double":
                return value, ""
        return expressions.value(fill("CAST(_1 + 0e0 AS VARCHAR)", [node])), "CAST(_1 AS DOUBLE)"

    # set operations

    def _set_operation(self, tree: exp.Expr) -> tuple[str, Columns]:
        if not isinstance(tree, exp.SetOperation):
            raise Refused("such a query", tree)
        (one, left), (other, right) = self._branch(tree.this), self._branch(tree.expression)
        word = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}[type(tree)]
        columns: Columns = []
        sides: list[list[str]] = [[], []]
        for place, ((name, a, kind), (_, b, same)) in enumerate(zip(left, right, strict=True)):
            both = _both(kind, same, tree)
            if both == "double":
                raise Refused(f"{word} of doubles from a subquery, or beside whole numbers,", tree, word=word)
            for side, inner, own in ((sides[0], a, kind), (sides[1], b, same)):
                side.append(f"CAST({inner} AS {CALCITE[both]}) AS o{place}" if own == "null" else f"{inner} AS o{place}")
            columns.append((name, f"o{place}", both))
        every = "" if tree.args.get("distinct") else " ALL"
        first, second = (
            f"SELECT {', '.join(side)} FROM ({sql}) AS {self.inputs.fresh()}" for side, sql in zip(sides, (one, other), strict=True)
        )
        return f"{first} {word}{every} {second}", columns

    def _branch(self, tree: exp.Expr) -> tuple[str, Columns]:
        """One side of a set operation: Beam SQL compares its rows whole, even for UNION ALL."""
        if isinstance(tree, exp.Select) and not _is_grouped(tree) and tree.args.get("limit") is None and not tree.args.get("with_"):
            return self._plain(tree, hidden=[], as_keys=True)
        return self.nested(tree)


def _both(one: str, other: str, tree: exp.Expr) -> str:
    if one == other or other == "null":
        return one if one != "null" else "varchar"
    if one == "null":
        return other
    if {one, other} <= {"bigint", "double", "digits"}:
        return "double"
    if {one, other} == {"timestamp", "date"}:
        return "timestamp"
    raise Refused(f"a mixture of {one} and {other}", tree)


def _is_grouped(tree: exp.Select) -> bool:
    return (
        tree.args.get("group") is not None or tree.args.get("having") is not None or any(has_aggregate(item) for item in tree.expressions)
    )


def _sort_keys(tree: exp.Select) -> list[exp.Expr]:
    """What ORDER BY computes beside the select list."""
    order = tree.args.get("order")
    return [term.this for term in order.expressions if not isinstance(term.this, exp.Literal)] if order is not None else []


def _order_term(inner: str, term: exp.Expr) -> str:
    return f"{inner} {'DESC' if term.args.get('desc') else 'ASC'} NULLS {'FIRST' if term.args.get('nulls_first') else 'LAST'}"


def _keys(tree: exp.Select) -> list[exp.Expr]:
    group = tree.args.get("group")
    keys = []
    for item in group.expressions if group is not None else ():
        keys.append(tree.expressions[int(item.this) - 1].unalias() if isinstance(item, exp.Literal) and item.is_int else item)
    return keys


def _calls(tree: exp.Select) -> list[exp.Expr]:
    """The aggregate calls of its own, in order."""
    found: list[exp.Expr] = []

    def visit(node: exp.Expr) -> None:
        if is_aggregate(node):
            found.append(node)
        elif not isinstance(node, exp.Query):
            for child in node.iter_expressions():
                visit(child)

    for part in (*tree.expressions, tree.args.get("having"), tree.args.get("order")):
        if part is not None:
            visit(part)
    return found


def _column(name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(_GROUPS, quoted=True))


def _renamed(tree: exp.Expr) -> exp.Expr:
    """With the columns of a grouping as those of the table that holds it."""
    out = tree.copy()
    for column in [out] if isinstance(out, exp.Column) else out.find_all(exp.Column):
        if column.table == _GROUPS:
            column.set("table", exp.to_identifier(INTERNAL, quoted=True))
    return out


def _after(tree: exp.Expr, grouped: _Grouped) -> exp.Expr:
    """What the finish computes of a grouping's columns."""
    out = exp.Paren(this=replaced_in(tree, grouped.replaced))
    kinds = {inner: kind for _, inner, kind in grouped.columns}
    for column in list(out.find_all(exp.Column)):
        if column.table == _GROUPS:
            column.replace(fragment(decoded(quoted(column.name), kinds[column.name])))
    inner: exp.Expr = out.this
    return inner
