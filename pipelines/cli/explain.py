"""logsluice explain: the plan of a statement, without running it."""

from __future__ import annotations

import json

import click

from pipelines.cli.app import App
from pipelines.cli.query import plan_settings
from pipelines.cli.statement_options import statement_options

__all__ = ["command"]


@click.command(short_help="Show the plan of a statement without running it.")
@statement_options
@click.option(
    "--format", "format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="text for people, json for programs."
)
@click.pass_obj
def command(
    app: App, logstore: str, statement: str, from_time: str | None, to_time: str | None, time_zone: str, limit: int, offset: int,
    sql_engine: str, runner: str | None, format: str,
) -> None:  # fmt: skip
    """Show how STATEMENT over LOGSTORE would run: files after pruning, columns, filters, ExternalStores, phases, and why.

    What is printed is the very object that `logsluice query` runs.

    \b
    Examples:
      logsluice explain web 'status >= 500 | select count(1) as pv' --from -1d
      logsluice explain web '* | select status, count(1) group by status' --runner DirectRunner --format json
    """
    from pipelines.query import plan_statement
    from transforms.core.moments import parse_zone
    from transforms.sql.explain import explain_json, explain_text

    times, options = plan_settings(from_time, to_time, time_zone, limit, offset, engine=sql_engine)
    plan = plan_statement(app.home, app.project, logstore, statement, times, options)
    if runner is None and plan.beam is not None:
        runner = "DirectRunner"
    executor = "in process, one engine call" if runner is None else f"Beam pipeline on {runner}"
    zone = parse_zone(time_zone)
    if format == "json":
        app.emit(json.dumps(explain_json(plan, zone, executor), ensure_ascii=False, indent=2))
    else:
        app.emit(explain_text(plan, zone, executor))
