"""``logsluice export``: logs out of a Logstore, to a file or a pipe."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipelines.cli.app import App
from pipelines.cli.statement_options import time_options
from transforms.core.counted import counted
from transforms.core.errors import ParameterInvalid

__all__ = ["command"]

_EPILOG = """\b
What is exported can be imported: times keep their fractions, absent and empty fields differ.
CSV has a column for every field; text writes the field content, a line each.

\b
Examples:
  logsluice export web --output web.jsonl.zst
  logsluice export web --from -1d --format csv | head
  logsluice export web --from 2024-05-01 --to 2024-05-02 --time-zone UTC --output day.parquet
"""


@click.command(epilog=_EPILOG, short_help="Write logs to a file or a pipe.")
@click.argument("logstore")
@time_options
@click.option(
    "--output", "-o", default="-", metavar="FILE|-", help="Where to; an existing file is replaced when all is written.  [default: stdout]"
)
@click.option(
    "--format", "format", type=click.Choice(["jsonl", "csv", "parquet", "text"]), help="How.  [default: what FILE ends in, else jsonl]"
)
@click.option("--compress", type=click.Choice(["none", "gzip", "zstd"]), help="Pack the output.  [default: what FILE ends in]")
@click.option("--receive-time", is_flag=True, help="Add the field __tag__:__receive_time__.")
@click.pass_obj
def command(
    app: App, logstore: str, from_time: str | None, to_time: str | None, time_zone: str, output: str, format: str | None,
    compress: str | None, receive_time: bool,
) -> None:  # fmt: skip
    """Export the logs of LOGSTORE as JSON lines, CSV, Parquet or text."""
    from pipelines.export_logs import export_logs, how_to_write, opened_output
    from pipelines.query import interval_of
    from transforms.core.clock import SystemClock

    format, compress = how_to_write("" if output == "-" else output, format, compress)
    if output == "-" and app.stdout_is_terminal and (format == "parquet" or compress != "none"):
        raise ParameterInvalid("a terminal shows no packed bytes", hint="add --output FILE, or a pipe")
    now_us = SystemClock().now_us()
    times = interval_of(from_time, to_time, now_us, time_zone)
    store = app.home.open_logstore(app.project, logstore)
    with app.progress("exporting logs") as progress:
        settings = {
            "format": format,
            "compression": compress,
            "times": times,
            "received_before_us": now_us + 1,
            "receive_time": receive_time,
        }
        if output == "-":
            report = export_logs(store, sys.stdout.buffer, watch=progress.advance, **settings)  # type: ignore[arg-type]
            sys.stdout.buffer.flush()
        else:
            with opened_output(Path(output)) as file:
                report = export_logs(store, file, watch=progress.advance, **settings)  # type: ignore[arg-type]
    app.say(f"exported {counted(report.logs, 'log')}" + (f" to {output}" if output != "-" else ""))
    if report.left_out:
        app.say(f"left out {counted(report.left_out, 'log')} without the field content")
