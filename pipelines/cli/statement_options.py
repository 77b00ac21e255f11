"""Options that verbs share: those of a statement, and those that name an interval of event times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

__all__ = ["statement_options", "time_options"]

_F = TypeVar("_F", bound=Callable[..., Any])

_TIMES = (
    click.option("--from", "from_time", metavar="TIME", help="First moment: Unix seconds, ISO 8601, now, -15m, -2h, -1d.  [default: the beginning]"),
    click.option("--to", "to_time", metavar="TIME", help="The moment after the last.  [default: the end]"),
    click.option("--time-zone", default="+08:00", envvar="LOGSLUICE_TIME_ZONE", show_default=True,
                 help="Zone of timestamps and of times without an offset: +08:00, Europe/Berlin.  [env: LOGSLUICE_TIME_ZONE]"),
)  # fmt: skip
_OPTIONS = (
    click.argument("logstore"),
    click.argument("statement"),
    *_TIMES,
    click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="Logs of a search without SQL."),
    click.option("--offset", type=click.IntRange(min=0), default=0, help="Logs of a search without SQL to skip."),
    click.option("--sql-engine", type=click.Choice(["embedded", "beam-sql"]), default="embedded", show_default=True,
                 help="What runs the SQL; beam-sql is Beam's own, in a pipeline, with Java."),
    click.option("--runner", metavar="RUNNER", help="Run as a Beam pipeline: DirectRunner (in this process, offline), FlinkRunner, …"),
)  # fmt: skip


def statement_options(function: _F) -> _F:
    """LOGSTORE, STATEMENT, --from, --to, --time-zone, --limit, --offset, --sql-engine, --runner."""
    return _with(function, _OPTIONS)


def time_options(function: _F) -> _F:
    """--from, --to, --time-zone: the same words and the same zone for every verb that picks logs by event time."""
    return _with(function, _TIMES)


def _with(function: _F, options: Sequence[Callable[[_F], _F]]) -> _F:
    for option in reversed(options):
        function = option(function)
    return function
