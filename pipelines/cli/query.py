"""logsluice query: run one statement."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option
from pipelines.cli.statement_options import statement_options
from pipelines.lean_import import without
from transforms.core.counted import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.interval import Interval
    from transforms.sql.plan import QueryPlan
    from transforms.sql.planner import PlanOptions
    from transforms.sql.result import QueryResult

    _Run = Callable[[QueryPlan, int], QueryResult]

__all__ = ["command", "plan_settings"]


@click.command(short_help="Run one `search | SQL` statement.")
@statement_options
@format_option
@click.option("--quiet", "-q", is_flag=True, help="Nothing on stderr but errors.")
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(
    app: App, logstore: str, statement: str, from_time: str | None, to_time: str | None, time_zone: str, limit: int, offset: int,
    sql_engine: str, runner: str | None, format: str, quiet: bool, flags: tuple[str, ...],
) -> None:  # fmt: skip
    """Run one STATEMENT, `search` or `search | SQL`, over LOGSTORE and print its rows.

    In SQL the Logstore is `log`, or no FROM at all; ExternalStores of the project are tables by their name. A select without
    LIMIT gives 100 rows. `insert into` writes to an ExternalStore or Logstore and prints how many rows.

    With --runner the same plan runs as a Beam pipeline; the runner's flags follow `--`. --sql-engine beam-sql runs it on Beam's own
    SqlTransform, which needs Java; its service is named by `-- --beam_sql_jar JAR` or LOGSLUICE_BEAM_SQL_JAR.

    \b
    Examples:
      logsluice query web 'status >= 500 | select status, count(1) as pv group by status order by pv desc'
      logsluice query web 'error not timeout' --from -1h --format jsonl
      logsluice query web '* | select count(1) as pv' --runner DirectRunner -- --direct_num_workers 2
    """
    if sql_engine == "beam-sql":
        runner, flags = runner or "DirectRunner", ("--sql_engine", sql_engine, *flags)
    if flags and runner is None:
        raise click.UsageError(f"unexpected argument {flags[0]!r}; a statement with blanks needs quotes, runner flags need --runner")
    # Arrow takes NumPy along when there is one. Nothing here needs it, and this process runs nothing else: a tenth of a join's start.
    lean = without("numpy") if runner is None else nullcontext()
    with lean, app.progress("query") as progress:
        progress.note("planning")
        run, tasks = _executor(runner, flags, progress.note)
        times, options = plan_settings(from_time, to_time, time_zone, limit, offset, tasks=tasks, engine=sql_engine)
        from pipelines.query import plan_statement

        plan = plan_statement(app.home, app.project, logstore, statement, times, options)
        if not quiet:
            for warning in plan.warnings:
                app.say(f"warning: {warning}")
        result = run(plan, options.now_us // 1_000_000)
    from pipelines.cli.results import print_result

    print_result(plan, result, format)
    if not quiet:
        read = f"{counted(result.rows_read, 'log')} read in {counted(len(plan.files), 'file')}"
        app.say(f"{counted(len(result.rows), 'row')}, {read}, {result.seconds:.2f} s")


def _executor(runner: str | None, flags: tuple[str, ...], note: Callable[[str], None]) -> tuple[_Run, int]:
    """What runs a plan (at a moment in Unix seconds), and the scan tasks it wants at least. Wrong flags are refused here."""
    if runner is None:
        from pipelines.query import run_in_process

        return lambda plan, now: run_in_process(plan, now_seconds=now, note=note), 1
    from pipelines.association_query import run_plan
    from pipelines.launch import least_tasks, options_of

    options = options_of(["--runner", runner, *flags])
    return lambda plan, now: run_plan(plan, options, now_seconds=now), least_tasks(options)


def plan_settings(
    from_time: str | None, to_time: str | None, time_zone: str, limit: int, offset: int, *, tasks: int = 1, engine: str = "embedded"
) -> tuple[Interval, PlanOptions]:
    """What the options of a statement mean to the planner."""
    from pipelines.query import interval_of
    from transforms.core.clock import SystemClock
    from transforms.sql.planner import PlanOptions

    now_us = SystemClock().now_us()
    options = PlanOptions(time_zone, now_us, limit, offset, least_tasks=tasks, engine="beam-sql" if engine == "beam-sql" else "embedded")
    return interval_of(from_time, to_time, now_us, time_zone), options
