"""Functions that stand alone in a select list and give a table: ``histogram_u``, ``series_padding``."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from transforms.sql.translate_context import Context
from transforms.sql.translate_query import Output

__all__ = ["rewrite_table_functions"]

Finish = Callable[[Context, exp.Query, list[Output]], tuple[exp.Query, list[Output]]]


def _unchanged(_context: Context, tree: exp.Query, outputs: list[Output]) -> tuple[exp.Query, list[Output]]:
    return tree, outputs


def rewrite_table_functions(context: Context, query: exp.Expr) -> tuple[exp.Expr, Finish]:
    """The query to translate instead, and what to do with its translation."""
    del context
    return query, _unchanged
