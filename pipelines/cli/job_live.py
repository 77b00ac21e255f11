"""A job's figures as they change: drawn in place on a terminal, one block or JSON line after another elsewhere."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App
from pipelines.cli.output import display_width

if TYPE_CHECKING:
    from pipelines.jobs.job_figures import JobFigures

__all__ = ["draw", "watch_job"]

_TO_LINE_BEGIN_AND_CLEAR = "\x1b[{lines}F\x1b[J"


def watch_job(app: App, name: str, format: str, every: float) -> None:
    """Show the job's figures every so many seconds until Ctrl-C, or until the job has ended by itself.

    Leaves with exit code 1 when it has failed. Raises NotFound, also when it is deleted meanwhile.
    """
    from pipelines.jobs.job_figures import figures_of, rates_between
    from pipelines.jobs.job_watch import figures_lines, shown_figures
    from transforms.core.errors import ExitCode
    from transforms.jobs.job import JobState

    ledger = app.home.job_ledger()
    before: JobFigures | None = None
    drawn = 0
    next_look = time.monotonic()
    while True:
        figures = figures_of(app.home, ledger.job(app.project, name))
        if before is not None:
            figures = rates_between(before, figures)
        before = figures
        if format == "json":
            app.emit(json.dumps(shown_figures(figures), ensure_ascii=False))
        else:
            lines = figures_lines(figures)
            if app.stdout_is_terminal:
                drawn = draw(lines, drawn)
            else:
                app.emit("\n".join([*lines, ""]))
        if figures.job.state is JobState.FAILED:
            raise SystemExit(ExitCode.PROBLEMS)
        if figures.job.state is JobState.SUCCEEDED:
            return
        next_look = max(next_look + every, time.monotonic())
        time.sleep(max(0.0, next_look - time.monotonic()))


def draw(lines: list[str], drawn: int) -> int:
    """Over what was drawn before; how many lines there are now. Nothing wraps or scrolls: the next drawing must find its beginning."""
    size = shutil.get_terminal_size()
    shown = [_cut(line, size.columns - 1) for line in lines[: size.lines - 1]]
    back = _TO_LINE_BEGIN_AND_CLEAR.format(lines=drawn) if drawn else ""
    click.echo(back + "\n".join(shown))
    return len(shown)


def _cut(line: str, width: int) -> str:
    while display_width(line) > width:
        line = line[:-1]
    return line
