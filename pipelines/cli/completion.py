"""``logsluice completion``: scripts that let a shell complete verbs and options."""

from __future__ import annotations

import click

from pipelines.cli.app import App


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a completion script for a shell.

    \b
    Examples:
      logsluice completion bash >> ~/.bashrc
      logsluice completion fish > ~/.config/fish/completions/logsluice.fish
    """
    from click.shell_completion import get_completion_class

    app: App = ctx.obj
    maker = get_completion_class(shell)
    assert maker is not None, "click brings all three"
    app.emit(maker(ctx.find_root().command, {}, "logsluice", "_LOGSLUICE_COMPLETE").source())
