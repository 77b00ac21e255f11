"""A statement translated for Beam's own SQL, or refused where that cannot do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import Location, StatementError
from transforms.sql.beam_sql import BeamSql

if TYPE_CHECKING:
    from transforms.sql.analysis import Analysis
    from transforms.sql.scope import Scope

__all__ = ["translate_for_beam"]


def translate_for_beam(analysis: Analysis, scope: Scope) -> BeamSql:
    """The statement for Beam SQL.

    Raises:
        StatementError: code ``BeamSqlUnsupported``, located; the message names what Beam SQL cannot do, or not as we do.
    """
    from transforms.sql.beam_sql_query import translate
    from transforms.sql.beam_sql_refusal import Refused

    try:
        return translate(analysis, scope)
    except Refused as refused:
        sql, base = analysis.statement.sql or "", analysis.statement.sql_start
        start, end = refused.span(sql)
        raise StatementError(
            f"{refused.what} cannot run on the engine beam-sql{': ' + refused.why if refused.why else ''}",
            hint="the embedded engine can: leave --sql-engine away",
            location=Location(analysis.statement.text, base + start, base + end),
            code="BeamSqlUnsupported",
        ) from None
