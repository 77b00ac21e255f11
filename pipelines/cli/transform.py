"""logsluice transform: run a transformation job."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.app import App
from pipelines.cli.job_options import job_options, leave_with, plan_job, run_plan, show_plan, show_run

__all__ = ["command"]


@click.command(short_help="Run a transformation job: Logstore → rule → Logstores.")
@click.option("--from", "from_time", metavar="TIME", help="First receive time, instead of the job file's.")
@click.option("--to", "to_time", metavar="TIME", help="Receive time after the last, instead of the job file's.")
@job_options
@click.pass_obj
def command(
    app: App, job: str, flags: tuple[str, ...], from_time: str | None, to_time: str | None, dry_run: bool, runner: str | None,
    time_zone: str, format: str,
) -> None:  # fmt: skip
    """Run the transformation job of the file JOB over the logs of its range that it has not transformed yet.

    What earlier runs finished is left alone, so that the same command again does only what is new. Logs whose events fail go to the
    job's dead letters; the exit code is 1 then. Flags of the runner follow `--`.

    \b
    Examples:
      logsluice transform job.yaml --dry-run
      logsluice transform job.yaml
      logsluice transform job.yaml --to 2026-11-22T12:00:00Z -- --direct_num_workers 2
    """
    plan = plan_job(app, Path(job), from_time, to_time, time_zone)
    if dry_run:
        show_plan(app, plan, format)
        return
    finished = run_plan(app, plan, runner, flags)
    show_run(app, plan, finished, format, job)
    leave_with(finished)
