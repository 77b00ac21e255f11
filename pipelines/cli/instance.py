"""``logsluice instance``: the runs of tasks, one for each schedule time."""

from __future__ import annotations

import json

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

__all__ = ["command"]

_STATES = ("RUNNING", "STARTING", "SUCCEEDED", "FAILED")


@click.group(short_help="Scheduled SQL: the instances of tasks.")
def command() -> None:
    """List, look at, retry and cancel the instances of tasks.

    An instance is one planned run of a task: a schedule time and its window. It is named by its id, or by its schedule time in Unix
    seconds.

    \b
    Examples:
      logsluice instance list per-minute --state FAILED
      logsluice instance retry per-minute 1767225660
    """


@command.command("list")
@click.argument("task")
@click.option("--from", "start", metavar="TIME", help="First schedule time; without an offset it is in the task's zone.")
@click.option("--to", "end", metavar="TIME", help="Schedule time after the last.")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES, case_sensitive=False), help="Only in this state; repeatable.")
@click.option("--stale", is_flag=True, help="Only those whose window got logs after they had read it.")
@click.option("--offset", type=click.IntRange(min=0), default=0, show_default=True, help="Instances to leave out at the beginning.")
@click.option("--limit", type=click.IntRange(min=-1), default=100, show_default=True, help="So many at most; -1 gives all.")
@format_option
@click.pass_obj
def list_(
    app: App, task: str, start: str | None, end: str | None, states: tuple[str, ...], stale: bool, offset: int, limit: int, format: str
) -> None:
    """List the instances of TASK, the newest schedule time first.

    Of a table: `began` and `seconds` are those of the last attempt, `tries` counts the attempts of the last run, `read` and `written`
    are logs and rows of the last attempt that went well, `late` the logs that came after it had read. Programs get the field names of the
    log service, times in milliseconds, windows in Unix seconds.

    \b
    Examples:
      logsluice instance list per-minute --from 2026-11-22 --to 2026-11-23
      logsluice instance list per-minute --stale --format jsonl
    """
    from pipelines.schedule.instance_views import FIELDS, FLAT, TABLE, instance_flat_row, instance_row, instance_table_row
    from transforms.core.interval import Interval
    from transforms.core.moments import parse_moment
    from transforms.schedule.instance import InstanceState

    ledger = app.home.schedule_ledger()
    configuration, now_us = ledger.task(app.project, task).task, ledger.now_us()
    within = Interval.of(*(None if text is None else parse_moment(text, now_us, configuration.zone) for text in (start, end)))
    wanted = [InstanceState(state.upper()) for state in states]
    found, total = ledger.list_instances(app.project, task, within=within, states=wanted, stale=stale, offset=offset, size=limit)
    if format == "table":
        write_rows(TABLE, [instance_table_row(entry, configuration) for entry in found], format)
    elif format == "csv":
        write_rows(FLAT, map(instance_flat_row, found), format)
    else:
        write_rows(FIELDS, map(instance_row, found), format)
    if len(found) < total:
        app.say(f"{len(found):,} of {total:,} instances; --limit and --offset give others")


@command.command()
@click.argument("task")
@click.argument("instance")
@click.pass_obj
def get(app: App, task: str, instance: str) -> None:
    """Show INSTANCE of TASK as JSON: window, state, every attempt of every run, what it read and wrote.

    \b
    Example:
      logsluice instance get per-minute 1767225660
    """
    from pipelines.schedule.instance_views import instance_whole

    ledger = app.home.schedule_ledger()
    entry = ledger.instance(app.project, task, instance)
    app.emit(json.dumps(instance_whole(entry, ledger.task(app.project, task)), ensure_ascii=False, indent=2))


@command.command()
@click.argument("task")
@click.argument("instances", nargs=-1, required=True)
@click.pass_obj
def retry(app: App, task: str, instances: tuple[str, ...]) -> None:
    """Run INSTANCES of TASK again, before its next planned one, with the task's configuration as it is now.

    The window stays what it is, and the new rows replace those that the instance wrote. Instances that ended can be retried for seven
    days; after that there is `backfill create`. All that can be retried are; the exit code is 2 when one could not.

    \b
    Example:
      logsluice instance retry per-minute 1767225660 1767225720
    """
    from transforms.core.diagnostics import render
    from transforms.core.errors import ExitCode, UserError

    ledger, refused = app.home.schedule_ledger(), 0
    for instance in instances:
        try:
            entry = ledger.retry(app.project, task, instance)
        except UserError as error:
            refused += 1
            app.say(render(error))
        else:
            app.say(f"instance {entry.instance.id} will run again")
    if refused:
        raise SystemExit(ExitCode.USAGE)


@command.command()
@click.argument("task")
@click.argument("instance")
@click.pass_obj
def cancel(app: App, task: str, instance: str) -> None:
    """Give up INSTANCE of TASK: one that is running, waiting for its next attempt, or for a retry that was asked for.

    A running attempt is told and writes nothing any more. A retry that never began leaves no trace.

    \b
    Example:
      logsluice instance cancel per-minute 1767225660
    """
    entry = app.home.schedule_ledger().cancel(app.project, task, instance)
    app.say(f"instance {entry.instance.id} cancelled: it is {entry.instance.state}")
