"""A statement for Beam's own SQL: what its SqlTransform is given, and what is done before and after it.

Beam SQL joins, filters, groups and combines; for that its rows hold text, whole numbers, doubles and booleans only, under plain names.
Before it the embedded engine reads the files and computes what only one row of one table is needed for and Beam SQL would compute
otherwise (``BeamColumn.expression``). After it the same engine names, types and sorts the result (``BeamSql.finish``).
"""

from __future__ import annotations

from dataclasses import dataclass

from transforms.sql.scan import quoted

__all__ = ["ONE", "RESULT", "BeamColumn", "BeamInput", "BeamSql"]

RESULT = "~beam"
"""The relation's name under which the finish sees Beam SQL's rows."""
ONE = "extra_row"
"""An input of one row: what aggregates over no rows at all stand on."""


@dataclass(frozen=True)
class BeamColumn:
    """A column on its way into Beam SQL or out of it.

    Attributes:
        name: its plain name there.
        kind: ``varchar``, ``bigint``, ``double``, ``boolean``, or ``array(…)`` of one of them.
        expression: on the way in, the embedded engine's expression that computes it.
    """

    name: str
    kind: str
    expression: str = ""


@dataclass(frozen=True)
class BeamInput:
    """One input of the SqlTransform. ``relation`` is where its columns come from: ``"~log"``, ``"~ext:NAME"``, or empty for `ONE`."""

    name: str
    relation: str
    columns: tuple[BeamColumn, ...]

    def select(self) -> str:
        """The embedded engine's statement for its rows."""
        items = ", ".join(f"{column.expression} as {quoted(column.name)}" for column in self.columns)
        return f"select {items}" + (f" from {quoted(self.relation)}" if self.relation else "")


@dataclass(frozen=True)
class BeamSql:
    """A statement in three steps: the inputs' columns, Beam SQL, and the finish over `RESULT`.

    Attributes:
        sql: Beam SQL's statement over the inputs' names.
        inputs: what it reads.
        columns: what it gives.
        finish: the embedded engine's statement that makes the statement's result of it.
        failures: messages for rows that the statement cannot work with; rows carry their numbers.
        ordered: it has an ORDER BY, which Beam SQL does not do inside windows.
    """

    sql: str
    inputs: tuple[BeamInput, ...]
    columns: tuple[BeamColumn, ...]
    finish: str
    failures: tuple[str, ...] = ()
    ordered: bool = False
