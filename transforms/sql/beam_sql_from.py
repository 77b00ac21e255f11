"""FROM in Beam SQL's words: tables, subqueries, WITH names, UNNEST, and equality joins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from transforms.sql.beam_sql_expression import Expressions
from transforms.sql.beam_sql_inputs import Source
from transforms.sql.beam_sql_refusal import Refused
from transforms.sql.scan import LOG

__all__ = ["Columns", "FromReader", "conjuncts"]

Columns = list[tuple[str, str, str]]
"""Of a query's result: each column's name in the statement, its name in Beam SQL, its kind."""


@dataclass
class FromReader:
    """Reads the FROM of one SELECT.

    Attributes:
        expressions: gets the tables as they are read.
        nested: translates a subquery to its text and its columns.
        common: WITH names in reach.
        kept: conditions for WHERE that stood in an inner JOIN.
        present: Beam SQL's expressions that WHERE must find not to be NULL.
    """

    expressions: Expressions
    nested: Callable[[exp.Query], tuple[str, Columns]]
    common: dict[str, exp.CTE]
    kept: list[exp.Expr] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    _outer: bool = False

    def read(self, node: exp.Select, conditions: list[exp.Expr]) -> str:
        """The text after FROM. Equalities that a cross join needs are looked for in ``conditions``, those of WHERE."""
        source = node.args.get("from_")
        if source is None:
            raise Refused("a select without FROM", node)
        self._outer = any((join.side or "").upper() in ("RIGHT", "FULL") for join in node.args.get("joins") or ())
        text = self._add(source.this)
        for join in node.args.get("joins") or ():
            if isinstance(join.this, exp.Lateral):
                text += self._unnest(join.this, join)
            else:
                text += self._join(join, conditions)
        return text

    def _source(self, node: exp.Expr) -> tuple[Source, str]:
        expressions, name = self.expressions, self.expressions.inputs.fresh()
        alias = node.alias
        renamed = [column.name for column in node.args["alias"].args.get("columns") or ()] if node.args.get("alias") else []
        if isinstance(node, exp.Table) and node.name not in self.common:
            if node.name != LOG and not node.name.startswith("~ext:"):
                raise Refused(f"the table {node.name}", node)
            return Source(alias, name, node.name), f"{expressions.inputs.name(node.name)} AS {name}"
        if isinstance(node, exp.Table):
            entry = self.common[node.name]
            query = entry.this
            renamed = renamed or [column.name for column in entry.args["alias"].args.get("columns") or ()]
        elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
            query = node.this
        else:
            raise Refused("VALUES or UNNEST at this place of FROM", node, word="values|unnest")
        text, columns = self.nested(query)
        names = renamed or [column[0] for column in columns]
        found = {shown: (inner, kind) for shown, (_, inner, kind) in zip(names, columns, strict=True)}
        return Source(alias, name, None, found), f"({text}) AS {name}"

    def _add(self, node: exp.Expr) -> str:
        source, text = self._source(node)
        self.expressions.sources.append(source)
        return text

    def _unnest(self, node: exp.Lateral, join: exp.Join) -> str:
        select = node.this.this
        items = select.expressions
        unnested = items[0].unalias() if len(items) == 1 else None
        array = unnested.expressions[0] if isinstance(unnested, (exp.Anonymous, exp.Unnest)) and unnested.expressions else None
        if array is None or join.side or join.args.get("on") is not None:
            raise Refused("UNNEST other than of one array after CROSS JOIN", node, word="unnest")
        value = self.expressions.value(array)
        if not value.kind.startswith("array("):
            raise Refused("UNNEST of such a value", node, word="unnest")
        source = Source(node.alias, self.expressions.inputs.fresh(), None, {items[0].alias: ("e0", value.kind[6:-1])})
        self.expressions.sources.append(source)
        return f" CROSS JOIN UNNEST({value.sql}) AS {source.name} (e0)"

    def _join(self, join: exp.Join, conditions: list[exp.Expr]) -> str:
        before = list(self.expressions.sources)
        side = (join.side or "").upper()
        text = self._add(join.this)
        added = self.expressions.sources[-1]
        on = join.args.get("on")
        found = conjuncts(on) if on is not None else conditions
        found_pairs = [(self._pair(condition, before, added), condition) for condition in found]
        pairs = [pair for pair, _ in found_pairs if pair is not None]
        rest = [condition for pair, condition in found_pairs if pair is None]
        if not pairs:
            raise Refused("a join without an equality of columns", join, word="join")
        if rest and side == "LEFT" and all(self._only(added, condition) for condition in rest):
            # The same as to join with just those rows.
            rows = " AND ".join(self.expressions.value(condition).sql for condition in rest)
            text = f"(SELECT * FROM {text} WHERE {rows}) AS {added.name}"
        elif rest and on is not None:
            if side or self._outer:
                what = f"a {side} JOIN" if side else "a JOIN beside an outer one"
                raise Refused(
                    f"a condition other than equalities in {what}",
                    rest[0],
                    word=rf"{side.casefold()}\s+(outer\s+)?join" if side else "join",
                )
            self.kept += rest
        equalities = " AND ".join(self._equal(*pair, side) for pair in pairs)
        if side in ("LEFT", "FULL"):
            added.optional = True
        if side in ("RIGHT", "FULL"):
            for source in before:
                source.optional = True
        return f" {side or 'INNER'} JOIN {text} ON {equalities}"

    def _pair(self, condition: exp.Expr, before: list[Source], added: Source) -> tuple[exp.Expr, exp.Expr] | None:
        """The two sides of an equality, the earlier tables' first."""
        condition = condition.unnest()
        if not isinstance(condition, exp.EQ):
            return None
        sides = (condition.this, condition.expression)
        owners = [{id(self.expressions.source(column)) for column in each.find_all(exp.Column)} for each in sides]
        earlier = {id(source) for source in before}
        if not owners[0] or not owners[1] or condition.find(exp.Query):
            return None
        if owners[0] <= earlier and owners[1] == {id(added)}:
            return sides[0], sides[1]
        return (sides[1], sides[0]) if owners[1] <= earlier and owners[0] == {id(added)} else None

    def _only(self, source: Source, condition: exp.Expr) -> bool:
        return condition.find(exp.Query) is None and all(
            self.expressions.source(column) is source for column in condition.find_all(exp.Column)
        )

    def _equal(self, left: exp.Expr, right: exp.Expr, side: str) -> str:
        """An equality of keys. Beam SQL's joins take two NULLs for equal, so there must be none."""
        one, other = self.expressions.value(left), self.expressions.value(right)
        if one.kind != other.kind or one.kind not in ("bigint", "varchar", "timestamp", "date"):
            raise Refused(f"a join on {one.kind}" + (f" and {other.kind}" if other.kind != one.kind else ""), left)
        if not side and not self._outer:
            self.present.append(one.sql)
            return f"{one.sql} = {other.sql}"
        texts = (each.sql if each.kind == "varchar" else f"CAST({each.sql} AS VARCHAR)" for each in (one, other))
        return " = ".join(f"COALESCE('=' || {text}, '{none}')" for text, none in zip(texts, ("left", "right"), strict=True))


def conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """The conditions that AND joins."""
    node = node.unnest() if isinstance(node, exp.Paren) else node
    if isinstance(node, exp.And):
        return [*conjuncts(node.this), *conjuncts(node.expression)]
    return [node]
