"""What the verbs `transform` and `backfill` share: options, the plan as text, what is said of a finished run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from transforms.core.counted import counted

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.cli.app import App
    from pipelines.data_transformation import Finished
    from pipelines.transformation.transform_plan import TransformPlan

__all__ = ["job_options", "leave_with", "plan_job", "run_plan", "show_plan", "show_run"]

_F = TypeVar("_F", bound=Callable[..., Any])


def job_options(function: _F) -> _F:
    """``JOB``, ``--dry-run``, ``--format``, ``--runner`` and the runner's flags."""
    for option in (
        click.argument("flags", nargs=-1, type=click.UNPROCESSED),
        click.argument("job", type=click.Path(dir_okay=False)),
        click.option(
            "--format", "format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json for programs."
        ),
        click.option(
            "--time-zone", default="UTC", show_default=True, envvar="LOGSLUICE_TIME_ZONE", help="Zone of times without an offset."
        ),
        click.option("--runner", help="Beam runner; the job file's own without it, else DirectRunner."),
        click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing."),
    ):
        function = option(function)
    return function


def plan_job(
    app: App,
    path: Path,
    start: str | None,
    end: str | None,
    time_zone: str,
    *,
    backfill: bool = False,
    reason: str = "",
    accept_loss: bool = False,
) -> TransformPlan:
    """The plan of a job file, as `--dry-run` shows it and the pipeline runs it."""
    from pipelines.transformation.transform_job import read_job
    from pipelines.transformation.transform_plan import plan_transform
    from transforms.core.clock import SystemClock

    job = read_job(path, app.project)
    now_us = SystemClock().now_us()
    return plan_transform(
        app.home,
        app.project,
        job,
        now_us,
        start=start,
        end=end,
        time_zone=time_zone,
        backfill=backfill,
        reason=reason,
        accept_loss=accept_loss,
    )


def run_plan(app: App, plan: TransformPlan, runner: str | None, flags: tuple[str, ...]) -> Finished:
    """Run it; progress on stderr."""
    with app.progress(f"{plan.kind} {plan.job.name}", plan.rows) as progress:
        progress.note("starting")
        from pipelines.data_transformation import run_transform
        from pipelines.launch import options_of
        from transforms.core.clock import SystemClock

        settings = dict(plan.job.runner)
        if runner is not None:
            settings["runner"] = runner
        written = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return run_transform(app.home, plan, options_of([*written, *flags]), SystemClock(), note=progress.note, advance=progress.advance)


def show_plan(app: App, plan: TransformPlan, format: str) -> None:
    """The plan on stdout."""
    described = plan.described()
    if format == "json":
        app.emit(json.dumps(described, ensure_ascii=False, indent=2))
        return
    span = described["receive_time"]
    app.emit(f"{described['kind']} of the job {described['job']}" + (f" ({described['reason']})" if described["reason"] else ""))
    if described["finishes_first"]:
        app.emit(f"  first   finish run {described['finishes_first']}, which was stopped while it was committing")
    app.emit(f"  read    {described['source']}, received {span['from']} to {span['to']}")
    files, pieces = counted(described["files"], "file"), counted(len(described["pieces"]), "piece")
    app.emit(f"          {files}, at most {counted(described['logs'], 'log')}, in {pieces}")
    for interval in described["done_before"]:
        app.emit(
            f"  done    {interval['from']} to {interval['to']}"
            + (", replaced where it is in the range" if plan.kind == "backfill" else ", left alone")
        )
    for step in described["steps"]:
        app.emit(f"  step    {step['step']} (line {step['position'].partition(':')[0]})")
    for name, key in described["targets"].items():
        app.emit(f"  write   {name} → {key}" + (" (made first)" if key in described["logstores_to_make"] else ""))
    app.emit(
        f"  failed  → {described['dead_letters']}"
        + (" (made first)" if described["dead_letters"] in described["logstores_to_make"] else "")
    )
    for key in described["replaces_in"]:
        app.emit(f"  replace what the job wrote for these pieces in {key}")


def show_run(app: App, plan: TransformPlan, finished: Finished, format: str, job: str) -> None:
    """What a run of the file ``job`` did, on stdout; what it met, on stderr."""
    run = finished.run
    if run is None:
        why = "there are no dead letters of the job" if plan.kind == "replay" else "every log of the range was transformed before"
        nothing = {"job": plan.job.name, "run": None, "read": 0}
        app.emit(json.dumps(nothing) if format == "json" else f"{plan.job.name}: nothing to do, {why}")
        return
    summary = run.summary
    if format == "json":
        app.emit(json.dumps({"job": run.job, "run": run.number, **summary}, ensure_ascii=False))
    else:
        seconds = summary["seconds"]
        app.emit(
            f"{run.job} run {run.number}: {counted(summary['read'], 'log')} in {seconds:.1f} s ({summary['read'] / max(seconds, 0.001):,.0f} logs/s)"
        )
        app.emit(f"  delivered {summary['delivered']:,}, dropped by the rule {summary['dropped']:,}, dead {summary['dead']:,}")
        for key, logs in summary["written"].items():
            app.emit(f"  {key}: {counted(logs, 'log')}")
    for level, notes in (("error", finished.report.failures), ("warning", finished.report.warnings)):
        for note, times in sorted(notes.items(), key=lambda item: -item[1])[:5]:
            place = f" at {plan.rule.source}:{note.position} ({note.step})" if note.position else ""
            app.say(f"{level}: {counted(times, 'log')}{place}: " + note.message.replace("\n", ": "))
    if summary["dead"]:
        store = plan.job.dead_letters
        app.say(f"hint: the dead letters are in {store.key}; mend the rule, then `logsluice replay {shlex.quote(job)}`")


def leave_with(finished: Finished) -> None:
    """Exit code 1 when some logs failed."""
    from transforms.core.errors import ExitCode

    if finished.report.dead:
        raise SystemExit(ExitCode.PROBLEMS)
