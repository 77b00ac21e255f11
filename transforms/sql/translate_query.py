"""Queries: SELECT with its clauses, set operations, WITH, VALUES."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from transforms.sql.check_limits import limit_of
from transforms.sql.check_pushdown import Reading, readings_of
from transforms.sql.functions.aggregates import has_aggregate, is_aggregate
from transforms.sql.translate_context import NOT_CONSTANT, Context, Typed, name_of, number, span_of
from transforms.sql.translate_environment import Environment
from transforms.sql.translate_expression import ExpressionTranslator
from transforms.sql.translate_relation import RelationTranslator
from transforms.sql.types_model import Type, common_type

__all__ = ["CommonTable", "Output", "QueryTranslator"]

_CLAUSES = {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "with_"}


@dataclass(frozen=True)
class Output:
    """A column of a query's result."""

    name: str
    type: Type
    tree: exp.Expr


@dataclass(frozen=True)
class CommonTable:
    """A WITH entry."""

    name: str
    fields: tuple[Output, ...]


@dataclass
class _Item:
    name: str
    value: Typed
    alias: bool
    node: exp.Expr


class QueryTranslator:
    """Translates queries."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.common_tables: dict[str, CommonTable] = {}
        self.expressions = ExpressionTranslator(context, self)
        self.relations = RelationTranslator(context, self)
        self.readings: list[Reading] = []
        self.grouped = False

    def query(self, node: exp.Expr, parent: Environment | None = None, *, top: bool = False) -> tuple[exp.Query, list[Output]]:
        """Any query. ``top``: it is (a branch of) the outermost one, so it reads the Logstore when it has no FROM."""
        saved = dict(self.common_tables)
        try:
            tables = self._with(node, parent)
            if isinstance(node, exp.Subquery):
                if any(node.args.get(key) for key in ("order", "limit", "offset")):
                    tree, outputs = self.query(exp.Select(expressions=[exp.Star()], from_=exp.From(this=node)), parent, top=top)
                else:
                    tree, outputs = self.query(node.this, parent, top=top)
            elif isinstance(node, exp.Select):
                tree, outputs = self._select(node, parent, top)
            elif isinstance(node, exp.SetOperation):
                tree, outputs = self._set_operation(node, parent, top)
            elif isinstance(node, exp.Values):
                wrapped = exp.Select(expressions=[exp.Star()], from_=exp.From(this=node))
                tree, outputs = self._select(wrapped, parent, top)
            else:
                raise self.context.error(
                    node, f"{type(node).__name__.upper()} is not a query", "NotSupported", "write a select or insert into … select"
                )
        finally:
            self.common_tables = saved
        if tables:
            tree.set("with_", exp.With(expressions=tables))
        return tree, outputs

    def one_column(self, node: exp.Expr, env: Environment) -> tuple[exp.Query, Type]:
        """A subquery used as a value or a list."""
        tree, outputs = self.query(node, env)
        if len(outputs) != 1:
            raise self.context.error(node, f"a subquery used as a value must have one column, not {len(outputs)}", "ColumnCountMismatch")
        return tree, outputs[0].type

    def _with(self, node: exp.Expr, parent: Environment | None) -> list[exp.Expr]:
        clause = node.args.get("with_")
        if clause is None:
            return []
        if clause.args.get("recursive"):
            raise self.context.error(clause, "WITH RECURSIVE is not supported", "NotSupported")
        out: list[exp.Expr] = []
        for each in clause.expressions:
            name = name_of(each.args["alias"].this)
            tree, outputs = self.query(each.this, parent)
            columns = [name_of(column) for column in each.args["alias"].args.get("columns") or ()]
            if columns and len(columns) != len(outputs):
                raise self.context.error(
                    each, f"{name} has {len(outputs)} columns, but {len(columns)} names are given", "ColumnCountMismatch"
                )
            fields = [Output(columns[i] if columns else output.name, output.type, output.tree) for i, output in enumerate(outputs)]
            self.common_tables[name.casefold()] = CommonTable(name, tuple(fields))
            quoted = [exp.Identifier(this=column, quoted=True) for column in columns]
            alias = exp.TableAlias(this=exp.Identifier(this=name, quoted=True), columns=quoted or None)
            out.append(exp.CTE(this=tree, alias=alias))
        return out

    def _select(self, node: exp.Select, parent: Environment | None, top: bool) -> tuple[exp.Select, list[Output]]:
        for key, part in node.args.items():
            if part and key not in _CLAUSES:
                raise self.context.error(node, f"{key.strip('_').upper()} is not supported", "NotSupported")
        self.context.levels += 1
        labels = frozenset(each.alias.casefold() for each in node.expressions if isinstance(each, exp.Alias))
        env = Environment(self.context, parent=parent, level=self.context.levels, labels=labels)
        out = exp.Select()
        source = node.args.get("from_")
        if source is not None:
            out.set("from_", exp.From(this=self.relations.source(source.this, env)))
            joins = [self.relations.join(each, env) for each in (*(source.this.args.get("joins") or ()), *(node.args.get("joins") or ()))]
            out.set("joins", joins or None)
        elif top:
            out.set("from_", self.relations.current_logstore(env))
        elif any(True for _ in node.find_all(exp.Column)) and (parent is None or not parent.relations):
            raise self.context.error(
                node.expressions[0] if node.expressions else node, "a subquery needs FROM", "SyntaxError", "write from log"
            )
        where = node.args.get("where")
        if where is not None:
            condition = self.expressions.condition(where.this, env.inner(clause="WHERE", aggregates=False), "WHERE")
            out.set("where", exp.Where(this=condition.sql))
        items = self._items(node, env)
        groups, group_tree = self._group(node.args.get("group"), items, env)
        having_node, order_node = node.args.get("having"), node.args.get("order")
        having = self._having(having_node.this, items, env) if having_node is not None else None
        order = self._order(order_node, items, env, bool(node.args.get("distinct"))) if order_node is not None else []
        grouped = (
            group_tree is not None
            or having is not None
            or any(map(has_aggregate, (*(item.value.sql for item in items), *(each.this for each in order))))
        )
        if grouped:
            for item in items:
                self._check_grouped(item.value.sql, groups, env, item.node)
            if having is not None:
                self._check_grouped(having, groups, env, having_node)
            for each in order:
                if not (isinstance(each.this, exp.Literal)):
                    self._check_grouped(each.this, groups, env, order_node)
        out.set("expressions", [exp.Alias(this=item.value.sql, alias=exp.Identifier(this=item.name, quoted=True)) for item in items])
        out.set("group", group_tree)
        out.set("having", exp.Having(this=having) if having is not None else None)
        out.set("order", exp.Order(expressions=order) if order else None)
        if node.args.get("distinct"):
            if node.args["distinct"].args.get("on"):
                raise self.context.error(node, "DISTINCT ON is not supported", "NotSupported")
            out.set("distinct", exp.Distinct())
        self._limit(out, node, top)
        self.readings.extend(readings_of(env, out))
        return out, [Output(item.name, item.value.type, item.value.sql) for item in items]

    def _limit(self, out: exp.Query, node: exp.Expr, top: bool) -> None:
        count, offset = limit_of(self.context, node, top)
        if count is not None:
            out.set("limit", exp.Limit(expression=number(count)))
        if offset:
            out.set("offset", exp.Offset(expression=number(offset)))

    # the select list

    def _items(self, node: exp.Select, env: Environment) -> list[_Item]:
        items: list[_Item] = []
        for each in node.expressions:
            star = (
                each
                if isinstance(each, exp.Star)
                else each.this
                if isinstance(each, exp.Column) and isinstance(each.this, exp.Star)
                else None
            )
            if star is not None:
                table = each.args.get("table") if isinstance(each, exp.Column) else None
                items.extend(self._star(each, name_of(table) if table is not None else None, env))
                continue
            if isinstance(each, exp.Alias):
                items.append(_Item(name_of(each.args["alias"]), self.expressions.full(each.this, env), True, each.this))
                continue
            value = self.expressions.full(each, env)
            if isinstance(each, exp.Column) and value.sql.find(exp.Column) is not None:
                found = value.sql.find(exp.Column)
                items.append(_Item(found.meta.get("name", found.name) if found is not None else each.name, value, False, each))
            else:
                items.append(_Item(f"_col{len(items)}", value, False, each))
        if not items:
            raise self.context.error(node, "the select list is empty", "SyntaxError", "write select * or the columns you want")
        return self._distinct_names(items)

    def _distinct_names(self, items: list[_Item]) -> list[_Item]:
        taken = {item.name.casefold() for item in items}
        seen: set[str] = set()
        for item in items:
            if item.name.casefold() in seen:
                count = 1
                while f"{item.name}_{count}".casefold() in taken:
                    count += 1
                self.context.warn(f"two columns of the result are called {item.name}; the second one becomes {item.name}_{count}")
                item.name = f"{item.name}_{count}"
                taken.add(item.name.casefold())
            seen.add(item.name.casefold())
        return items

    def _star(self, node: exp.Expr, table: str | None, env: Environment) -> Iterator[_Item]:
        if isinstance(node, exp.Star) and any(node.args.get(key) for key in ("except_", "replace", "rename", "except")):
            raise self.context.error(node, "* EXCEPT and * REPLACE are not supported", "NotSupported", "list the columns")
        relations = env.relations
        if table is not None:
            found = env.relation(table)
            if found is None:
                raise self.context.error(node, f"there is no table '{table}' here", "TableNotFound")
            relations = [found]
        if not relations:
            raise self.context.error(node, "'*' needs FROM", "SyntaxError", "write from log")
        for relation in relations:
            for each in relation.fields:
                if each.analysable and each.listed and (table is not None or each.name not in relation.hidden):
                    yield _Item(each.name, env.read(relation, each, node), False, node)

    # GROUP BY, HAVING, ORDER BY

    def _group(self, group: exp.Expr | None, items: list[_Item], env: Environment) -> tuple[list[exp.Expr], exp.Group | None]:
        if group is None:
            return [], None
        trees: list[exp.Expr] = []
        if group.args.get("all"):
            places = [place for place, item in enumerate(items) if not has_aggregate(item.value.sql)]
            return [items[place].value.sql for place in places], exp.Group(
                expressions=[number(place + 1) for place in places]
            ) if places else None
        if not group.expressions:
            raise self.context.error(group, "GROUP BY needs a column, an alias or a position", "SyntaxError", "write group by 1")
        out = exp.Group()
        plain: list[exp.Expr] = []
        for node in group.expressions:
            if isinstance(node, (exp.Rollup, exp.Cube)):
                kind = type(node)
                listed = [[self._key(each, items, env)[0] for each in _members(member)] for member in node.expressions]
                trees += [tree for member in listed for tree in member]
                out.append(kind.__name__.lower(), kind(expressions=[_tupled(member) for member in listed]))
            elif isinstance(node, exp.GroupingSets):
                sets = [[self._key(each, items, env)[0] for each in _members(member)] for member in node.expressions]
                trees += [tree for member in sets for tree in member]
                out.append("grouping_sets", exp.GroupingSets(expressions=[exp.Tuple(expressions=member) for member in sets]))
            else:
                for each in _members(node):
                    tree, place = self._key(each, items, env)
                    trees.append(tree)
                    plain.append(number(place + 1) if place is not None else tree.copy())
        out.set("expressions", plain)
        return trees, out

    def _key(self, node: exp.Expr, items: list[_Item], env: Environment) -> tuple[exp.Expr, int | None]:
        """A grouping key: an ordinal, an output alias (which wins over an input column), or an expression."""
        place = self._ordinal(node, items, "GROUP BY")
        if place is None and isinstance(node, exp.Column) and node.args.get("table") is None:
            place = next((i for i, item in enumerate(items) if item.alias and item.name.casefold() == node.name.casefold()), None)
        if place is None:
            value = self.expressions.full(node, env.inner(clause="GROUP BY", aggregates=False))
            place = next((i for i, item in enumerate(items) if item.value.sql == value.sql), None)
            return value.sql, place
        if has_aggregate(items[place].value.sql):
            raise self.context.error(node, f"GROUP BY cannot contain the aggregate '{items[place].name}'", "AggregateNotAllowed",
                                     "group by the columns that are not aggregated")  # fmt: skip
        return items[place].value.sql, place

    def _ordinal(self, node: exp.Expr, items: list[_Item], clause: str) -> int | None:
        if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
            return None
        place = int(node.this)
        if not 1 <= place <= len(items):
            raise self.context.error(
                node, f"{clause} position {place} is not in the select list", "InvalidOrdinal", f"positions are 1 to {len(items)}"
            )
        return place - 1

    def _having(self, node: exp.Expr, items: list[_Item], env: Environment) -> exp.Expr:
        def alias(name: str) -> Typed | None:
            found = next((item for item in items if item.alias and item.name.casefold() == name.casefold()), None)
            if found is None:
                return None
            if has_aggregate(found.value.sql) or not any(relation.find(name) for relation in env.relations):
                return Typed(found.value.sql.copy(), found.value.type)
            return None

        return self.expressions.condition(node, env.inner(clause="HAVING", aliases=alias), "HAVING").sql

    def _order(self, order: exp.Expr, items: list[_Item], env: Environment, distinct: bool) -> list[exp.Ordered]:
        def alias(name: str) -> Typed | None:
            found = next((item for item in items if item.alias and item.name.casefold() == name.casefold()), None)
            return Typed(found.value.sql.copy(), found.value.type) if found is not None else None

        out: list[exp.Ordered] = []
        for term in order.expressions:
            node = term.this
            place = self._ordinal(node, items, "ORDER BY")
            if place is None and isinstance(node, exp.Column) and node.args.get("table") is None:
                place = next((i for i, item in enumerate(items) if item.alias and item.name.casefold() == node.name.casefold()), None)
            if place is None:
                value = self.expressions.full(node, env.inner(clause="ORDER BY", aliases=alias))
                self._sortable(node, value.type)
                if value.constant is not NOT_CONSTANT:
                    continue  # a constant orders nothing
                place = next((i for i, item in enumerate(items) if item.value.sql == value.sql), None)
                if place is None and distinct:
                    raise self.context.error(
                        node, "with SELECT DISTINCT, ORDER BY takes only what is selected", "NotSupported", "add it to the select list"
                    )
                tree: exp.Expr = number(place + 1) if place is not None else value.sql
            else:
                self._sortable(node, items[place].value.type)
                tree = number(place + 1)
            out.append(ordered(tree, term))
        return out

    def _sortable(self, node: exp.Expr, type_: Type) -> None:
        if type_.name == "map":
            raise self.context.error(node, f"{type_} has no order", "TypeMismatch", "order by a part of it")

    def _check_grouped(self, tree: exp.Expr, groups: list[exp.Expr], env: Environment, where: exp.Expr | None) -> None:
        if is_aggregate(tree) or any(tree == group for group in groups):
            return
        if isinstance(tree, exp.Column) and tree._meta and tree.meta.get("level") == env.level:
            meta = tree.meta
            at = (meta["start"], meta["end"] + 1) if "start" in meta else span_of(where)
            name = meta.get("name", tree.name)
            raise self.context.error(
                at, f"Column '{name}' not in GROUP BY clause", "NotInGroupBy", f"add it to GROUP BY, or write arbitrary({name})"
            )
        for child in tree.iter_expressions():
            self._check_grouped(child, groups, env, where)

    # set operations

    def _set_operation(self, node: exp.SetOperation, parent: Environment | None, top: bool) -> tuple[exp.Query, list[Output]]:
        if node.args.get("by_name"):
            raise self.context.error(node, "BY NAME is not supported", "NotSupported")
        left, one = self._branch(node.this, parent, top)
        right, other = self._branch(node.expression, parent, top)
        word = type(node).__name__.upper()
        if len(one) != len(other):
            raise self.context.error(
                node.expression, f"the sides of {word} have {len(one)} and {len(other)} columns", "ColumnCountMismatch"
            )
        outputs = []
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            both = common_type(a.type, b.type)
            if both is None:
                raise self.context.error(node.expression, f"column {place + 1} of {word} is {a.type} on one side and {b.type} on the other", "TypeMismatch",
                                         "cast one side")  # fmt: skip
            outputs.append(Output(a.name, both, a.tree))
        out = type(node)(this=left, expression=right, distinct=bool(node.args.get("distinct")))
        order = node.args.get("order")
        if order is not None:
            out.set("order", exp.Order(expressions=[self._set_order(term, outputs) for term in order.expressions]))
        self._limit(out, node, top)
        return out, outputs

    def _branch(self, node: exp.Expr, parent: Environment | None, top: bool) -> tuple[exp.Expr, list[Output]]:
        """One side of a set operation; parentheses where it has an order or limit of its own."""
        inner = node.this if isinstance(node, exp.Subquery) else node
        tree, outputs = self.query(inner, parent, top=top)
        if top and isinstance(tree, exp.Query) and inner.args.get("limit") is None:
            tree.set("limit", None)
        wrap = any(tree.args.get(key) for key in ("order", "limit", "offset", "with_")) or isinstance(node, exp.Subquery)
        return (exp.Subquery(this=tree) if wrap else tree), outputs

    def _set_order(self, term: exp.Expr, outputs: list[Output]) -> exp.Ordered:
        node = term.this
        names = [_Item(output.name, Typed(output.tree, output.type), True, node) for output in outputs]
        place = self._ordinal(node, names, "ORDER BY")
        if place is None and isinstance(node, exp.Column):
            place = next((i for i, output in enumerate(outputs) if output.name.casefold() == node.name.casefold()), None)
        if place is None:
            raise self.context.error(node, "after a set operation ORDER BY takes result columns only", "ColumnNotResolved",
                                     f"they are {', '.join(output.name for output in outputs)}")  # fmt: skip
        return ordered(number(place + 1), term)


def ordered(tree: exp.Expr, term: exp.Expr) -> exp.Ordered:
    """An ORDER BY term; NULLs come last in both directions unless the statement says otherwise."""
    return exp.Ordered(this=tree, desc=bool(term.args.get("desc")), nulls_first=bool(term.args.get("nulls_first")))


def _members(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return [node.this] if isinstance(node, exp.Paren) else [node]


def _tupled(trees: list[exp.Expr]) -> exp.Expr:
    return trees[0].copy() if len(trees) == 1 else exp.Tuple(expressions=[tree.copy() for tree in trees])
