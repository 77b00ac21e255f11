"""How the rows of a statement are printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.cli.output import write_rows

if TYPE_CHECKING:
    from transforms.sql.plan import QueryPlan
    from transforms.sql.result import QueryResult

__all__ = ["print_result"]

_OVERFLOW = "~overflow"


def print_result(plan: QueryPlan, result: QueryResult, format: str) -> None:
    """Rows to stdout. Raw logs as JSON are objects of the fields each log has, rare ones too."""
    columns = [column.name for column in plan.output] if plan.insert is None else ["rows"]
    rows: Iterator[list[Any]] = result.rows.plain()
    if plan.kind == "search" and format in ("json", "jsonl"):
        _print_logs(columns, rows, format)
    else:
        write_rows(columns, rows, format)


def _print_logs(columns: list[str], rows: Iterator[list[Any]], format: str) -> None:
    import click

    before = "["
    for row in rows:
        log = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        log.update(json.loads(log.pop(_OVERFLOW, "{}")))
        text = json.dumps(log, ensure_ascii=False)
        if format == "jsonl":
            click.echo(text)
        else:
            click.echo(f"{before}\n  {text}", nl=False)
            before = ","
    if format == "json":
        click.echo("[]" if before == "[" else "\n]")
