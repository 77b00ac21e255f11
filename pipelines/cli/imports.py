"""``logsluice imports``: what was imported into a Logstore, and how far."""

from __future__ import annotations

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

__all__ = ["command"]


@click.command(short_help="List the imports into a Logstore.")
@click.argument("logstore")
@format_option
@click.pass_obj
def command(app: App, logstore: str, format: str) -> None:
    """List the imports into LOGSTORE: finished ones, and those that were stopped and go on when they are run again.

    \b
    Example:
      logsluice imports nginx --format json
    """
    app.home.catalogue().logstore(app.project, logstore)
    rows = []
    for run in app.home.catalogue().list_imports(app.project, logstore):
        counters = run.summary if run.finished else run.end.get("counters", {})
        dead = sum(counters.get("dead", {}).values())
        inputs = list((run.summary or run.start).get("inputs", {}))
        what = (inputs[0] if len(inputs) == 1 else f"{len(inputs)} files") if inputs else "-"
        rows.append((run.id[:12], "finished" if run.finished else "unfinished", counters.get("logs", 0), dead, what))
    write_rows(["id", "state", "logs", "dead_letters", "input"], rows, format)
