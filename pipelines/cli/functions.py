"""logsluice functions: the reference of the rule language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.app import App
from pipelines.cli.output import write_rows

if TYPE_CHECKING:
    from transforms.rules.function import Function

__all__ = ["command"]


@click.command(short_help="Look up the functions of the rule language.")
@click.option("--search", metavar="TEXT", help="Functions whose name, summary or prose holds all words of the text.")
@click.option("--family", metavar="NAME", help="Functions of one chapter.")
@click.option(
    "--format",
    "format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json for editors: names, parameters, examples.",
)
@click.option("--markdown", is_flag=True, help="The whole reference as one page of Markdown.")
@click.argument("name", required=False)
@click.pass_obj
def command(app: App, name: str | None, search: str | None, family: str | None, format: str, markdown: bool) -> None:
    """Show one function with its parameters and examples, or list all.

    \b
    Examples:
      logsluice functions
      logsluice functions e_regex
      logsluice functions --search timestamp
    """
    from transforms.core.errors import NotFound
    from transforms.core.suggest import suggestion
    from transforms.rules.library import all_functions, families, function_named
    from transforms.rules.reference import described, page, whole

    if markdown:
        app.emit(whole().rstrip("\n"))
        return
    if name is not None:
        function = function_named(name)
        app.emit(json.dumps(described(function), ensure_ascii=False, indent=2) if format == "json" else page(function))
        return
    if family is not None and family not in families():
        raise NotFound(
            f"there is no family {family!r}", hint=suggestion(family, families(), "family") or f"families: {', '.join(families())}"
        )
    found = [function for function in all_functions() if _matches(function, search, family)]
    if format == "json":
        app.emit(json.dumps([described(function) for function in found], ensure_ascii=False, indent=2))
        return
    rows: list[tuple[Any, ...]] = [(function.family, function.name, function.summary) for function in found]
    write_rows(["family", "function", "summary"], rows, "table")


def _matches(function: Function, search: str | None, family: str | None) -> bool:
    if family is not None and function.family != family:
        return False
    text = f"{function.name} {function.summary} {function.prose}".casefold()
    return all(word in text for word in (search or "").casefold().split())
