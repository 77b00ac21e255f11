"""The inputs of a Beam SQL statement: which columns each table must bring, and what is computed into them beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from transforms.sql.beam_sql import ONE, BeamColumn, BeamInput
from transforms.sql.beam_sql_refusal import Refused, called
from transforms.sql.scan import LOG, literal
from transforms.sql.scope import Scope
from transforms.sql.types_model import parse_type

__all__ = ["CALCITE", "Inputs", "Source", "Value", "carried", "decoded", "unqualified"]

CALCITE = {"varchar": "VARCHAR", "bigint": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN", "timestamp": "BIGINT", "date": "BIGINT",
           "json": "VARCHAR", "null": "VARCHAR", "digits": "VARCHAR"}  # fmt: skip
"""What carries a value of each kind through Beam SQL: times are microseconds since 1970 on the clocks they show, ``digits`` doubles."""
_DECODED = {"json": "json", "digits": "double"}
_PLAIN = ("varchar", "bigint", "double", "boolean")
_CARRIER = {"timestamp": "bigint", "date": "bigint", "json": "varchar", "null": "varchar"}


@dataclass(frozen=True)
class Value:
    """An expression in Beam SQL's words; ``bound``: it is a whole number not beyond ±bound, when that is known."""

    sql: str
    kind: str
    bound: float | None = None


@dataclass
class Source:
    """A table of a FROM: ``alias`` in the statement, ``name`` in Beam SQL.

    Attributes:
        relation: of an input, where it comes from.
        columns: of a subquery, its columns: statement's name → Beam SQL's name and kind.
        optional: an outer join may leave it without a row.
    """

    alias: str
    name: str
    relation: str | None = None
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    optional: bool = False


def carried(sql: str, kind: str) -> str:
    """The embedded engine's expression for what carries this value."""
    if kind in ("timestamp", "date"):
        return f"epoch_us(cast({sql} as timestamp))"
    return f"cast({sql} as {_carrier(kind)})"


def decoded(sql: str, kind: str) -> str:
    """The embedded engine's expression for the value that this carries."""
    if kind == "null":
        return "NULL"
    if kind == "timestamp":
        return f"make_timestamp({sql})"
    if kind == "date":
        return f"cast(make_timestamp({sql}) as date)"
    return f"cast({sql} as {_DECODED[kind]})" if kind in _DECODED else sql


def _carrier(kind: str) -> str:
    return f"{_carrier(kind[6:-1])}[]" if kind.startswith("array(") else _CARRIER.get(kind, kind)


