"""logsluice check: whether rules can be loaded."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipelines.cli.app import App
from transforms.core.counted import counted

__all__ = ["command"]


@click.command(short_help="Check rules without running them.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME",
    help="A target that the job configures; repeatable. Without any, names are not checked.",
)
@click.option(
    "--format",
    "format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json for editors: every problem with its place.",
)
@click.argument("rules", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(app: App, rules: tuple[Path, ...], targets: tuple[str, ...], format: str) -> None:
    """Check the rules of the files RULES: syntax, functions, arguments, regular expressions, queries, paths, zones, modes.

    All problems are shown, each with line, column and what to do. The exit code is 2 if there is one.

    \b
    Example:
      logsluice check access.etl --target errors
    """
    from pipelines.transformation.rule_files import rule_text
    from transforms.core.diagnostics import render_location
    from transforms.core.errors import ExitCode
    from transforms.rules.bind import problems_of

    found = [(path, problem) for path in rules for problem in problems_of(rule_text(path), str(path), targets or None)]
    if format == "json":
        told = [
            {
                "file": str(path), "line": problem.location.line, "column": problem.location.column,
                "start": problem.location.start, "end": problem.location.end, "message": problem.message, "hint": problem.hint,
            }
            for path, problem in found
        ]  # fmt: skip
        app.emit(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for _, problem in found:
            app.emit(f"{problem.message}\n{render_location(problem.location)}" + (f"\nhint: {problem.hint}" if problem.hint else ""))
        app.say(f"{counted(len(rules), 'rule')} checked, {counted(len(found), 'problem')}")
    if found:
        raise SystemExit(ExitCode.USAGE)
