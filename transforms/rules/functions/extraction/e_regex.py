"""e_regex"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, extraction
from transforms.rules.functions.extraction._kinds import FieldsInfo
from transforms.rules.functions.extraction._names import is_field_name
from transforms.rules.kinds import FieldName, Regex, Text
from transforms.rules.pattern import Pattern

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments

Pairs = list[tuple[str, str]]


@extraction(
    "extraction",
    parameters={
        "field": "The field whose text is searched.",
        "regex": "The regular expression; a part of the text is enough for a match.",
        "fields_info": "Which fields are written: see above. Without it, the named groups are.",
        "pack_json": "Write all results as one JSON object to this field instead.",
    },
    examples=[
        Example(
            r'e_regex("msg", r"version: (?P<version>\w+), err: (?P<error>\d+)")',
            {"msg": "version: x, err: 2"},
            {"msg": "version: x, err: 2", "version": "x", "error": "2"},
        ),
        Example(r'e_regex("msg", r"\d+\.\d+", "n")', {"msg": "at 1.5 and 2.5"}, {"msg": "at 1.5 and 2.5", "n": "1.5"}, title="One name"),
        Example(r'e_regex("msg", r"(\w)-(\w)", ["a", "b"])', {"msg": "x-y"}, {"msg": "x-y", "a": "x", "b": "y"}, title="A list and groups"),
        Example(
            r'e_regex("msg", r"\d+", ["a", "b"])', {"msg": "1 2 3"}, {"msg": "1 2 3", "a": "1", "b": "2"}, title="A list without groups"
        ),
        Example(
            r'e_regex("q", r"(\w+)=(\w+)", {r"q_\1": r"\2"})',
            {"q": "a=1&b=2"},
            {"q": "a=1&b=2", "q_a": "1", "q_b": "2"},
            title="A dictionary: every match",
        ),
        Example(
            r'e_regex("q", r"(\w+)=(\w+)", {r"\1": r"\2"}, pack_json="all")',
            {"q": "a=1&b=2"},
            {"q": "a=1&b=2", "all": '{"a": "1", "b": "2"}'},
        ),
        Example(r'e_regex("msg", r"no (\d+)", ["x"])', {"msg": "yes"}, {"msg": "yes"}, title="No match: nothing happens"),
        Example('e_regex("msg", "(?P<x>")', {"msg": "a"}, error="invalid regular expression"),
    ],
    mode="fill-auto",
)
def e_regex(value: Text, regex: Regex, fields_info: FieldsInfo = None, pack_json: FieldName | None = None) -> Pairs | None:
    r"""Takes fields out of a text with a regular expression.

    Named groups of the first match are written to the fields of their names; a group that took no part writes nothing.
    ``fields_info`` asks for more: one name gets the whole first match. A list of names gets the groups of the first match in turn, or,
    if the expression has no groups, one match each. A dictionary is used for every match: its keys and values are templates in which
    ``\1`` or ``\g<name>`` stand for groups. Names from lists and dictionaries that could not be field names (such as ``1a``) are left
    out. A value on which the expression takes too long fails its event.
    """
    found = regex.search(value)
    if found is None:
        return None
    pairs: Pairs = [(name, found[number]) for name, number in regex.names.items() if found[number] is not None]
    if isinstance(fields_info, str):
        pairs.append((fields_info, found[0]))
    elif isinstance(fields_info, tuple):
        texts = found.groups() if regex.groups else (match[0] for match in regex.each(value))
        pairs += [(name, text) for name, text in zip(fields_info, texts, strict=False) if text is not None and is_field_name(name)]
    elif fields_info is not None:
        pairs += _by_templates(regex, value, fields_info)
    if pack_json is None:
        return pairs
    return [(pack_json, json.dumps(dict(pairs), ensure_ascii=False))] if pairs else []


def _by_templates(regex: Pattern, value: str, templates: dict[str, str]) -> Iterator[tuple[str, str]]:
    for match in regex.each(value):
        for name_template, template in templates.items():
            name = match.expand(name_template)
            if is_field_name(name):
                yield name, match.expand(template)


@e_regex.at_load
def _check(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    regex, templates = known.get("regex"), known.get("fields_info")
    if isinstance(regex, Pattern) and isinstance(templates, dict):
        for template in (*templates, *templates.values()):
            try:
                regex.check_template(template)
            except ValueError as error:
                yield f"e_regex: fields_info: {error}", "fields_info"


@e_regex.columns
def _columns(source: pl.Series, call: Arguments, field_name: str) -> Any:
    from transforms.rules.functions.extraction._regex_columns import groups_as_columns

    return groups_as_columns(source, call.fixed("regex"), call.fixed("fields_info"), call.fixed("pack_json"))
