"""The command line: finds verbs by listing this folder, turns errors into messages and exit codes.

A verb is one file: ``NAME.py`` (underscores become dashes) with a click command or group called ``command``. Only the verb that
was asked for is imported.
"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from pipelines.cli.app import App
from pipelines.cli.unexpected import describe, masked
from transforms.core.diagnostics import render
from transforms.core.errors import ExitCode, LogsluiceError

__all__ = ["cli", "guarded", "leave", "main"]

_FOLDER = Path(__file__).parent
_DEFINES_COMMAND = re.compile(r"^(def command\(|command\s*[:=])", re.MULTILINE)

_EPILOG = """\b
Exit codes:
  0    everything was done
  1    some of the input was bad (dead letters), or a statement failed on its data
  2    wrong input: an unknown verb, option, name or column, a statement that is refused
  3    a store does not answer, or refused
  130  interrupted

\b
Examples:
  logsluice logstore create nginx --shards 2 --ttl 30
  logsluice --project shop logstore list --format json
  logsluice logstore create --help
"""


class _Verbs(click.Group):
    """The group whose commands are the files of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_name_of(path) for path in _FOLDER.glob("*.py") if _DEFINES_COMMAND.search(path.read_text(encoding="utf-8")))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        path = _FOLDER / f"{cmd_name.replace('-', '_')}.py"
        if not path.is_file():
            path = path.with_stem(f"{path.stem}_")  # a verb that is a word of Python's own, such as import
        if _name_of(path) != cmd_name or not path.is_file() or not _DEFINES_COMMAND.search(path.read_text(encoding="utf-8")):
            return None
        command: click.Command = import_module(f"pipelines.cli.{path.stem}").command
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)


def _name_of(path: Path) -> str:
    return path.stem.rstrip("_").replace("_", "-")


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"logsluice {version('logsluice')}")
        except PackageNotFoundError:
            click.echo("logsluice (not installed)")
        ctx.exit()


@click.group(
    name="logsluice", cls=_Verbs, epilog=_EPILOG, no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120, "auto_envvar_prefix": None},
)  # fmt: skip
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), envvar="LOGSLUICE_HOME",
              help="Folder that keeps everything.  [env: LOGSLUICE_HOME; default: .logsluice]")  # fmt: skip
@click.option("--project", default="default", envvar="LOGSLUICE_PROJECT", show_default=True,
              help="Project the names belong to.  [env: LOGSLUICE_PROJECT]")  # fmt: skip
@click.option("--catalogue", metavar="URL", envvar="LOGSLUICE_CATALOGUE",
              help="Keep names in this database, not in the home: mysql://USER:env:NAME@HOST/DB.  [env: LOGSLUICE_CATALOGUE]")  # fmt: skip
@click.option("--traceback", is_flag=True, expose_value=False, help="Show where in the program an error arose.")
@click.option("--version", is_flag=True, callback=_print_version, expose_value=False, is_eager=True, help="Show the version and exit.")
@click.pass_context
def cli(ctx: click.Context, home: Path | None, project: str, catalogue: str | None) -> None:
    """Log analytics: search | SQL over Logstores, joined with databases, as Apache Beam pipelines.

    The options below come before the verb. Results go to stdout, words to stderr.
    """
    app = App(home, project, catalogue)
    ctx.obj = app
    ctx.call_on_close(app.close)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Nothing is raised."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return guarded(lambda: cli.main(arguments, prog_name="logsluice", standalone_mode=False), "--traceback" in arguments)


def guarded(run: Callable[[], object], show_traceback: bool = False) -> int:
    """Call ``run`` and turn what becomes of it into an exit code; every error ends here, with a message on stderr."""
    _prepare_streams()
    stdout = sys.stdout
    try:
        outcome = run()
        sys.stdout.flush()
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except SystemExit as end:
        if sys.stdout is not stdout:  # click swaps it, and ends the program, when the reader of a pipe has left
            _abandon_stdout()
            return ExitCode.DONE
        return end.code if isinstance(end.code, int) else ExitCode.DONE if end.code is None else ExitCode.USAGE
    except Exception as error:  # noqa: BLE001 (the one place where every error ends, with a message)
        return _explain(error, show_traceback)
    return int(outcome) if isinstance(outcome, int) else ExitCode.DONE


def leave(code: int) -> NoReturn:
    """End the process. Python would take a fifth of a second to take the imported libraries apart; nothing of ours waits for that:
    every verb has closed what it opened."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    logging.shutdown()
    os._exit(code)


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the caller closed it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            # Logs hold any character, lone surrogates too; a terminal in another encoding must not end a query.
            stream.reconfigure(errors="backslashreplace")


def _explain(error: Exception, show_traceback: bool) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help() if error.ctx else error.format_message())
        return ExitCode.DONE
    if isinstance(error, click.Abort):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _abandon_stdout()  # its reader (head, less) has seen enough
        return ExitCode.DONE
    if show_traceback:
        click.echo(masked("".join(traceback.format_exception(error))), err=True, nl=False)
    if isinstance(error, click.ClickException):
        click.echo(f"error[Usage]: {error.format_message()}\nhint: {_usage_hint(error)}", err=True)
        return ExitCode.USAGE
    if isinstance(error, LogsluiceError):
        click.echo(render(error), err=True)
        return error.exit_code
    if isinstance(error, OSError) and error.errno is not None:
        try:
            sys.stdout.flush()
        except OSError:
            _abandon_stdout()
        file = f": {error.filename}" if error.filename else ""
        click.echo(f"error[System]: {error.strerror}{file}\nhint: --traceback before the verb shows where", err=True)
        return ExitCode.STORE
    click.echo(describe(error), err=True)
    return ExitCode.PROBLEMS


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "logsluice"
    if isinstance(error, click.exceptions.NoSuchOption):
        option = error.option_name
        if any(option in parameter.opts for parameter in cli.params):
            return f"{option} belongs before the verb: logsluice {option} … {path.partition(' ')[2]}"
        if context is not None and any("--runner" in parameter.opts for parameter in context.command.params) and not error.possibilities:
            return f"{path} --help; the flags of a runner follow --: --runner DirectRunner -- {option} …"
    return f"{path} --help"


def _abandon_stdout() -> None:
    # What is still buffered goes nowhere; otherwise Python complains once more when it flushes stdout at its end.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
