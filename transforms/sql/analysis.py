"""From the SQL text of a statement to checked, typed SQL for the engine.

`analyse` raises a located SqlError, or returns an `Analysis` whose tree runs on DuckDB: the current Logstore is the relation
``"~log"`` with columns named as in the scope, each ExternalStore is ``"~ext:NAME"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp

from transforms.core.errors import ParameterInvalid
from transforms.sql.check_insert import InsertTarget, check_insert
from transforms.sql.dialect import parse
from transforms.sql.failures import explain_failure
from transforms.sql.rewrite_tables import rewrite_table_functions
from transforms.sql.scope import LogColumn, Scope
from transforms.sql.statement import Statement
from transforms.sql.translate_context import Context, offset_seconds
from transforms.sql.translate_query import QueryTranslator
from transforms.stores.external_store import Condition

__all__ = ["Analysis", "ExternalUse", "InsertTarget", "LogColumn", "OutputColumn", "Scope", "analyse", "explain_failure"]


@dataclass(frozen=True)
class OutputColumn:
    """A column of the result."""

    name: str
    sql_type: str


@dataclass(frozen=True)
class ExternalUse:
    """What is read of one ExternalStore.

    Attributes:
        columns: in the store's own order; never empty, so that rows can be counted.
        conditions: what the database may apply.
        join_keys: pairs (its column, the Logstore's column) that are equal in every row that is kept of it.
    """

    name: str
    columns: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    join_keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Analysis:
    """A statement that may run.

    Attributes:
        tree: ``tree.sql(dialect="duckdb")`` is the engine's statement (of an insert, its select).
        output: columns of the result, or of the rows to insert.
        log_columns: names of the Logstore columns that are read.
        ordered: whether the order of the rows means something; ``limit``: the most rows there can be.
        uses: prelude functions the statement needs; ``settings``: engine settings it needs.
        fills_times: whether the tree itself holds the ends of the scope's interval (a series is filled from end to end).
    """

    kind: Literal["select", "insert"]
    statement: Statement
    tree: exp.Expr
    output: tuple[OutputColumn, ...]
    log_columns: frozenset[str] = frozenset()
    external: tuple[ExternalUse, ...] = ()
    insert: InsertTarget | None = None
    ordered: bool = False
    limit: int | None = None
    warnings: tuple[str, ...] = ()
    uses: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)
    reads_log: bool = True
    fills_times: bool = False


def analyse(statement: Statement, scope: Scope) -> Analysis:
    """Check, type and translate the SQL part of a statement.

    Raises:
        SqlError: the statement cannot run; located in ``statement.text``.
        ParameterInvalid: the scope's time zone is none.
    """
    try:
        offset_seconds(scope.time_zone)
    except ValueError as error:
        raise ParameterInvalid(str(error), hint="write +08:00 or Asia/Shanghai") from error
    context = Context(statement, scope)
    if statement.sql is None:
        raise context.error(None, "the statement has no SQL part", "SyntaxError", "write search | select …")
    tree = parse(statement)
    insert = isinstance(tree, exp.Insert)
    if insert:
        from dataclasses import replace

        context.scope = replace(scope, default_limit=None)
    elif not isinstance(tree, (exp.Query, exp.Values)):
        raise context.error(
            tree, f"{type(tree).__name__.upper()} is not supported", "NotSupported", "write select …, or insert into STORE select …"
        )
    query = tree.expression if isinstance(tree, exp.Insert) else tree
    if isinstance(tree, exp.Insert) and not isinstance(query, (exp.Query, exp.Values)):
        raise context.error(tree, "INSERT INTO needs a select", "SyntaxError", "write insert into STORE select …")
    try:
        translator = QueryTranslator(context)
        query, finish = rewrite_table_functions(context, query)
        out, outputs = translator.query(query, top=True)
        out, outputs = finish(context, out, outputs)
    except RecursionError as error:
        raise context.error(None, "the statement is nested too deeply", "SyntaxError", "split it with WITH") from error
    target = check_insert(context, tree, outputs) if isinstance(tree, exp.Insert) else None
    limit = out.args.get("limit")
    count = limit.expression.this if isinstance(limit, exp.Limit) else None
    return Analysis(
        kind="insert" if insert else "select",
        statement=statement,
        tree=out,
        output=tuple(OutputColumn(each.name, str(each.type)) for each in outputs),
        log_columns=frozenset(context.log_columns),
        external=_external_uses(context, translator),
        insert=target,
        ordered=out.args.get("order") is not None,
        limit=int(str(count)) if count is not None else None,
        warnings=tuple(context.warnings),
        uses=frozenset(context.uses),
        reads_log=any(table.name == "~log" for table in out.find_all(exp.Table)),
        fills_times=context.series is not None,
    )


def _external_uses(context: Context, translator: QueryTranslator) -> tuple[ExternalUse, ...]:
    uses = []
    for name, columns in context.external_columns.items():
        own_order = [each.name for each in context.scope.external(name) or ()]
        readings = [reading for reading in translator.readings if reading.store == name]
        # Two readings of one store share its rows: only what both want could be pushed.
        only = readings[0] if len(readings) == 1 else None
        uses.append(
            ExternalUse(
                name, tuple(sorted(columns, key=own_order.index)) or tuple(own_order[:1]), only.conditions if only else (), only.join_keys if only else ()
            )
        )  # fmt: skip
    return tuple(uses)
