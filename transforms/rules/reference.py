"""The reference of the rule language, from the functions' own files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transforms.rules.constants import CONSTANTS, JOB_CONSTANTS, OPERATIONS
from transforms.rules.function import REQUIRED, Example, Function, Parameter
from transforms.rules.library import all_functions, function_named, function_names

__all__ = ["CHAPTERS", "described", "page", "whole"]

CHAPTERS = {
    "flow": "Steps: flow of control",
    "events": "Steps: events",
    "fields": "Steps: fields",
    "extraction": "Steps: extraction of fields from text",
    "mapping": "Steps: mapping and enrichment",
    "checks": "Checks of events",
    "operators": "Operators",
    "arithmetic": "Arithmetic",
    "conversion": "Conversion",
    "strings": "Strings",
    "times": "Date and time",
    "patterns": "Regular expressions and grok",
    "documents": "JSON, XML, Protocol Buffers",
    "compression": "Compression",
    "addresses": "IP addresses and places",
    "encoding": "Encoding, digests, encryption",
    "parsing": "User agents and URLs",
    "lists": "Lists",
    "dictionaries": "Dictionaries",
    "tables": "Tables",
    "resources": "Resources",
}
"""Families in the reference's order, with their titles."""

_STATUS = {
    "newer": "Known to later editions of the log service only.",
    "presumed": "The log service names it without details; these are Logsluice's.",
}

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


def page(function: Function, heading: str = "##") -> str:
    """A function as a page of Markdown."""
    lines = [f"{heading} {function.name}", "", function.summary, "", f"    {function.usage}", ""]
    notes = [f"*{_ROLES[function.role]}, {function.family}.*", _STATUS.get(function.status, ""), *_other_names(function)]
    lines += [" ".join(note for note in notes if note), ""]
    if function.prose:
        lines += [function.prose, ""]
    lines += [_parameter(parameter) for parameter in function.parameters]
    lines += [""] if function.parameters else []
    for example in function.examples:
        lines += _example(example)
    return "\n".join(lines).rstrip() + "\n"


def whole() -> str:
    """All functions as one page of Markdown, by chapters, with a table of contents."""
    chapters = {family: [function for function in all_functions() if function.family == family] for family in CHAPTERS}
    lines = [
        "# Functions of the rule language",
        "",
        "Written by `logsluice functions --markdown` from the functions' own files: change those, not this.",
        "",
    ]
    for family, functions in chapters.items():
        links = ", ".join(f"[{function.name}](#{function.name.lower()})" for function in functions)
        lines.append(f"- **{CHAPTERS[family]}**: {links}")
    lines += ["- **[Constants](#constants)**", ""]
    for family, functions in chapters.items():
        lines += [f"## {CHAPTERS[family]}", ""]
        for function in functions:
            lines += [page(function, "###"), "[Contents](#functions-of-the-rule-language)", ""]
    return "\n".join([*lines, *_constants()]) + "\n"


def _other_names(function: Function) -> Iterator[str]:
    others = [name for name in function_names() if name != function.name and function_named(name) is function]
    if others:
        yield "Also called " + ", ".join(f"`{name}`" for name in others) + "."


def _constants() -> Iterator[str]:
    yield from ("## Constants", "", "Names that stand for a value, wherever a value may stand:", "")
    yield from (f"- `{name}`: `{value!r}`" for name, value in CONSTANTS.items())
    yield f"- {', '.join(f'`{name}`' for name in JOB_CONSTANTS)}: told by the job; `None` where there is none."
    yield from ("", "Names that stand for a step:", "")
    yield from (f"- `{name}`: `{called}()`" for name, called in OPERATIONS.items())


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
