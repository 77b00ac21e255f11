"""logsluice preview: what a rule does to a few logs."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App
from transforms.core.counted import counted

if TYPE_CHECKING:
    from transforms.rules.preview import Happening, LogTrace, Preview

__all__ = ["command"]


@click.command(short_help="Show step by step what a rule does to a few logs.")
@click.option(
    "--input",
    "source",
    required=True,
    metavar="FILE|LOGSTORE|-",
    help="JSON (object, array, lines) or `key: value` blocks; or a Logstore; - is stdin.",
)
@click.option("--limit", type=click.IntRange(1, 1_000), default=10, show_default=True, help="Logs that are looked at.")
@click.option(
    "--parameter",
    "-p",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="What res_local(KEY) gives; VALUE may be env:NAME or file:PATH.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="NAME=FILE",
    help="A CSV file for res_rds_mysql and res_log_logstore_pull of that table or Logstore, or a file for res_oss_file.",
)
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="json for editors.")
@click.argument("rule", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(app: App, rule: Path, source: str, limit: int, parameters: tuple[str, ...], tables: tuple[str, ...], format: str) -> None:
    """Run the rule of the file RULE over a few logs: which fields each step changed, what was dropped where, what went to which target.

    Nothing is written. Tables of databases are read from files named with --table, if there are any; otherwise the database is asked.

    \b
    Examples:
      logsluice preview access.etl --input sample.jsonl
      logsluice preview access.etl --input access --limit 3 --format json
    """
    from pipelines.transformation.rule_files import parameters_of, read_rule
    from pipelines.transformation.rule_surroundings import preview_context
    from transforms.core.errors import ExitCode
    from transforms.rules.preview import preview

    compiled = read_rule(rule)
    logs = _logs(app, source, limit)
    context = preview_context(app, source, parameters_of(parameters), parameters_of(tables))
    found = preview(compiled, logs, context)
    if format == "json":
        app.emit(json.dumps(found.plain(), ensure_ascii=False, indent=2))
    else:
        _show(app, found)
    if any(trace.failure is not None for trace in found.logs):
        raise SystemExit(ExitCode.PROBLEMS)


def _logs(app: App, source: str, limit: int) -> list[dict[str, str]]:
    from transforms.core.errors import NotFound
    from transforms.formats.pasted_logs import pasted_logs

    path = Path(source)
    if source == "-" or path.exists():
        return pasted_logs(_beginning(None if source == "-" else path, source), source, limit)
    try:
        store = app.home.open_logstore(app.project, source)
    except NotFound as error:
        raise NotFound(f"there is no file and no Logstore {source!r}", hint=error.hint) from None
    found: list[dict[str, str]] = []
    for group in store.read():
        times = group.seconds.to_pylist()
        found.extend(
            {"__time__": str(seconds), **log} for seconds, log in islice(zip(times, group.to_logs(), strict=True), limit - len(found))
        )
        if len(found) >= limit:
            break
    return found


def _beginning(path: Path | None, name: str) -> str:
    """The first characters of a file or of standard input (plain, gzip, zstd), which are more than a preview needs."""
    from transforms.core.errors import ParameterInvalid
    from transforms.formats.byte_source import damaged, open_bytes
    from transforms.formats.pasted_logs import MOST_CHARACTERS

    stream = open_bytes(sys.stdin.buffer if path is None else path, name)
    data = b""
    try:
        while len(data) < MOST_CHARACTERS and (block := stream.read(MOST_CHARACTERS - len(data))):
            data += bytes(block)
    except OSError as error:
        raise damaged(name, len(data), error) from error
    finally:
        if path is not None:
            stream.close()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and len(data) >= MOST_CHARACTERS:
            return data[: error.start].decode()
        raise ParameterInvalid(
            f"{name} is no UTF-8 text: {error}", hint="`logsluice apply` passes over such lines and counts them"
        ) from error


def _show(app: App, found: Preview) -> None:
    for trace in found.logs:
        _show_log(app, trace)
    for step in found.steps:
        events = f"{step.events_in} → {step.events_out}" if step.events_in != step.events_out else f"{step.events_in}"
        warnings = "".join(f"; {counted(times, 'warning')}: {message}" for message, times in step.warnings.items())
        app.say(f"{step.label} (line {step.position.partition(':')[0]}): {events} events, {step.seconds * 1_000:.1f} ms{warnings}")


def _show_log(app: App, trace: LogTrace) -> None:
    app.emit(f"log {trace.number}")
    for one in trace.happenings:
        for line in _lines(one):
            app.emit(f"  {one.step:<20} {line}")
    for target, log in trace.outputs:
        app.emit(f"  → {target}: {json.dumps(log, ensure_ascii=False)}")
    if not trace.outputs:
        app.emit("  → nowhere" if trace.failure is None else "  → dead letter")


def _lines(one: Happening) -> list[str]:
    event = f"event {one.event}: " if "." in one.event else ""
    if one.kind == "dropped":
        return [f"{event}dropped"]
    if one.kind == "sent":
        return [f"{event}sent to {one.target}"]
    if one.kind == "copied":
        return [f"{event}copied to {one.target}"]
    if one.kind == "failed":
        return ["failed: " + one.reason.replace("\n", ": ")]
    lines: list[str] = []
    for change in one.changes:
        after = json.dumps(change.after, ensure_ascii=False)
        if change.before is None:
            lines.append(f"{event}+ {change.field}: {after}")
        elif change.after is None:
            lines.append(f"{event}- {change.field}: {json.dumps(change.before, ensure_ascii=False)}")
        else:
            lines.append(f"{event}~ {change.field}: {json.dumps(change.before, ensure_ascii=False)} → {after}")
    return lines or [f"{event}unchanged copy"]