class Inputs:
    """Collects what each table must bring. ``single``: there will be one input, which Beam SQL knows by a name of its own."""

    def __init__(self, scope: Scope, *, single: bool = False) -> None:
        self._single = single
        self._log = {column.name: column.sql_type for column in scope.log_columns}
        self._external = scope.external
        self._names: dict[str, str] = {}
        self._columns: dict[str, dict[str, BeamColumn]] = {}
        self._one = False
        self._sources = 0
        self.failures: list[str] = []

    def state(self) -> dict[str, int]:
        """How much has been collected, for `forget`."""
        return {"": len(self.failures), **{relation: len(columns) for relation, columns in self._columns.items()}}

    def forget(self, state: dict[str, int]) -> None:
        """Drop what was collected since: an attempt that led nowhere needs no columns."""
        del self.failures[state[""] :]
        for relation, columns in self._columns.items():
            for late in list(columns)[state.get(relation, 0) :]:
                del columns[late]

    def fresh(self) -> str:
        """A name for a table that no other has."""
        self._sources += 1
        return f"t{self._sources}"

    def name(self, relation: str) -> str:
        """What an input is called in Beam SQL."""
        if relation not in self._names:
            number = len([name for name in self._names if name != LOG]) + 1
            self._names[relation] = "PCOLLECTION" if self._single else "log" if relation == LOG else f"store{number}"
            self._columns[relation] = {}
        return self._names[relation]

    def one(self) -> str:
        """The input of one row."""
        self._one = True
        return ONE

    def stored_kind(self, relation: str, column: str) -> str:
        """The kind of a column as it is stored."""
        if relation == LOG:
            return parse_type(self._log[column]).name
        for each in self._external(relation.removeprefix("~ext:")) or ():
            if each.name == column:
                return parse_type(each.sql_type).name
        raise KeyError(column)

    def column(self, relation: str, expression: str, kind: str, node: exp.Expr | None = None) -> str:
        """The name of an input's column that carries an expression over the table."""
        if kind not in CALCITE and not (kind.startswith("array(") and kind[6:-1] in _PLAIN):
            raise Refused(f"a value of type {kind}", node)
        self.name(relation)
        columns = self._columns[relation]
        if expression not in columns:
            travels = f"array({_carrier(kind)[:-2]})" if kind.startswith("array(") else _carrier(kind)
            columns[expression] = BeamColumn(f"c{len(columns)}", travels, carried(expression, kind))
        return columns[expression].name

    def guarded(self, source: Source, node: exp.Expr, kind: str, message: str) -> str:
        """Beam SQL for an expression that may fail: it fails when, and only when, Beam SQL asks for the value of a row that fails."""
        assert source.relation is not None
        tree, reached = _without_error(node)
        expression = unqualified(tree)
        value = f"{source.name}.{self.column(source.relation, f'try({expression})', kind, node)}"
        if message not in self.failures:
            self.failures.append(message)
        mark = literal(f"failure~{self.failures.index(message)}~")
        failed = f"case when try(case when ({expression}) is null then 1 else 0 end) is null{_or(reached)} then {mark} end"
        mark_sql = f"{source.name}.{self.column(source.relation, failed, 'varchar')}"
        # A mark is no number: to cast it is to fail, with the mark in the message.
        fail = {"varchar": f"CAST(CAST({mark_sql} AS BIGINT) AS VARCHAR)", "boolean": f"CAST({mark_sql} AS BIGINT) = 0"}.get(
            _CARRIER.get(kind, kind), f"CAST({mark_sql} AS {CALCITE.get(kind, '')})"
        )
        return f"(CASE WHEN {mark_sql} IS NOT NULL THEN {fail} ELSE {value} END)"

    def done(self) -> tuple[BeamInput, ...]:
        """The inputs, each with at least a column, so that rows can be counted."""
        found = []
        for relation, name in self._names.items():
            columns = tuple(self._columns[relation].values()) or (BeamColumn("c0", "bigint", "cast(1 as bigint)"),)
            found.append(BeamInput(name, relation, columns))
        if self._one:
            found.append(BeamInput(ONE, "", (BeamColumn("c0", "bigint", "cast(1 as bigint)"),)))
        return tuple(found)


def _or(reached: exp.Expr | None) -> str:
    return "" if reached is None else f" or coalesce(try({unqualified(reached)}), 1) = 1"


def _without_error(node: exp.Expr) -> tuple[exp.Expr, exp.Expr | None]:
    """An expression without its call of ``error``, which try(…) does not hold, and one that is 1 where the call is reached."""
    calls = [each for each in node.find_all(exp.Anonymous) if str(each.this).casefold() == "error"]
    if not calls:
        return node, None
    tree = node.unnest()
    default = tree.args.get("default")
    if not isinstance(tree, exp.Case) or len(calls) != 1 or default is None or default.unnest() is not calls[0]:
        raise Refused(f"{called(node)} inside another expression", node)
    value, reached = tree.copy(), tree.copy()
    value.set("default", None)
    for branch in reached.args["ifs"]:
        branch.set("true", exp.Literal.number(0))
    reached.set("default", exp.Literal.number(1))
    return value, reached


def unqualified(node: exp.Expr) -> str:
    """The embedded engine's text of an expression over the columns of a single table."""
    copy: Any = node.copy()
    for column in copy.find_all(exp.Column):
        column.set("table", None)
    return str(copy.sql(dialect="duckdb"))
