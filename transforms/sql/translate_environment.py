"""What names mean at one place of a statement: relations with their columns, lambda variables, output aliases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from transforms.core.suggest import nearest
from transforms.sql.translate_context import Context, Typed, column, name_of, span_of
from transforms.sql.types_model import Type

__all__ = ["Environment", "Field", "Relation"]


@dataclass(frozen=True)
class Field:
    """A column of a relation. ``cast``: the engine type it is brought to when read. ``listed``: part of ``*``."""

    name: str
    type: Type
    analysable: bool = True
    cast: str | None = None
    listed: bool = True


@dataclass
class Relation:
    """One entry of FROM.

    Attributes:
        alias: its name in the statement; ``table``: the store's name.
        hidden: columns that USING took over from the other side: only reachable with the alias in front.
    """

    alias: str
    fields: list[Field]
    kind: Literal["log", "external", "derived"]
    table: str | None = None
    hidden: set[str] = field(default_factory=set)

    def find(self, name: str) -> Field | None:
        folded = name.casefold()
        found = None
        for each in self.fields:
            if each.name == name:
                return each
            if found is None and each.name.casefold() == folded:
                found = each
        return found


@dataclass
class Environment:
    """Names in reach.

    Attributes:
        aliases: in ORDER BY and HAVING, answers for unqualified names before the relations do.
        labels: the output aliases of the select, for hints.
        level: the select's number; its columns carry it.
    """

    context: Context
    relations: list[Relation] = field(default_factory=list)
    parent: Environment | None = None
    variables: dict[str, Typed] = field(default_factory=dict)
    aliases: Callable[[str], Typed | None] | None = None
    clause: str = "SELECT"
    aggregates: bool = True
    level: int = 0
    labels: frozenset[str] = frozenset()

    def inner(self, **changes: object) -> Environment:
        """The same place with some settings changed."""
        from dataclasses import replace

        return replace(self, **changes)  # type: ignore[arg-type]

    def relation(self, name: str) -> Relation | None:
        folded = name.casefold()
        for each in self.relations:
            if each.alias.casefold() == folded:
                return each
        # A store may also be called by its own name, as long as that is unambiguous.
        named = [each for each in self.relations if each.table is not None and each.table.casefold() == folded]
        return named[0] if len(named) == 1 else None

    def resolve(self, node: exp.Column) -> Typed:
        """The column a name means. Raises the located error the dialect has for it."""
        name = name_of(node.this)
        table = node.args.get("table")
        if table is None:
            if name.casefold() in self.variables:
                return self.variables[name.casefold()]
            if self.aliases is not None:
                alias = self.aliases(name)
                if alias is not None:
                    return alias
        place: Environment | None = self
        while place is not None:
            found = place._here(name, name_of(table) if table is not None else None, node)
            if found is not None:
                return found
            place = place.parent
        raise self._unknown(node, name, table)

    def _here(self, name: str, table: str | None, node: exp.Column) -> Typed | None:
        if table is not None:
            relation = self.relation(table)
            if relation is None:
                return None
            candidates = [relation]
        else:
            candidates = self.relations
        hits = []
        for relation in candidates:
            found = relation.find(name)
            if found is not None and found.analysable and (table is not None or found.name not in relation.hidden):
                hits.append((relation, found))
        if len(hits) > 1:
            owners = " and ".join(relation.alias for relation, _ in hits)
            hint = f"write {hits[0][0].alias}.{name} or {hits[1][0].alias}.{name}"
            raise self.context.error(node, f"Column '{name}' is ambiguous: {owners} have it", "ColumnAmbiguous", hint)
        if not hits:
            return None
        return self.read(*hits[0], node)

    def read(self, relation: Relation, found: Field, node: exp.Expr | None = None) -> Typed:
        """Use a column: note it, and give its tree."""
        if relation.kind == "log":
            self.context.log_columns.add(found.name)
        elif relation.kind == "external" and relation.table is not None:
            used = self.context.external_columns.setdefault(relation.table, [])
            if found.name not in used:
                used.append(found.name)
        span = span_of(node)
        out: exp.Expr = column(found.name, relation.alias)
        out.meta.update(level=self.level, relation=relation.alias, name=found.name)
        if span is not None:
            out.meta.update(start=span[0], end=span[1] - 1)
        if found.cast is not None:
            out = exp.Cast(this=out, to=exp.DataType.build(found.cast, dialect="duckdb"))
        return Typed(out, found.type, span)

    def fields_in_reach(self) -> Iterator[tuple[Relation, Field]]:
        place: Environment | None = self
        while place is not None:
            for relation in place.relations:
                for each in relation.fields:
                    yield relation, each
            place = place.parent

    def _unknown(self, node: exp.Column, name: str, table: exp.Expr | None) -> Exception:
        location = self.context.location(node)
        place = f"line {location.line}:{location.column}: "
        if table is not None and not any(place_.relation(name_of(table)) for place_ in self._chain()):
            known = sorted({relation.alias for relation, _ in self.fields_in_reach()})
            near = nearest(name_of(table), known)
            hint = f"did you mean {near}.{name}?" if near else f"the tables of this query are {', '.join(known)}" if known else None
            return self.context.error(node, f"{place}Column '{name_of(table)}.{name}' cannot be resolved: there is no table '{name_of(table)}' here",
                                      "ColumnNotResolved", hint)  # fmt: skip
        message = f"{place}Column '{name}' cannot be resolved;please add the column in the index attribute"
        quoted = isinstance(node.this, exp.Identifier) and bool(node.this.quoted)
        if quoted:
            message += f"; it seems {name} is wrapper by \";if {name} is a string ,not a key field, please use '{name}'"
        kept_out = any(each.name.casefold() == name.casefold() and not each.analysable for _, each in self.fields_in_reach())
        candidates = {each.name for _, each in self.fields_in_reach() if each.analysable}
        near = nearest(name, candidates)
        logstore = self.context.scope.logstore
        index = f"logsluice logstore update {logstore} --index FILE"
        if self.clause in ("WHERE", "JOIN") and name.casefold() in self.labels:
            hint = f"{self.clause} does not know output aliases: repeat the expression, or put it into a subquery"
        elif kept_out:
            hint = f"'{name}' is indexed but kept out of SQL (doc_value false); change that with `{index}`"
        elif near is not None:
            hint = f"did you mean '{near}'? or add the field to the index with `{index}`"
        elif not self.context.scope.strict:
            listed = f"; its fields are {', '.join(sorted(candidates))}" if 0 < len(candidates) <= 12 else ""
            hint = f"no log of this Logstore has such a field{listed}"
        else:
            hint = f"add the field to the index with `{index}`"
        return self.context.error(node, message, "ColumnNotResolved", hint)

    def _chain(self) -> Iterator[Environment]:
        place: Environment | None = self
        while place is not None:
            yield place
            place = place.parent
