"""logsluice replay: put a job's dead letters through its mended rule."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.app import App
from pipelines.cli.job_options import job_options, leave_with, run_plan, show_plan, show_run

__all__ = ["command"]


@click.command(short_help="Put a job's dead letters through its mended rule.")
@job_options
@click.pass_obj
def command(app: App, job: str, flags: tuple[str, ...], dry_run: bool, runner: str | None, time_zone: str, format: str) -> None:
    """Take the dead letters of the job of the file JOB and run their original logs through the rule as it is now.

    What succeeds is added to the targets and is a dead letter no more; what fails again stays one, with its new reason.

    \b
    Example:
      logsluice replay job.yaml
    """
    del time_zone  # there is no time to read
    from pipelines.transformation.transform_job import read_job
    from pipelines.transformation.transform_plan import plan_replay

    plan = plan_replay(app.home, app.project, read_job(Path(job), app.project))
    if dry_run:
        show_plan(app, plan, format)
        return
    finished = run_plan(app, plan, runner, flags)
    show_run(app, plan, finished, format, job)
    leave_with(finished)
