"""``logsluice tail``: the newest logs, and those that come."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App

if TYPE_CHECKING:
    from transforms.core.log_group import LogGroup

__all__ = ["command"]

_EPILOG = """\b
Examples:
  logsluice tail web
  logsluice tail web -n 100 --format text
  logsluice tail web -n 0 --follow
"""


@click.command(epilog=_EPILOG, short_help="Show the newest logs, and those that come.")
@click.argument("logstore")
@click.option("-n", "--lines", "count", type=click.IntRange(min=0), default=10, show_default=True, help="How many logs.")
@click.option("--follow", "-f", "following", is_flag=True, help="Wait for more, until Ctrl-C.")
@click.option(
    "--format", "format", type=click.Choice(["jsonl", "text"]), default="jsonl", show_default=True, help="text: the field content."
)
@click.option("--receive-time", is_flag=True, help="Add the field __tag__:__receive_time__.")
@click.pass_obj
def command(app: App, logstore: str, count: int, following: bool, format: str, receive_time: bool) -> None:
    """Show the newest logs of LOGSTORE in the order they were received."""
    from pipelines.tail_logs import follow, last_logs
    from transforms.core.clock import SystemClock

    store = app.home.open_logstore(app.project, logstore)
    groups, version = last_logs(store, count)
    for group in groups:
        _show(group, format, receive_time)
    if following:
        for group in follow(store, version, SystemClock()):
            _show(group, format, receive_time)


def _show(group: LogGroup, format: str, receive_time: bool) -> None:
    from transforms.formats import rendering

    data = rendering.text_lines(group)[0] if format == "text" else rendering.json_lines(group, receive_time=receive_time)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
