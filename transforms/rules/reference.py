"""The reference of the rule language, from the functions' own files."""

from __future__ import annotations

from typing import Any

from transforms.rules.function import REQUIRED, Example, Function, Parameter
from transforms.rules.library import all_functions

__all__ = ["described", "page", "whole"]

_ROLES = {"expression": "expression function", "step": "global function (a step)", "extraction": "global function (a step)"}


def described(function: Function) -> dict[str, Any]:
    """A function as plain values, for programs."""
    return {
        "name": function.name,
        "family": function.family,
        "kind": "expression" if function.role == "expression" else "step",
        "status": function.status,
        "usage": function.usage,
        "summary": function.summary,
        "prose": function.prose,
        "parameters": [
            {
                "name": parameter.name,
                "takes": parameter.kind.name,
                "description": parameter.description,
                "required": parameter.default is REQUIRED and not parameter.variadic,
                **({} if parameter.default is REQUIRED else {"default": repr(parameter.default)}),
                "variadic": parameter.variadic,
            }
            for parameter in function.parameters
        ],
        "examples": [
            {"title": example.title, "rule": example.rule, "log": dict(example.log), "result": _plain(example), "error": example.error}
            for example in function.examples
        ],
    }


def page(function: Function) -> str:
    """A function as a page of Markdown."""
    lines = [f"## {function.name}", "", function.summary, "", f"    {function.usage}", ""]
    status = {
        "newer": " Known to later editions of the log service only.",
        "presumed": " The log service names it without details; these are Logsluice's.",
    }
    lines += [f"*{_ROLES[function.role]}, {function.family}.*{status.get(function.status, '')}", ""]
    if function.prose:
        lines += [function.prose, ""]
    lines += [_parameter(parameter) for parameter in function.parameters]
    lines += [""] if function.parameters else []
    for example in function.examples:
        lines += _example(example)
    return "\n".join(lines).rstrip() + "\n"


def whole() -> str:
    """All functions as one page of Markdown."""
    return "# Functions of the rule language\n\n" + "\n".join(page(function) for function in all_functions())


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.default is REQUIRED else f" Default: `{parameter.default!r}`."
    many = ", …" if parameter.variadic else ""
    return f"- `{parameter.name}{many}` ({parameter.kind.name}): {parameter.description}{default}"


def _example(example: Example) -> list[str]:
    title = f"{example.title}: " if example.title else ""
    log = f" on `{_text(dict(example.log))}`" if example.log else ""
    if example.error is not None:
        result = f"fails: {example.error}"
    elif not example.run:
        result = "differs from run to run" if example.result is None else f"for instance `{_text(example.result)}`"
    elif example.result is None and "e_" in example.rule.split("(", 1)[0]:
        result = "no event"
    else:
        result = f"`{_text(example.result)}`"
    return [f"- {title}`{example.rule}`{log} → {result}".replace("\n", "; ")]


def _text(value: Any) -> str:
    return repr(value).replace("`", "'")


def _plain(example: Example) -> Any:
    return example.result if isinstance(example.result, str | int | float | bool | list | dict | type(None)) else repr(example.result)
