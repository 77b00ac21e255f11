"""logsluice apply: run a rule over JSON lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from pipelines.cli.app import App
from transforms.core.counted import counted
from transforms.core.errors import ParameterInvalid

__all__ = ["command"]

_MAX_LINE_BYTES = 32 * 1024 * 1024
_PAUSE_SECONDS = 0.1
_MOST_SECONDS = 0.5


@click.command(short_help="Run a rule over JSON lines, to JSON lines.")
@click.option(
    "--targets", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="Other targets go there, as TARGET.jsonl."
)
@click.option(
    "--dead-letters",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Failed logs and lines that are no logs go there.",
)
@click.option(
    "--parameter",
    "-p",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="What res_local(KEY) gives; VALUE may be env:NAME or file:PATH.",
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The default target's file. Default: stdout.")
@click.option("--quiet", "-q", is_flag=True, help="Nothing on stderr but errors.")
@click.argument("rule", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True))
@click.pass_obj
def command(
    app: App, rule: Path, files: tuple[str, ...], targets: Path | None, dead_letters: Path | None, parameters: tuple[str, ...],
    output: Path | None, quiet: bool,
) -> None:  # fmt: skip
    """Run the rule of the file RULE over FILES of JSON lines (plain, gzip, zstd; `-` or none: stdin) and print what becomes of them.

    Neither a home nor Beam is needed. A log whose event fails, or a line that is no log, goes to --dead-letters and is counted; the exit
    code is 1 then. Lines of a pipe are handled as they come. Every value that comes out is text.

    \b
    Examples:
      logsluice apply mask.etl access.jsonl.gz > masked.jsonl
      tail -F app.jsonl | logsluice apply route.etl --targets out/ --dead-letters dead.jsonl
    """
    from pipelines.transformation.apply_files import apply_to_inputs
    from pipelines.transformation.apply_outputs import Outputs
    from pipelines.transformation.rule_files import parameters_of, read_rule
    from transforms.connectors.rule_resources import ResourceSettings
    from transforms.core.errors import ExitCode
    from transforms.rules.context import Context
    from transforms.rules.event import DEFAULT_TARGET
    from transforms.rules.secrets import place

    compiled = read_rule(rule)
    named = [target for target in compiled.targets if target.name != DEFAULT_TARGET.key]
    if named and targets is None:
        where = place(compiled.text, named[0].start, named[0].end, compiled.source)
        message = f"the rule writes to the target {named[0].name!r}"
        raise ParameterInvalid(message, hint="name a folder for it: --targets FOLDER", location=where)
    context = Context(ResourceSettings(parameters=parameters_of(parameters))())
    inputs = [_input(name) for name in files or ("-",)]
    read = [rule, *(path for _, path in inputs if isinstance(path, Path))]
    with app.progress("apply") as progress, _opened(output, read) as out, Outputs(out, targets, dead_letters, read) as outputs:
        done = apply_to_inputs(compiled, inputs, outputs, context, max_line_bytes=_MAX_LINE_BYTES, watch=progress.advance)
    if not quiet:
        others = "".join(f", {counted(logs, 'log')} to {key}" for key, logs in done.written.items())
        app.say(f"{counted(done.read, 'log')} read{others}; dropped by the rule {done.dropped:,}, dead {done.dead:,}, no logs {done.bad:,}")
    for level, notes in (("error", done.failures), ("warning", {} if quiet else done.warnings)):
        for note, times in sorted(notes.items(), key=lambda item: -item[1])[:5]:
            app.say(
                f"{level}: {counted(times, 'log')} at {compiled.source}:{note.position} ({note.step}): " + note.message.replace("\n", ": ")
            )
    if done.dead or done.bad:
        raise SystemExit(ExitCode.PROBLEMS)


def _input(name: str) -> tuple[str, Path | Any]:
    """A file, or a pipe whose lines are handled as they come. Raises NotFound, StoreRejected, ParameterInvalid."""
    from pipelines.imports.import_inputs import PatientPipe
    from transforms.formats.byte_source import open_file

    if name == "-":
        try:
            return "stdin", PatientPipe(sys.stdin.fileno(), _PAUSE_SECONDS, _MOST_SECONDS)
        except (AttributeError, OSError, ValueError):
            raise ParameterInvalid("there is no standard input", hint="name the files to read, or give lines by a pipe") from None
    path = Path(name)
    if path.is_dir():
        raise ParameterInvalid(f"{name} is a folder", hint="name its files, such as FOLDER/*.jsonl")
    if path.is_fifo():
        return name, PatientPipe(os.open(path, os.O_RDONLY), _PAUSE_SECONDS, _MOST_SECONDS)
    open_file(path, name).close()  # what cannot be read is said before anything is written
    return name, path


@contextmanager
def _opened(path: Path | None, read: Collection[Path]) -> Iterator[BinaryIO]:
    from pipelines.transformation.apply_outputs import refuse_inputs
    from transforms.core.errors import StoreRejected

    if path is None:
        yield sys.stdout.buffer
        return
    refuse_inputs(path, {one.resolve() for one in read})
    try:
        file = path.open("wb")
    except OSError as error:
        raise StoreRejected(f"{path} cannot be written: {error.strerror}", hint="check the folder and its permissions") from error
    with file:
        yield file
