"""Task files: YAML or JSON as it is written, with the place of every value.

Plain words stay words where YAML would make something else of them: ``+0530`` is a zone and ``2026-11-22 08:00:00`` a time as written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from transforms.core.errors import Location, NotFound, ParameterInvalid
from transforms.schedule.config_fields import Places

__all__ = ["parse_task_text", "read_task_file"]

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_REAL = re.compile(r"-?[0-9]+\.[0-9]+")
_MOST_DEPTH = 20


def read_task_file(path: Path, what: str = "task") -> tuple[dict[str, Any], Places]:
    """A file's mapping, and where its values stand; ``what`` the file is, in messages.

    Raises NotFound, or ParameterInvalid with the place of what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint=f"name the {what}'s YAML or JSON file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterInvalid(f"{path} cannot be read: {error}", hint=f"a {what} file is UTF-8 text") from error
    return parse_task_text(text, str(path), what)


def parse_task_text(text: str, source: str, what: str = "task") -> tuple[dict[str, Any], Places]:
    """As `read_task_file`, of a text."""
    try:
        # JSON may be indented with tabs, which YAML does not take; inside its texts there are none.
        node = yaml.compose(text.replace("\t", " ") if text.lstrip().startswith("{") else text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _no_yaml(error, text, source, what) from None
    except yaml.YAMLError as error:
        raise ParameterInvalid(f"{source} is no YAML: {error}", hint=f"a {what} file is YAML or JSON") from None
    if not isinstance(node, yaml.MappingNode):
        raise ParameterInvalid(
            "a mapping is needed: `key: value` lines",
            hint="see `logsluice task --help`" if what == "task" else f"a {what} file begins with a key",
            location=Location(text, 0, 1, source),
        )
    found: dict[tuple[str, ...], Location] = {}
    values = _value(node, (), found, text, source)

    def places(path: tuple[str, ...]) -> Location | None:
        return found.get(path)

    return values, places


def _value(node: yaml.Node, path: tuple[str, ...], found: dict[tuple[str, ...], Location], text: str, source: str) -> Any:
    found[path] = place = _place(node, text, source)
    if len(path) > _MOST_DEPTH:
        raise ParameterInvalid("the file is nested too deeply", hint="a task has two levels of keys", location=place)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, str(number)), found, text, source) for number, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ParameterInvalid("a key is a word", hint="write `key: value`", location=_place(key, text, source))
            if key.value in values:
                raise ParameterInvalid(f"{key.value!r} is given twice", hint="leave one out", location=_place(key, text, source))
            inner = (*path, key.value)
            values[key.value] = _value(value, inner, found, text, source)
            if isinstance(value, yaml.MappingNode) and not value.flow_style:
                found[inner] = _place(key, text, source)
        return values
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    word = str(node.value)
    if getattr(node, "style", None) is not None:
        return word
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if node.tag == "tag:yaml.org,2002:bool" and word.casefold() in ("true", "false"):
        return word.casefold() == "true"
    if _WHOLE.fullmatch(word):
        return int(word) if len(word) <= 18 else word
    return float(word) if _REAL.fullmatch(word) else word


def _place(node: yaml.Node, text: str, source: str) -> Location:
    """The value; of one with several lines the first, unless it is a text."""
    start, end = node.start_mark.index, node.end_mark.index
    if not isinstance(node, yaml.ScalarNode):
        line_end = text.find("\n", start)
        end = end if line_end < 0 else min(end, line_end)
    return Location(text, start, max(end, start + 1), source)


def _no_yaml(error: yaml.MarkedYAMLError, text: str, source: str, what: str) -> ParameterInvalid:
    mark = error.problem_mark
    at = min(mark.index if mark is not None else 0, len(text))
    # The mark stands at the sign that means something to YAML, or right behind it.
    signs = set(text[max(0, at - 1) : at + 1])
    hint = "write the value in quotes" if signs & set("@*%`&!") else f"a {what} file is YAML or JSON"
    return ParameterInvalid(f"this is no YAML: {error.problem or error.context}", hint=hint, location=Location(text, at, at + 1, source))
