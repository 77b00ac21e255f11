"""logsluice query: run one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App
from pipelines.cli.output import counted, format_option
from pipelines.cli.statement_options import statement_options

if TYPE_CHECKING:
    from transforms.core.interval import Interval
    from transforms.sql.plan import QueryPlan
    from transforms.sql.planner import PlanOptions
    from transforms.sql.result import QueryResult

__all__ = ["command"]


@click.command(short_help="Run one `search | SQL` statement.")
@statement_options
@format_option
@click.option("--quiet", "-q", is_flag=True, help="Nothing on stderr but errors.")
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(
    app: App, logstore: str, statement: str, from_time: str | None, to_time: str | None, time_zone: str, limit: int, offset: int,
    runner: str | None, format: str, quiet: bool, flags: tuple[str, ...],
) -> None:  # fmt: skip
    """Run one STATEMENT, `search` or `search | SQL`, over LOGSTORE and print its rows.

    In SQL the Logstore is `log`, or no FROM at all; ExternalStores of the project are tables by their name. A select without
    LIMIT gives 100 rows. `insert into` writes to an ExternalStore or Logstore and prints how many rows.

    With --runner the same plan runs as a Beam pipeline; the runner's flags follow `--`.

    \b
    Examples:
      logsluice query web 'status >= 500 | select status, count(1) as pv group by status order by pv desc'
      logsluice query web 'error not timeout' --from -1h --format jsonl
      logsluice query web '* | select count(1) as pv' --runner DirectRunner -- --direct_num_workers 2 --direct_running_mode multi_processing
    """
    times, options = plan_settings(from_time, to_time, time_zone, limit, offset, tasks=_worker_flag(flags))
    if flags and runner is None:
        raise click.UsageError(f"unexpected argument {flags[0]!r}; a statement with blanks needs quotes, runner flags need --runner")
    from pipelines.query import plan_statement

    with app.progress("query") as progress:
        progress.note("planning")
        plan = plan_statement(app.home, app.project, logstore, statement, times, options)
        if not quiet:
            for warning in plan.warnings:
                app.say(f"warning: {warning}")
        result = _run(plan, runner, flags, options.now_us, progress.note)
    from pipelines.cli.results import print_result

    print_result(plan, result, format)
    if not quiet:
        read = f"{counted(result.rows_read, 'log')} read in {counted(len(plan.files), 'file')}"
        app.say(f"{counted(len(result.rows), 'row')}, {read}, {result.seconds:.2f} s")


def _run(plan: QueryPlan, runner: str | None, flags: tuple[str, ...], now_us: int, note: object) -> QueryResult:
    if runner is None:
        from pipelines.query import run_in_process

        return run_in_process(plan, now_seconds=now_us // 1_000_000, note=note)  # type: ignore[arg-type]
    from pipelines.association_query import run_plan
    from pipelines.launch import options_of

    return run_plan(plan, options_of(["--runner", runner, *flags]), now_seconds=now_us // 1_000_000)


def plan_settings(
    from_time: str | None, to_time: str | None, time_zone: str, limit: int, offset: int, *, tasks: int = 4
) -> tuple[Interval, PlanOptions]:
    """What the options of a statement mean to the planner."""
    from pipelines.query import interval_of
    from transforms.core.clock import SystemClock
    from transforms.sql.planner import PlanOptions

    now_us = SystemClock().now_us()
    return interval_of(from_time, to_time, now_us, time_zone), PlanOptions(time_zone, now_us, limit, offset, least_tasks=tasks)


def _worker_flag(flags: tuple[str, ...]) -> int:
    """Scan tasks for the workers that the runner's flags ask for."""
    text = " ".join(flags).replace("=", " ").split()
    workers = text[text.index("--direct_num_workers") + 1] if "--direct_num_workers" in text[:-1] else "2"
    return 2 * int(workers) if workers.isdecimal() and int(workers) else 4
