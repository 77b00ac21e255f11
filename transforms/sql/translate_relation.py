"""FROM: the Logstore, ExternalStores, subqueries, WITH names, VALUES, UNNEST, and how they are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from transforms.core.suggest import nearest
from transforms.sql.functions.model import fill
from transforms.sql.translate_cast import common
from transforms.sql.translate_context import Context, Typed, name_of, span_of
from transforms.sql.translate_environment import Environment, Field, Relation
from transforms.sql.types_model import BIGINT, UNKNOWN, Type, parse_type
from transforms.stores.external_store import Column
from transforms.stores.metricstore import TABLE_SUFFIX

if TYPE_CHECKING:
    from transforms.sql.translate_query import QueryTranslator

__all__ = ["LOG", "RelationTranslator", "aliased"]

LOG = "~log"
_RESERVED = ("__time__", "__topic__", "__source__")
_WIDENED = {"tinyint": "BIGINT", "smallint": "BIGINT", "integer": "BIGINT", "int": "BIGINT", "real": "DOUBLE", "float": "DOUBLE"}


def aliased(tree: exp.Expr, name: str, columns: list[str] | None = None) -> exp.TableAlias:
    """The alias part of a relation, quoted."""
    del tree
    listed = [exp.Identifier(this=each, quoted=True) for each in columns] if columns else None
    return exp.TableAlias(this=exp.Identifier(this=name, quoted=True), columns=listed)


class RelationTranslator:
    """Translates what stands in FROM and JOIN; fills the environment's relations in order."""

    def __init__(self, context: Context, queries: QueryTranslator) -> None:
        self.context = context
        self.queries = queries
        self._unnamed = 0

    def current_logstore(self, env: Environment) -> exp.From:
        """What is read when a select has no FROM."""
        relation = self._log("log")
        env.relations.append(relation)
        return exp.From(this=self._table(LOG, relation.alias))

    def source(self, node: exp.Expr, env: Environment) -> exp.Expr:
        """One relation, added to ``env``."""
        if isinstance(node, exp.Table):
            for key in ("sample", "pivots", "when", "version", "only", "hints", "system_time"):
                if node.args.get(key):
                    raise self.context.error(node, f"{key.upper()} is not supported in FROM", "NotSupported")
            return self._named(node, env)
        if isinstance(node, exp.Subquery):
            return self._derived(node, env)
        if isinstance(node, exp.Values):
            return self._values(node, env)
        if isinstance(node, exp.Unnest):
            return self._unnest(node, env)
        raise self.context.error(node, f"{type(node).__name__} is not supported in FROM", "NotSupported",
                                 "FROM takes log, ExternalStores, subqueries, VALUES and UNNEST")  # fmt: skip

    def _add(self, env: Environment, relation: Relation, node: exp.Expr) -> None:
        if any(each.alias.casefold() == relation.alias.casefold() for each in env.relations):
            raise self.context.error(
                node, f"two tables of this FROM are called '{relation.alias}'", "TableAmbiguous", "give them different aliases"
            )
        env.relations.append(relation)

    def _table(self, name: str, alias: str) -> exp.Table:
        table = exp.Table(this=exp.Identifier(this=name, quoted=True))
        table.set("alias", aliased(table, alias))
        return table

    def _log(self, alias: str) -> Relation:
        listed = [each for each in self.context.scope.log_columns if each.name not in _RESERVED]
        last = [each for each in self.context.scope.log_columns if each.name in _RESERVED]
        last.sort(key=lambda each: _RESERVED.index(each.name))
        fields = [Field(each.name, parse_type(each.sql_type), each.analysable, listed=each.listed) for each in (*listed, *last)]
        return Relation(alias, fields, "log", self.context.scope.logstore)

    def _named(self, node: exp.Table, env: Environment) -> exp.Expr:
        name = ".".join(name_of(part) for part in node.parts)
        alias = node.alias or name
        scope = self.context.scope
        columns = [name_of(each) for each in (node.args["alias"].args.get("columns") or ())] if node.args.get("alias") else []
        cte = self.queries.common_tables.get(name.casefold())
        if cte is not None:
            relation = Relation(alias, [Field(each.name, each.type) for each in cte.fields], "derived")
            self._rename(relation, columns, node)
            self._add(env, relation, node)
            out = self._table(cte.name, alias)
            if columns:
                out.set("alias", aliased(out, alias, columns))
            return out
        if columns:
            raise self.context.error(node, "column aliases are not possible here", "NotSupported", "rename the columns in the select list")
        if scope.is_log(name) or (name.casefold() == scope.logstore.casefold() and scope.external(name) is None):
            relation = self._log(alias)
            self._add(env, relation, node)
            return self._table(LOG, alias)
        store, found = self._external(name)
        if store is None or found is None:
            known = ["log", scope.logstore, *scope.external_names]
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"known tables: {', '.join(dict.fromkeys(known))}"
            if name.endswith(TABLE_SUFFIX):
                hint = f"NAME{TABLE_SUFFIX} is the table of a Metricstore, for queries of that Metricstore itself"
            raise self.context.error(
                node.this, f"Table '{name}' does not exist: it is neither this Logstore nor an ExternalStore", "TableNotFound", hint
            )
        fields = [Field(each.name, parse_type(each.sql_type), True, _WIDENED.get(each.sql_type.casefold().split("(")[0])) for each in found]
        relation = Relation(alias, fields, "external", store)
        self._add(env, relation, node)
        self.context.external_columns.setdefault(store, [])
        return self._table(f"~ext:{store}", alias)

    def _external(self, name: str) -> tuple[str | None, tuple[Column, ...] | None]:
        scope = self.context.scope
        found = scope.external(name)
        if found is not None:
            exact = name in scope.external_names
            folded = next((each for each in scope.external_names if each.casefold() == name.casefold()), name)
            return (name if exact else folded), found
        for each in scope.external_names:
            if each.casefold() == name.casefold():
                return each, scope.external(each)
        return None, None

    def _rename(self, relation: Relation, columns: list[str], node: exp.Expr) -> None:
        if not columns:
            return
        if len(columns) != len(relation.fields):
            raise self.context.error(
                node, f"{relation.alias} has {len(relation.fields)} columns, but {len(columns)} names are given", "ColumnCountMismatch"
            )
        relation.fields = [Field(name, each.type) for name, each in zip(columns, relation.fields, strict=True)]

    def _fresh(self) -> str:
        self._unnamed += 1
        return f"~q{self._unnamed}"

    def _derived(self, node: exp.Subquery, env: Environment) -> exp.Expr:
        if node.args.get("pivots") or node.args.get("sample"):
            raise self.context.error(node, "PIVOT and TABLESAMPLE are not supported", "NotSupported")
        inner = node.this
        if isinstance(inner, exp.Table):
            return self.source(inner, env)
        tree, outputs = self.queries.query(node.unnest(), env.parent)
        alias = node.alias or self._fresh()
        columns = [name_of(each) for each in (node.args["alias"].args.get("columns") or ())] if node.args.get("alias") else []
        relation = Relation(alias, [Field(each.name, each.type) for each in outputs], "derived")
        self._rename(relation, columns, node)
        self._add(env, relation, node)
        out = exp.Subquery(this=tree)
        out.set("alias", aliased(out, alias, columns))
        return out

    def _values(self, node: exp.Values, env: Environment) -> exp.Expr:
        tree, fields = self.values(node, env)
        alias = node.alias or self._fresh()
        columns = [name_of(each) for each in (node.args["alias"].args.get("columns") or ())] if node.args.get("alias") else []
        relation = Relation(alias, fields, "derived")
        self._rename(relation, columns, node)
        self._add(env, relation, node)
        tree.set("alias", aliased(tree, alias, [each.name for each in relation.fields]))
        return tree

    def values(self, node: exp.Values, env: Environment) -> tuple[exp.Values, list[Field]]:
        """``VALUES (…), (…)`` with one type for each column."""
        rows = []
        for row in node.expressions:
            items = row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
            rows.append([self.queries.expressions.full(item, env) for item in items])
        if len({len(row) for row in rows}) > 1:
            raise self.context.error(node, "the rows of VALUES have different numbers of columns", "ColumnCountMismatch")
        columns: list[list[Typed]] = []
        types: list[Type] = []
        for column in zip(*rows, strict=True):
            values, found = common(self.context, list(column), span_of(node), "a column of VALUES")
            columns.append(values)
            types.append(found)
        trees = [exp.Tuple(expressions=[value.sql for value in row]) for row in zip(*columns, strict=True)]
        fields = [Field(f"_col{place}", found) for place, found in enumerate(types)]
        return exp.Values(expressions=trees), fields

    def _unnest(self, node: exp.Unnest, env: Environment) -> exp.Expr:
        alias_node = node.args.get("alias")
        alias = name_of(alias_node.this) if alias_node is not None and alias_node.this is not None else self._fresh()
        names = [name_of(each) for each in (alias_node.args.get("columns") or ())] if alias_node is not None else []
        offset = node.args.get("offset")
        reach = env.inner(clause="UNNEST", aggregates=False)
        parts: list[tuple[str, Type]] = []
        sources: list[tuple[str, exp.Expr]] = []
        for place, each in enumerate(node.expressions):
            value = self.queries.expressions.full(each, reach)
            if value.type.name == "map":
                parts += [(f"map_keys(_{place + 1})", value.type.args[0]), (f"map_values(_{place + 1})", value.type.args[1])]
            elif value.type.name in ("array", "unknown"):
                element = value.type.args[0] if value.type.args else UNKNOWN
                if element.name == "row" and element.args:
                    parts += [
                        (f"list_transform(_{place + 1}, lambda e: struct_extract(e, {at + 1}))", kind)
                        for at, kind in enumerate(element.args)
                    ]
                else:
                    parts.append((f"_{place + 1}", element))
            else:
                raise self.context.error(each, f"unnest takes an array or a map, not {value.type}", "TypeMismatch",
                                         "turn text into an array: cast(json_parse(x) as array(varchar))")  # fmt: skip
            sources.append((f"_{place + 1}", value.sql))
        args = [tree for _, tree in sources]
        projected = [(fill(f"UNNEST({template})", args), kind) for template, kind in parts]
        if offset:
            lengths = ", ".join(f"coalesce(len({template}), 0)" for template, _ in parts)
            projected.append((fill(f"UNNEST(generate_series(1, greatest({lengths})))", args), BIGINT))
            if isinstance(offset, exp.Identifier) and len(names) < len(projected):
                names.append(name_of(offset))
        if names and len(names) != len(projected):
            gives = f"unnest gives {len(projected)} column{'s' * (len(projected) != 1)} here, but {len(names)} names are given"
            hint = "write unnest(array) as t(a), unnest(map) as t(k, v)"
            raise self.context.error(node, gives, "ColumnCountMismatch", hint)
        names = names or [f"_col{place}" for place in range(len(projected))]
        select = exp.Select(
            expressions=[
                exp.Alias(this=tree, alias=exp.Identifier(this=name, quoted=True)) for name, (tree, _) in zip(names, projected, strict=True)
            ]
        )
        relation = Relation(alias, [Field(name, kind) for name, (_, kind) in zip(names, projected, strict=True)], "derived")
        first = not env.relations
        self._add(env, relation, node)
        inner = exp.Subquery(this=select)
        if first:
            inner.set("alias", aliased(inner, alias))
            return inner
        return exp.Lateral(this=inner, alias=aliased(inner, alias))

    def join(self, node: exp.Join, env: Environment) -> exp.Join:
        """One JOIN (or comma), with its condition."""
        if node.args.get("method"):
            raise self.context.error(node.this, f"{node.args['method']} JOIN is not supported", "NotSupported", "write join … on a.x = b.y")
        kind, side = (node.kind or "").upper(), (node.side or "").upper()
        if kind in ("SEMI", "ANTI") or side in ("SEMI", "ANTI"):
            raise self.context.error(node.this, f"{kind or side} JOIN is not supported", "NotSupported", "write where x in (select …)")
        before = list(env.relations)
        right = self.source(node.this, env)
        added = env.relations[len(before)]
        if added.kind == "log" and any(each.kind == "external" for each in before):
            stores = ", ".join(str(each.table) for each in before if each.kind == "external")
            raise self.context.error(
                node.this, f"the Logstore must stand before JOIN, the ExternalStore ({stores}) after it", "JoinOrder",
                f"write from log join {stores.split(',')[0]} on …; turn LEFT and RIGHT around",
            )  # fmt: skip
        condition: exp.Expr | None = None
        on, using = node.args.get("on"), node.args.get("using")
        if on is not None:
            condition = self.queries.expressions.condition(on, env.inner(clause="JOIN", aggregates=False), "the condition of JOIN").sql
        elif using:
            condition = self._using(using, before, added, side, env, node)
        elif (kind not in ("CROSS",) and (kind or side)) and not isinstance(node.this, exp.Unnest):
            raise self.context.error(node.this, f"{side or kind} JOIN needs a condition", "SyntaxError", "write join … on a.x = b.y")
        if condition is None:
            return exp.Join(this=right, kind="CROSS")
        if isinstance(right, exp.Lateral) and side in ("RIGHT", "FULL"):
            raise self.context.error(node.this, f"{side} JOIN with unnest is not supported", "NotSupported")
        return exp.Join(this=right, side=side or None, kind="INNER" if not side else None, on=condition)

    def _using(
        self, using: list[exp.Expr], before: list[Relation], added: Relation, side: str, env: Environment, node: exp.Join
    ) -> exp.Expr:
        if side in ("RIGHT", "FULL"):
            raise self.context.error(node.this, f"{side} JOIN with USING is not supported", "NotSupported", "write on a.x = b.x")
        parts: list[exp.Expr] = []
        for each in using:
            name = name_of(each)
            left = env.inner(relations=before).resolve(
                exp.Column(this=each.copy() if isinstance(each, exp.Identifier) else exp.to_identifier(name))
            )
            found = added.find(name)
            if found is None:
                raise self.context.error(each, f"{added.alias} has no column '{name}'", "ColumnNotResolved")
            right = env.read(added, found, each)
            one, other = self.queries.expressions.comparable(each, "=", left, right)
            parts.append(exp.EQ(this=one.sql, expression=other.sql))
            added.hidden.add(found.name)
        return exp.and_(*parts) if len(parts) > 1 else parts[0]
