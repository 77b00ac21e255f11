"""``logsluice cursor``: places in a shard, by time and back."""

from __future__ import annotations

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

__all__ = ["command"]


@click.command(short_help="Show a place in a shard as a cursor.")
@click.argument("logstore")
@click.option("--shard", type=int, required=True, help="Its number.")
@click.option("--begin", is_flag=True, help="Before the first log there is.")
@click.option("--end", is_flag=True, help="Behind the newest log.")
@click.option("--at", metavar="TIME", help="Before the first log received then or later.")
@click.option("--time-of", "text", metavar="CURSOR", help="Up to when a reader at a cursor has read.")
@click.option(
    "--time-zone",
    default="+08:00",
    envvar="LOGSLUICE_TIME_ZONE",
    show_default=True,
    help="Of TIME without an offset, and of the time shown.  [env: LOGSLUICE_TIME_ZONE]",
)
@format_option
@click.pass_obj
def command(
    app: App, logstore: str, shard: int, begin: bool, end: bool, at: str | None, text: str | None, time_zone: str, format: str
) -> None:  # fmt: skip
    """Show a place in a shard of LOGSTORE as a cursor, and up to which receive time a reader at it has read: all logs received before
    that moment, none received later. Receive time is when the Logstore took a log, not the log's own time.

    \b
    Examples:
      logsluice cursor web --shard 0 --begin
      logsluice cursor web --shard 0 --at '2026-11-22 08:00'
      logsluice cursor web --shard 0 --time-of MTIuMC41
    """
    from transforms.core.clock import SystemClock
    from transforms.core.errors import ParameterInvalid
    from transforms.core.moments import format_moment, parse_moment, parse_zone
    from transforms.stores.cursor import BEGIN, Cursor

    if sum([begin, end, at is not None, text is not None]) != 1:
        raise ParameterInvalid("a place is told in one way", hint="give one of --begin, --end, --at TIME, --time-of CURSOR")
    zone = parse_zone(time_zone)
    store = app.home.open_logstore(app.project, logstore)
    if at is not None:
        cursor = store.cursor_of(shard, parse_moment(at, SystemClock().now_us(), zone) * 1_000_000)
    elif text is not None:
        cursor = Cursor.of_text(text)
    else:
        cursor = BEGIN if begin else store.end_cursor(shard)
    received = store.time_of(shard, cursor)
    write_rows(
        ["shard", "cursor", "receive_time_us", "receive_time"],
        [[shard, cursor.text, received, format_moment(received // 1_000_000, zone)]],
        format,
    )
