"""``logsluice task``: what is computed again and again, and when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows
from transforms.core.counted import counted

if TYPE_CHECKING:
    from transforms.schedule.ledger import TaskEntry
    from transforms.schedule.problems import Problem

__all__ = ["command"]

_FILE = click.Path(path_type=Path, dir_okay=False)
_FILES = (".yaml", ".yml", ".json")


@click.group(short_help="Scheduled SQL: create, change, look at tasks.")
def command() -> None:
    """Create, list, change and delete tasks of scheduled SQL.

    A task runs one search | SQL statement again and again, each time over the logs of one window, and writes the rows to a Logstore,
    a Metricstore or a database table. It is a YAML or JSON file; `logsluice scheduler run` runs what is due.

    \b
    Examples:
      logsluice task check per-minute.yaml
      logsluice task create per-minute.yaml
      logsluice task plan per-minute
    """


@command.command()
@click.argument("file", type=_FILE)
@click.option("--disabled", is_flag=True, help="Make no instances before `task enable`.")
@click.pass_obj
def create(app: App, file: Path, disabled: bool) -> None:
    """Create the task of FILE.

    A file that is wrong is refused with all its mistakes. What would make instances fail now, such as a Logstore that is not there or a
    statement that cannot be planned, is only warned of: it may be put right before the first instance.

    \b
    Example:
      logsluice task create per-minute.yaml
    """
    from pipelines.schedule.task_checks import checked_task

    task, warnings = checked_task(app.home, file, app.project)
    entry = app.home.schedule_ledger().create_task(task, enabled=not disabled)
    _warn(app, warnings)
    app.say(f"task {task.name} created{'' if entry.enabled else ', disabled'}; {_next(app, entry)}")


@command.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def update(app: App, file: Path) -> None:
    """Replace the configuration of a task by that of FILE; it holds for the instances that are made from now on.

    Name, source and data format stay what they are, and so does the beginning once there are instances.

    \b
    Example:
      logsluice task update per-minute.yaml
    """
    from pipelines.schedule.task_checks import checked_task

    task, warnings = checked_task(app.home, file, app.project)
    ledger = app.home.schedule_ledger()
    before = ledger.task(app.project, task.name).version
    entry = ledger.update_task(task)
    _warn(app, warnings)
    what = f"changed, version {entry.version}" if entry.version != before else "is as it was"
    app.say(f"task {task.name} {what}; {_next(app, entry)}")


@command.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.pass_obj
def check(app: App, files: tuple[Path, ...]) -> None:
    """Say all that is wrong with task FILES, and what will probably go wrong; nothing is created.

    Exit code 2 when a file is refused; warnings do not change it.

    \b
    Example:
      logsluice task check per-minute.yaml errors.yaml
    """
    from pipelines.schedule.task_checks import checked_task
    from transforms.core.diagnostics import render
    from transforms.core.errors import ExitCode, UserError

    refused = 0
    for file in files:
        try:
            task, warnings = checked_task(app.home, file, app.project)
        except UserError as error:
            refused += 1
            app.say(render(error))
            continue
        _warn(app, warnings)
        found = f", {counted(len(warnings), 'warning')}" if warnings else ""
        app.say(f"{file}: the task {task.name} is valid{found}")
    if refused:
        raise SystemExit(ExitCode.USAGE)


@command.command()
@click.argument("name")
@click.pass_obj
def get(app: App, name: str) -> None:
    """Show a task as JSON: its configuration, whether it is enabled, when it was created and changed.

    \b
    Example:
      logsluice task get per-minute
    """
    from pipelines.schedule.task_views import shown_task

    app.emit(json.dumps(shown_task(app.home.schedule_ledger().task(app.project, name)), ensure_ascii=False, indent=2))


@command.command("list")
@click.option("--source", help="Only tasks that read this store.")
@format_option
@click.pass_obj
def list_(app: App, source: str | None, format: str) -> None:
    """List the tasks of the project, with the schedule times of the last and the next instance.

    \b
    Example:
      logsluice task list --format json
    """
    from pipelines.schedule.task_views import destination_name, schedule_text, shown_task
    from transforms.core.moments import format_moment
    from transforms.schedule.plan import next_schedule_time

    ledger = app.home.schedule_ledger()
    entries = [entry for entry in ledger.list_tasks(app.project) if source in (None, entry.task.source)]
    if format in ("json", "jsonl"):
        shown = [shown_task(entry) for entry in entries]
        columns = list(dict.fromkeys(key for task in shown for key in task))
        write_rows(columns, ([task.get(column) for column in columns] for task in shown), format)
        return
    rows = []
    for entry in entries:
        task, progress = entry.task, ledger.progress(app.project, entry.task.name)
        coming = next_schedule_time(task, progress)
        moments = ("-" if at is None else format_moment(at, task.zone) for at in (progress.last, coming))
        status = "enabled" if entry.enabled else "disabled"
        rows.append((task.name, status, schedule_text(task), task.source, destination_name(task), *moments))
    write_rows(["task", "status", "schedule", "source", "destination", "last", "next"], rows, format)


@command.command()
@click.argument("name")
@click.pass_obj
def delete(app: App, name: str) -> None:
    """Delete a task with the records of its instances. The rows it wrote stay.

    \b
    Example:
      logsluice task delete per-minute
    """
    app.home.schedule_ledger().delete_task(app.project, name)
    app.say(f"task {name} deleted; what it wrote is still there")


@command.command()
@click.argument("name")
@click.pass_obj
def enable(app: App, name: str) -> None:
    """Make instances again. What was missed while the task was disabled is made up for.

    \b
    Example:
      logsluice task enable per-minute
    """
    entry = app.home.schedule_ledger().set_enabled(app.project, name, True)
    app.say(f"task {name} enabled; {_next(app, entry)}")


@command.command()
@click.argument("name")
@click.pass_obj
def disable(app: App, name: str) -> None:
    """Make no new instances; one that is running ends. Retries and backfills are still run.

    \b
    Example:
      logsluice task disable per-minute
    """
    app.home.schedule_ledger().set_enabled(app.project, name, False)
    app.say(f"task {name} disabled")


@command.command()
@click.argument("name_or_file")
@click.option("--from", "start", metavar="TIME", help="First schedule time; without an offset it is in the task's zone.")
@click.option("--to", "end", metavar="TIME", help="Schedule time after the last.")
@click.option("--count", type=click.IntRange(1), default=10, show_default=True, help="So many at most.")
@format_option
@click.pass_obj
def plan(app: App, name_or_file: str, start: str | None, end: str | None, count: int, format: str) -> None:
    """Show the instances that the schedule will make: schedule time, window, and when each may start.

    Of a file it shows what its task would do: from the beginning, or, when there is a task of this name, from where that one is.

    \b
    Examples:
      logsluice task plan per-minute.yaml
      logsluice task plan per-minute --from 2026-12-01 --count 5
    """
    from pipelines.schedule.scheduled_tasks import load_task
    from pipelines.schedule.task_views import coming_windows
    from transforms.core.errors import NotFound
    from transforms.core.interval import Interval
    from transforms.core.moments import format_moment, parse_moment
    from transforms.schedule.plan import Progress

    ledger = app.home.schedule_ledger()
    now_us = ledger.now_us()
    if name_or_file.endswith(_FILES):
        task = load_task(Path(name_or_file), app.project)
        try:
            progress = ledger.progress(app.project, task.name)
        except NotFound:
            progress = Progress("", now_us)
    else:
        task, progress = ledger.task(app.project, name_or_file).task, ledger.progress(app.project, name_or_file)
    within = Interval.of(*(None if text is None else parse_moment(text, now_us, task.zone) for text in (start, end)))
    found = coming_windows(task, progress, within, count)
    if format == "table":
        rows = [
            [format_moment(at, task.zone) for at in (one.schedule_time, one.window.start, one.window.end)]
            + ["due" if one.start_us <= now_us else format_moment(one.start_us // 1_000_000, task.zone), one.problem or ""]
            for one in found
        ]
        columns = ["schedule time", "from", "to", "starts", "problem"]
        shown = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
        write_rows(columns[:shown], [row[:shown] for row in rows], format)
        return
    columns = ["scheduleTimeInMillis", "from", "to", "startTimeInMillis", "problem"]
    write_rows(columns, (list(one.shown().values()) for one in found), format)


@command.command()
@click.argument("name_or_file")
@click.option("--windows", type=click.IntRange(1, 1_000), default=24, show_default=True, help="Windows of the sample.")
@format_option
@click.pass_obj
def estimate(app: App, name_or_file: str, windows: int, format: str) -> None:
    """Say how many rows and bytes a task will write a day and a year, beside its source.

    The script is run over windows spread evenly over the newest day of the source; nothing is written.

    \b
    Example:
      logsluice task estimate per-minute.yaml
    """
    from pipelines.schedule.scheduled_tasks import load_task
    from pipelines.schedule.task_estimate import estimate_task
    from transforms.core.moments import format_moment

    if name_or_file.endswith(_FILES):
        task = load_task(Path(name_or_file), app.project)
    else:
        task = app.home.schedule_ledger().task(app.project, name_or_file).task
    with app.progress(f"estimate {task.name}") as progress:
        found = estimate_task(app.home, task, most_windows=windows, note=progress.note)
    write_rows(*found.as_table(), format)
    span = " – ".join(format_moment(at, task.zone) for at in (found.span.start, found.span.end))
    app.say(
        f"{counted(len(found.windows), 'window')} tried of {span}: {found.rows_window:,.1f} rows and {found.seconds_window:.2f} s each;"
        f" {found.instances:,.1f} instances a day"
    )


def _warn(app: App, warnings: Sequence[Problem]) -> None:
    from pipelines.schedule.task_checks import render_problem

    for warning in warnings:
        app.say(render_problem(warning))


def _next(app: App, entry: TaskEntry) -> str:
    """What it does next, in words."""
    from pipelines.schedule.task_views import coming_windows
    from transforms.core.interval import ALL_TIME
    from transforms.core.moments import format_moment

    task, ledger = entry.task, app.home.schedule_ledger()
    progress = ledger.progress(task.project, task.name)
    coming = next(coming_windows(task, progress, ALL_TIME, 1), None)
    if coming is None:
        return "its plan has ended"
    window = " – ".join(format_moment(at, task.zone) for at in (coming.window.start, coming.window.end))
    start = "now" if coming.start_us <= ledger.now_us() else f"at {format_moment(coming.start_us // 1_000_000, task.zone)}"
    return f"the next instance starts {start}, over {window}"
