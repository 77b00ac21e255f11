"""``logsluice backfill``: windows of a task, or a range of a transformation job, again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipelines.cli.app import App
from pipelines.cli.job_options import job_options, leave_with, plan_job, run_plan, show_plan, show_run
from pipelines.cli.output import format_option, write_rows
from transforms.core.counted import counted

__all__ = ["command"]

_TEXT_OR_JSON = click.option(
    "--format", "format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json for programs."
)


class _TaskOrJob(click.Group):
    """A first word that is no verb is the file of a job."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["job", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_TaskOrJob, short_help="Run windows of a task, or a range of a job, again.")
def command() -> None:
    """Run windows of a scheduled task that are missing, that failed, or all of a range again; or a transformation job over a range.

    `backfill create`, `show`, `apply` are for tasks of scheduled SQL. `backfill JOB.yaml …` is short for `backfill job JOB.yaml …`.

    \b
    Examples:
      logsluice backfill create --task per-minute --from 2026-11-01 --to 2026-11-08 --reason 'started too late'
      logsluice backfill show per-minute 1
      logsluice backfill apply per-minute 1
      logsluice backfill job.yaml --reason 'new field' --dry-run
    """


@command.command(short_help="Write down which windows of a task to run again.")
@click.option("--task", required=True, help="The task.")
@click.option("--from", "start", required=True, metavar="TIME", help="First schedule time; without an offset it is in the task's zone.")
@click.option("--to", "end", required=True, metavar="TIME", help="Schedule time after the last.")
@click.option("--again", is_flag=True, help="Run windows that succeeded, too; their rows are replaced.")
@click.option("--reason", required=True, help="Why; the ledger keeps it.")
@click.pass_obj
def create(app: App, task: str, start: str, end: str, again: bool, reason: str) -> None:
    """Write down a backfill: the windows of a range of schedule times that are missing or failed, or with --again all of them.

    What the schedule itself will still make is left to it. Nothing runs before `backfill apply`.

    \b
    Example:
      logsluice backfill create --task per-minute --from 2026-11-01 --to 2026-11-08 --reason 'started too late'
    """
    from transforms.core.errors import ParameterInvalid
    from transforms.core.interval import Interval
    from transforms.core.moments import parse_moment

    if not reason.strip():
        raise ParameterInvalid("a backfill has a reason", hint="--reason 'why its rows are made again'")
    ledger = app.home.schedule_ledger()
    zone, now_us = ledger.task(app.project, task).task.zone, ledger.now_us()
    within = Interval(parse_moment(start, now_us, zone), parse_moment(end, now_us, zone))
    entry = ledger.create_backfill(app.project, task, within, again=again, reason=reason)
    windows = sum(1 for _ in ledger.backfill(app.project, task, entry.number)[1].windows())
    app.say(f"backfill {entry.number} of the task {task} created: {counted(windows, 'window')}")
    app.say(f"hint: look at it with `logsluice backfill show {task} {entry.number}`, run it with `backfill apply {task} {entry.number}`")


@command.command(short_help="Show what a backfill will run and has run.")
@click.argument("task")
@click.argument("number", type=int)
@_TEXT_OR_JSON
@click.pass_obj
def show(app: App, task: str, number: int, format: str) -> None:
    """Show backfill NUMBER of TASK: what is done, which windows are left and why, what is read for them, how long it may take.

    \b
    Example:
      logsluice backfill show per-minute 1
    """
    from pipelines.schedule.backfill_views import view_backfill

    view = view_backfill(app.home, app.project, task, number)
    if format == "json":
        app.emit(json.dumps(view.shown(), ensure_ascii=False, indent=2))
        return
    for line in view.lines():
        app.emit(line)


