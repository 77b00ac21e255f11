"""``logsluice job``: transformation jobs that never end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

if TYPE_CHECKING:
    from transforms.jobs.job import Job
    from transforms.jobs.ledger import NewJob

__all__ = ["command"]

_FILE = click.Path(path_type=Path, dir_okay=False)
_POLL_SECONDS = 0.2
_F = TypeVar("_F", bound=Callable[..., Any])


def _waiting(function: _F) -> _F:
    for option in (
        click.option("--timeout", type=float, default=60, show_default=True, metavar="SECONDS", help="With --wait: so long at most."),
        click.option("--wait", is_flag=True, help="Come back when it is done, not when it is asked for."),
    ):
        function = option(function)
    return function


@click.group(short_help="Transformation jobs that never end: create, start, look at.")
def command() -> None:
    """Create, start, stop, change, look at and delete continuous transformation jobs.

    A job reads what is appended to a Logstore, runs each log through its rule and writes the results to its targets, within seconds and
    each log exactly once. It is a job file as `logsluice transform` takes it; `logsluice scheduler run` runs the jobs' instances.

    \b
    States:
      STARTING    a scheduler is to run it
      RUNNING     new logs are transformed as they come
      STOPPING    its instances finish what they have begun
      STOPPED     a start goes on where it was
      SUCCEEDED   every log before its end time is transformed
      FAILED      it cannot go on; `job get` says why, a restart goes on where it was
      RESTARTING  its instances end before new ones start

    \b
    Examples:
      logsluice job create clean.yaml
      logsluice job get clean-access
      logsluice job stop clean-access --wait
    """


@command.command()
@click.argument("file", type=_FILE)
@click.option("--stopped", is_flag=True, help="Do not start it yet.")
@click.option("--dry-run", is_flag=True, help="Check the file and show what the job would be; create nothing.")
@click.pass_obj
def create(app: App, file: Path, stopped: bool, dry_run: bool) -> None:
    """Create the job of FILE, and start it.

    The rule is compiled and the Logstores are looked for first; a file that is wrong is refused with all that is wrong with it. Relative
    times of its range count from now.

    \b
    Examples:
      logsluice job create clean.yaml --dry-run
      logsluice job create clean.yaml
    """
    from pipelines.jobs.definition import new_job
    from pipelines.jobs.job_check import check_job
    from pipelines.transformation.transform_job import read_job

    ledger = app.home.job_ledger()
    checked = check_job(app.home, read_job(file, app.project))
    new = new_job(app.project, checked.job, ledger.now_us())
    if dry_run:
        app.emit(json.dumps(checked.described(new), ensure_ascii=False, indent=2))
        return
    job = ledger.create(new, start=not stopped)
    app.say(f"job {job.name} created: {_how(job)}")


@command.command()
@click.argument("name")
@_waiting
@click.pass_obj
def start(app: App, name: str, wait: bool, timeout: float) -> None:
    """Start a stopped job: it goes on where it was, by its newest definition.

    \b
    Example:
      logsluice job start clean-access --wait
    """
    _act(app, name, "start", None, timeout if wait else None)


@command.command()
@click.argument("name")
@_waiting
@click.pass_obj
def stop(app: App, name: str, wait: bool, timeout: float) -> None:
    """Stop a running job; its instances finish what they have begun, a later start goes on from there.

    \b
    Example:
      logsluice job stop clean-access --wait
    """
    _act(app, name, "stop", None, timeout if wait else None)


@command.command()
@click.argument("name")
@_waiting
@click.pass_obj
def restart(app: App, name: str, wait: bool, timeout: float) -> None:
    """Stop a job and start it again, by its newest definition: how an edit takes effect, and how a failed job goes on.

    \b
    Example:
      logsluice job restart clean-access
    """
    _act(app, name, "restart", None, timeout if wait else None)


@command.command()
@click.argument("name")
@click.argument("file", type=_FILE, required=False)
@_waiting
@click.pass_obj
def rerun(app: App, name: str, file: Path | None, wait: bool, timeout: float) -> None:
    """Begin a job again at the start of its range, with the definition of FILE if one is given, even for another source.

    What it wrote before stays: empty its targets first, or the logs are there twice.

    \b
    Examples:
      logsluice job rerun clean-access
      logsluice job rerun clean-access clean.yaml
    """
    new = None
    if file is not None:
        new = _changed(app, file, anew=True)
        if new.name != name:
            from transforms.core.errors import ParameterInvalid

            raise ParameterInvalid(f"{file} is the job {new.name!r}, not {name!r}", hint="a job keeps its name; create another one")
    _act(app, name, "rerun", new, timeout if wait else None)


@command.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def edit(app: App, file: Path) -> None:
    """Replace the definition of the job that FILE names. A running job goes on by the old one until it is restarted.

    Source and beginning stay what they are (`job rerun` takes others). No log is seen by both rules.

    \b
    Example:
      logsluice job edit clean.yaml && logsluice job restart clean-access
    """
    new = _changed(app, file)
    ledger = app.home.job_ledger()
    before = ledger.job(app.project, new.name)
    job = ledger.edit(new)
    if job.version == before.version:
        app.say(f"job {job.name} is as it was, version {job.version}")
        return
    running = job.state == "RUNNING"
    app.say(f"job {job.name} changed, version {job.version}; " + ("`job restart` takes it" if running else f"it is {job.state}"))


@command.command()
@click.argument("name")
@click.pass_obj
def delete(app: App, name: str) -> None:
    """Delete a job in whatever state, with its consumer group and its figures. What it wrote stays.

    \b
    Example:
      logsluice job delete clean-access
    """
    app.home.job_ledger().delete(app.project, name)
    app.say(f"job {name} deleted; what it wrote is still there")


@command.command("list")
@format_option
@click.pass_obj
def list_(app: App, format: str) -> None:
    """List the jobs of the project.

    \b
    Example:
      logsluice job list --format json
    """
    from pipelines.jobs.job_views import moment_text, shown_job

    jobs = app.home.job_ledger().jobs(app.project)
    if format in ("json", "jsonl"):
        shown = [shown_job(job) for job in jobs]
        columns = list(shown[0]) if shown else []
        write_rows(columns, (list(one.values()) for one in shown), format)
        return
    rows = [
        (job.name, str(job.state), "/".join(job.source), job.version, job.running_version or None, moment_text(job.started_us or None),
         job.reason.partition("\n")[0])
        for job in jobs
    ]  # fmt: skip
    write_rows(["job", "state", "source", "version", "running", "started", "reason"], rows, format)


@command.command()
@click.argument("name")
@click.option("--watch", is_flag=True, help="Show the figures again and again, until it has ended or you press Ctrl-C.")
@click.option("--every", type=click.FloatRange(0.1), default=2.0, show_default=True, metavar="SECONDS", help="With --watch.")
@click.option("--format", "format", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="table for people; json: one object, with --watch one a line.")  # fmt: skip
@click.pass_obj
def get(app: App, name: str, watch: bool, every: float, format: str) -> None:
    """Show a job: its state, its definition, who runs it, what became of its logs, and how far it is in each shard.

    \b
    Examples:
      logsluice job get clean-access
      logsluice job get clean-access --watch
      logsluice job get clean-access --format json
    """
    if watch:
        from pipelines.cli.job_live import watch_job

        watch_job(app, name, format, every)
        return
    from pipelines.jobs.job_figures import figures_of
    from pipelines.jobs.job_views import SHARD_COLUMNS, job_lines, positions_of, shard_rows, shown_job_whole
    from transforms.core.errors import NotFound

    ledger = app.home.job_ledger()
    job = ledger.job(app.project, name)
    definition = ledger.definition(job, job.version)
    store = app.home.open_logstore(*job.source)
    figures = figures_of(app.home, job, store=store)
    try:
        checkpoints = {one.shard: one.cursor for one in app.home.consumer_groups(*job.source).checkpoints(job.group)}
    except NotFound:  # run again meanwhile
        checkpoints = {}
    positions = positions_of(store, checkpoints)
    if format == "json":
        app.emit(json.dumps(shown_job_whole(figures, definition, positions), ensure_ascii=False, indent=2))
        return
    for line in job_lines(figures, json.loads(definition)):
        app.emit(line)
    app.emit("")
    write_rows(list(SHARD_COLUMNS), shard_rows(figures, positions), format)


def _changed(app: App, file: Path, *, anew: bool = False) -> NewJob:
    """The job of a file that is to be edited, or run ``anew``."""
    from pipelines.jobs.definition import job_of, new_job
    from pipelines.jobs.job_check import check_job
    from pipelines.transformation.transform_job import read_job

    ledger = app.home.job_ledger()
    read = read_job(file, app.project)
    job = ledger.job(app.project, read.name)
    before = None if anew else (job, job_of(ledger.definition(job, max(1, job.running_version))))
    return new_job(app.project, check_job(app.home, read).job, ledger.now_us(), before)


def _act(app: App, name: str, action: Literal["start", "stop", "restart", "rerun"], new: NewJob | None, wait_seconds: float | None) -> None:
    ledger = app.home.job_ledger()
    job = ledger.act(app.project, name, action, new)
    if wait_seconds is not None:
        job = _settled(app, job, wait_seconds)
    app.say(f"job {name}: {_how(job)}")


def _settled(app: App, job: Job, seconds: float) -> Job:
    """The job once it has come to a state that lasts. Raises UserError when it takes longer, or when it has failed."""
    from transforms.core.errors import UserError

    until = time.monotonic() + seconds
    while not job.state.steady:
        if time.monotonic() > until:
            raise UserError(
                f"the job {job.name!r} is still {job.state} after {seconds:g} s",
                hint="it goes on" if job.leader else "nobody leads it: `logsluice scheduler run` runs jobs",
                code="JobNotSettled",
            )
        time.sleep(_POLL_SECONDS)
        job = app.home.job_ledger().job(app.project, job.name)
    if job.state == "FAILED":
        raise UserError(f"the job {job.name!r} has failed: {job.reason}", hint="mend it, then `logsluice job restart`", code="JobFailed")
    return job


def _how(job: Job) -> str:
    """Its state, and who brings it further."""
    if job.state in ("STARTING", "RESTARTING") and not job.leader:
        if job.external:
            return f"{job.state}; launch its pipeline: python -m pipelines.continuous_transformation --job FILE"
        return f"{job.state}; `logsluice scheduler run` runs it"
    return str(job.state)
