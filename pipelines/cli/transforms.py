"""``logsluice transforms``: which transformation jobs ran, and what became of their runs."""

from __future__ import annotations

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

__all__ = ["command"]


@click.command(short_help="List the runs of transformation jobs.")
@click.argument("job", required=False)
@format_option
@click.pass_obj
def command(app: App, job: str | None, format: str) -> None:
    """List the runs of the transformation job called JOB, or of all jobs, oldest first.

    A run whose process was killed stays `running` until the job is started again: then it has `failed`, and what it did is done anew. A
    `committing` run is finished by the next start.

    \b
    Examples:
      logsluice transforms
      logsluice transforms clean-access --format json
    """
    from transforms.core.errors import NotFound
    from transforms.core.moments import format_moment, parse_zone
    from transforms.core.suggest import suggestion

    utc = parse_zone("UTC")

    def moment(microseconds: int) -> str:
        return format_moment(microseconds // 1_000_000, utc) if microseconds else "-"

    catalogue = app.home.catalogue()
    names = list(catalogue.list_transform_jobs(app.project))
    if job is not None and job not in names:
        raise NotFound(f"no job {job!r} ever ran", hint=suggestion(job, names, "job"), code="TransformJobNotExist")
    rows = []
    for name in names if job is None else [job]:
        for run in catalogue.list_transforms(app.project, name):
            counts = [run.summary.get(key, "-") for key in ("read", "delivered", "dropped", "dead")]
            span = (moment(run.pieces[0].start), moment(run.pieces[-1].end)) if run.pieces else ("-", "-")
            why = str(run.summary.get("error", run.reason)) or "-"
            rows.append((name, run.number, run.state, moment(run.started_us), moment(run.ended_us), *span, *counts, run.rule, why))
    columns = [
        "job",
        "run",
        "state",
        "started",
        "ended",
        "received_from",
        "received_to",
        "read",
        "delivered",
        "dropped",
        "dead",
        "rule",
        "reason",
    ]
    write_rows(columns, rows, format)
