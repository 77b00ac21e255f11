"""``logsluice import``: files, folders and pipes into a Logstore, each log exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App, Progress
from transforms.core.counted import counted
from transforms.core.errors import ExitCode, ParameterInvalid
from transforms.core.suggest import suggestion

if TYPE_CHECKING:
    from pipelines.imports.import_logs import ImportReport

__all__ = ["command"]

_EPILOG = """\b
Field values are text exactly as the sender wrote it: numbers keep their characters (1.50),
nested objects stay JSON text, null means that the log does not have the field. In the input,
__time__, __topic__, __source__ and __tag__:NAME are the log's own.

\b
The same import run again goes on where a killed one stopped, and does nothing when it is
finished. Records that are no logs go to a file with place and reason (exit code 1);
mend it and import it with --format dead-letters. It knows the --time-…, --topic, --source and --tag
of the first import; one that is given anew wins.

\b
Examples:
  logsluice import web access.log.gz --format text \\
      --time-pattern '\\[([^\\]]+)\\]' --time-format '%d/%b/%Y:%H:%M:%S %z'
  logsluice import game logs/ --format jsonl --time-field time --time-format epoch-ms --tag host=web1
  kubectl logs app | logsluice import web - --format jsonl --id app-2024-05-01
"""


@click.command(epilog=_EPILOG, short_help="Import files, folders or a pipe into a Logstore.")
@click.argument("logstore")
@click.argument("inputs", nargs=-1, required=True, metavar="FILE|FOLDER|-…")
@click.option("--format", "format", type=click.Choice(["jsonl", "text", "csv", "parquet", "dead-letters"]),
              help="How the input is written.  [default: what the name ends in]")  # fmt: skip
@click.option("--time-field", metavar="NAME", help="Field that holds the time.  [default: __time__ where a log has it, else now]")
@click.option("--time-format", metavar="FORMAT",
              help="iso8601, epoch-s, epoch-ms, epoch-us, epoch-ns, or like '%Y-%m-%d %H:%M:%S.%f %z'.  [default: told from each value]")  # fmt: skip
@click.option("--time-zone", metavar="ZONE",
              help="Zone of times in the data that name none: Europe/Paris, +08:00. Not LOGSLUICE_TIME_ZONE.  [default: UTC]")  # fmt: skip
@click.option("--time-pattern", metavar="REGEX", help="Cuts the time out of a text line (or of --time-field) by its one group.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Tag of all logs: the field __tag__:NAME.")
@click.option("--topic", help="Topic of logs without one.")
@click.option("--source", help="Source of logs without one.")
@click.option("--hash-key", metavar="TEXT", help="Put all logs into the shard that owns this key.")
@click.option(
    "--dead-letters", type=click.Path(path_type=Path, dir_okay=False), help="File for records that are no logs.  [default: in the home]"
)
@click.option(
    "--max-line-bytes", type=click.IntRange(1, 1 << 30), default=8 << 20, show_default=True, help="Longer lines are dead letters."
)
@click.option("--again", is_flag=True, help="Import what was imported before all the same; its logs are then there twice.")
@click.option("--id", "name", metavar="NAME", help="Name of an import from a pipe, so that it can be resumed.")
@click.option("--batch-rows", type=click.IntRange(1, 10_000_000), default=400_000, show_default=True, help="Logs in one commit.")
@click.pass_obj
def command(app: App, /, logstore: str, tags: tuple[str, ...], **options: object) -> int:
    """Import into LOGSTORE: JSON lines, text lines, CSV, Parquet; plain, gzip or zstd."""
    from pipelines.imports.import_logs import ImportRequest, import_logs

    request = ImportRequest(app.project, logstore, tags=_tags(tags), **options)  # type: ignore[arg-type]
    with app.progress("importing bytes") as progress:
        report = import_logs(app.home, request, watch=_watcher(progress))
    for line in _words(report, request.time_field):
        app.say(line)
    return ExitCode.PROBLEMS if report.dead and not report.repeated else ExitCode.DONE


def _tags(texts: tuple[str, ...]) -> dict[str, str]:
    tags = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ParameterInvalid(f"--tag {text!r} is not NAME=VALUE", hint="for example --tag host=web1")
        tags[name] = value
    return tags


def _watcher(progress: Progress) -> Callable[[int, int, int], None]:
    started = time.monotonic()
    told = 0

    def watch(done: int, total: int, logs: int) -> None:
        nonlocal told
        seconds = time.monotonic() - started
        left = f", {seconds * (total - done) / done:,.0f} s left of {counted(total, 'byte')}" if 0 < done < total else ""
        progress.advance(max(0, done - told))
        progress.note(f"{counted(logs, 'log')}, {logs / max(seconds, 0.001):,.0f} logs/s{left}")
        told = max(told, done)

    return watch


def _words(report: ImportReport, time_field: str | None) -> list[str]:
    hidden = f" ({report.hidden} hidden passed over)" if report.hidden else ""
    inputs = f"{counted(report.files, 'input')}{hidden}"
    lines = []
    if report.repeated:
        lines.append(f"imported before: {counted(report.logs, 'log')} from {inputs}; nothing was done (--again imports anew)")
    else:
        rate = report.logs_this_run / max(report.seconds, 0.001)
        resumed = f", {report.logs_this_run:,} of them in this run" if report.resumed else ""
        lines.append(
            f"imported {counted(report.logs, 'log')}{resumed} from {inputs}, {counted(report.bytes, 'byte')}, "
            f"in {report.seconds:.1f} s ({rate:,.0f} logs/s)"
        )
    if report.dead:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.dead.items()))
        lines.append(f"dead letters: {report.dead_total:,} ({reasons}) in {report.dead_letters}")
    if time_field is not None and report.fields_without_time:
        hint = suggestion(time_field, report.fields_without_time, "field")
        lines.append(f"warning: no record has the field {time_field!r} (--time-field)" + (f"; {hint}" if hint else ""))
    lines += (f"warning: {name} changed while it was read; what was added is not imported" for name in report.changed)
    return lines
