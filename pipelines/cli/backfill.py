"""logsluice backfill: run a transformation job again over a range it has done."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.app import App
from pipelines.cli.job_options import job_options, leave_with, plan_job, run_plan, show_plan, show_run

__all__ = ["command"]


@click.command(short_help="Transform a range again, replacing what the job wrote for it.")
@click.option("--from", "from_time", metavar="TIME", help="First receive time. Default: the job file's.")
@click.option("--to", "to_time", metavar="TIME", help="Receive time after the last. Default: the job file's.")
@click.option("--reason", required=True, help="Why; the ledger and the job's own log keep it.")
@click.option("--accept-loss", is_flag=True, help="Also when the source has lost logs since: what the job made of them goes.")
@job_options
@click.pass_obj
def command(
    app: App, job: str, flags: tuple[str, ...], from_time: str | None, to_time: str | None, reason: str, accept_loss: bool,
    dry_run: bool, runner: str | None, time_zone: str, format: str,
) -> None:  # fmt: skip
    """Run the job of the file JOB again over a range of receive time, with its rule as it is now.

    In every target what the job wrote for the range is replaced, each target in one commit; targets that the edited rule does not write
    to any more lose it. What of the range was never transformed is transformed.

    \b
    Examples:
      logsluice backfill job.yaml --from 2026-11-22T10:00:00Z --to 2026-11-22T12:00:00Z --reason 'status was read wrongly'
      logsluice backfill job.yaml --reason 'new field' --dry-run
    """
    plan = plan_job(app, Path(job), from_time, to_time, time_zone, backfill=True, reason=reason, accept_loss=accept_loss)
    if dry_run:
        show_plan(app, plan, format)
        return
    finished = run_plan(app, plan, runner, flags)
    show_run(app, plan, finished, format, job)
    leave_with(finished)
