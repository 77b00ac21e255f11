"""logsluice apply: run a rule over JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipelines.cli.app import App
from transforms.core.counted import counted

__all__ = ["command"]

_MAX_LINE_BYTES = 32 * 1024 * 1024
_PATIENCE = 30.0
"""Seconds to wait for a database that does not answer at first."""


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
    code is 1 then.

    \b
    Examples:
      logsluice apply mask.etl access.jsonl.gz > masked.jsonl
      tail -F app.jsonl | logsluice apply route.etl --targets out/ --dead-letters dead.jsonl
    """
    from pipelines.apply_files import Outputs, apply_to_inputs
    from pipelines.rule_files import parameters_of, read_rule
    from transforms.connectors.rule_resources import ResourceSettings
    from transforms.rules.context import Context

    compiled = read_rule(rule)
    context = Context(ResourceSettings(parameters=parameters_of(parameters), patience=_PATIENCE)())
    inputs = [("stdin", sys.stdin.buffer) if name == "-" else (name, Path(name)) for name in files or ("-",)]
    with app.progress("apply") as progress, _opened(output) as out, Outputs(out, targets, dead_letters) as outputs:
        done = apply_to_inputs(compiled, inputs, outputs, context, max_line_bytes=_MAX_LINE_BYTES, watch=progress.advance)
        out.flush()
    if not quiet:
        others = "".join(f", {counted(logs, 'log')} to {key}" for key, logs in done.written.items())
        app.say(f"{counted(done.read, 'log')} read{others}; dropped by the rule {done.dropped:,}, dead {done.dead:,}, no logs {done.bad:,}")
    for note, times in list(done.failures.items())[:5]:
        app.say(f"error: {counted(times, 'log')} at {compiled.source}:{note.position} ({note.step}): " + note.message.replace("\n", ": "))
    if done.dead or done.bad:
        from transforms.core.errors import ExitCode

        raise SystemExit(ExitCode.PROBLEMS)


def _opened(path: Path | None):  # type: ignore[no-untyped-def]
    from contextlib import nullcontext

    from transforms.core.errors import StoreRejected

    if path is None:
        return nullcontext(sys.stdout.buffer)
    try:
        return path.open("wb")
    except OSError as error:
        raise StoreRejected(f"{path} cannot be written: {error.strerror}", hint="check the folder and its permissions") from error