@command.command("list")
@click.argument("task", required=False)
@format_option
@click.pass_obj
def list_(app: App, task: str | None, format: str) -> None:
    """List the backfills of TASK, or of all tasks of the project.

    \b
    Example:
      logsluice backfill list per-minute
    """
    from transforms.core.moments import format_moment

    ledger = app.home.schedule_ledger()
    zones = {entry.task.name: entry.task.zone for entry in ledger.list_tasks(app.project)}
    rows: list[list[object]] = []
    for entry in ledger.list_backfills(app.project, task):
        span = [format_moment(at, zones[entry.task]) for at in (entry.range.start, entry.range.end)]
        rows.append(
            [entry.task, entry.number, entry.state, *span, entry.again, entry.succeeded, entry.failed, entry.rows_written, entry.reason]
        )
    columns = ["task", "backfill", "state", "from", "to", "again", "succeeded", "failed", "rows_written", "reason"]
    write_rows(columns, rows, format)


@command.command(short_help="Run what is left of a backfill.")
@click.argument("task")
@click.argument("number", type=int)
@click.pass_obj
def apply(app: App, task: str, number: int) -> None:
    """Run what is left of backfill NUMBER of TASK; many windows share one scan.

    Interrupted or killed, it goes on where it was when it is applied again. The task's own instances go on in between. The exit code is
    1 when windows failed.

    \b
    Example:
      logsluice backfill apply per-minute 1
    """
    from pipelines.backfill_windows import apply_backfill
    from transforms.core.errors import ExitCode

    _, plan = app.home.schedule_ledger().backfill(app.project, task, number)
    with app.progress(f"backfill {number} of {task}", sum(1 for _ in plan.windows())) as progress:
        entry = apply_backfill(app.home, app.project, task, number, note=progress.note, progress=progress.advance)
    done = f"{counted(entry.succeeded, 'window')} went well, {entry.failed:,} failed, {counted(entry.rows_written, 'row')} written"
    app.say(f"backfill {number} of the task {task} {entry.state}: {done}")
    if entry.failed:
        app.say(f"hint: `logsluice instance list {task} --state FAILED` says why; `backfill create` runs them once more")
        raise SystemExit(ExitCode.PROBLEMS)


@command.command()
@click.argument("task")
@click.argument("number", type=int)
@click.pass_obj
def cancel(app: App, task: str, number: int) -> None:
    """Give up backfill NUMBER of TASK. What it has done stays.

    \b
    Example:
      logsluice backfill cancel per-minute 1
    """
    entry = app.home.schedule_ledger().cancel_backfill(app.project, task, number)
    app.say(f"backfill {number} of the task {task} cancelled: {counted(entry.succeeded + entry.failed, 'window')} had been run")


@command.command(short_help="Transform a range again, replacing what the job wrote for it.")
@click.option("--from", "from_time", metavar="TIME", help="First receive time. Default: the job file's.")
@click.option("--to", "to_time", metavar="TIME", help="Receive time after the last. Default: the job file's.")
@click.option("--reason", required=True, help="Why; the ledger and the job's own log keep it.")
@click.option("--accept-loss", is_flag=True, help="Also when the source has lost logs since: what the job made of them goes.")
@job_options
@click.pass_obj
def job(
    app: App, job: str, flags: tuple[str, ...], from_time: str | None, to_time: str | None, reason: str, accept_loss: bool,
    dry_run: bool, runner: str | None, time_zone: str, format: str,
) -> None:  # fmt: skip
    """Run the transformation job of the file JOB again over a range of receive time, with its rule as it is now.

    In every target what the job wrote for the range is replaced, each target in one commit; targets that the edited rule does not write
    to any more lose it. What of the range was never transformed is transformed. The word `job` may be left out.

    \b
    Examples:
      logsluice backfill job job.yaml --from 2026-11-22T10:00:00Z --to 2026-11-22T12:00:00Z --reason 'status was read wrongly'
      logsluice backfill job.yaml --reason 'new field' --dry-run
    """
    plan = plan_job(app, Path(job), from_time, to_time, time_zone, backfill=True, reason=reason, accept_loss=accept_loss)
    if dry_run:
        show_plan(app, plan, format)
        return
    finished = run_plan(app, plan, runner, flags)
    show_run(app, plan, finished, format, job)
    leave_with(finished)
