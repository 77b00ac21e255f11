"""YAML files that people write by hand: every value knows its line, unknown keys are refused with the nearest known one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import yaml

from transforms.core.errors import Location, NotFound, ParameterInvalid
from transforms.core.suggest import suggestion

__all__ = ["Section", "read_yaml"]


def read_yaml(path: Path) -> Section:
    """The file's mapping. Raises NotFound, or ParameterInvalid with the place of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint="name the job's YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterInvalid(f"{path} cannot be read: {error}", hint="a job file is UTF-8 text") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Section:
    """As `read_yaml`, of a text."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = mark.index if mark is not None else 0
        raise ParameterInvalid(f"this is no YAML: {error.problem or error.context}", location=Location(text, at, at + 1, source)) from None
    except RecursionError:
        raise ParameterInvalid(f"{source} is nested too deeply") from None
    except yaml.YAMLError as error:
        raise ParameterInvalid(f"{source} is no YAML: {error}") from None
    if not isinstance(node, yaml.MappingNode):
        raise ParameterInvalid("a mapping is needed: `key: value` lines", location=Location(text, 0, 1, source))
    return Section(node, text, source, "")


class Section:
    """A mapping of the file. Getters take a key out; `finish` refuses what nobody asked for."""

    def __init__(self, node: yaml.MappingNode, text: str, source: str, name: str) -> None:
        self._node = node
        self._text = text
        self._source = source
        self._name = name
        self._keys: dict[str, yaml.Node] = {}
        self._values: dict[str, yaml.Node] = {}
        self._asked: list[str] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, "a key is a word")
            if key.value in self._values:
                self._refuse(key, f"{key.value!r} is given twice")
            self._keys[key.value], self._values[key.value] = key, value

    def location(self, key: str | None = None) -> Location:
        """Where a value stands; without a key the mapping itself."""
        node = self._values.get(key, self._node) if key is not None else self._node
        return self._place(node)

    def has(self, key: str) -> bool:
        """Whether a key is there."""
        self._ask(key)
        return key in self._values

    def keys(self) -> tuple[str, ...]:
        """All keys, in order; asks for them all."""
        self._asked.extend(self._values)
        return tuple(self._values)

    def text(self, key: str, default: str | None = None) -> str:
        """A text (numbers and dates as they are written). Raises ParameterInvalid when it is missing and there is no default."""
        node = self._get(key)
        if node is None:
            if default is None:
                self._missing(key)
            return default
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(node, f"{self._path(key)} is a text")
        return str(node.value)

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        node = self._get(key)
        if node is None:
            return default
        try:
            number = float(node.value) if isinstance(node, yaml.ScalarNode) else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self._refuse(node, f"{self._path(key)} is a number")
        return number

    def flag(self, key: str, default: bool = False) -> bool:
        """``true`` or ``false``."""
        node = self._get(key)
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode) or node.value.casefold() not in ("true", "false", "yes", "no"):
            self._refuse(node, f"{self._path(key)} is true or false")
        return node.value.casefold() in ("true", "yes")

    def section(self, key: str) -> Section | None:
        """A mapping inside this one, or None."""
        node = self._get(key)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            self._refuse(node, f"{self._path(key)} is a mapping: `key: value` lines")
        return Section(node, self._text, self._source, self._path(key))

    def texts(self) -> dict[str, str]:
        """All keys with their texts."""
        return {key: self.text(key) for key in self.keys()}

    def finish(self) -> None:
        """Raises ParameterInvalid for a key that nobody asked for."""
        for key, node in self._keys.items():
            if key not in self._asked:
                self._refuse(node, f"unknown key {self._path(key)!r}", suggestion(key, self._asked, "key"))

    def refuse(self, key: str | None, message: str, hint: str | None = None) -> NoReturn:
        """Raise ParameterInvalid at a value."""
        raise ParameterInvalid(message, hint=hint, location=self.location(key))

    def _ask(self, key: str) -> None:
        self._asked.append(key)

    def _get(self, key: str) -> yaml.Node | None:
        self._ask(key)
        node = self._values.get(key)
        return None if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null" else node

    def _path(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def _missing(self, key: str) -> NoReturn:
        raise ParameterInvalid(f"{self._path(key)} is missing", hint=f"`{key}: …`", location=self._place(self._node))

    def _place(self, node: yaml.Node) -> Location:
        end = node.end_mark.index
        line_end = self._text.find("\n", node.start_mark.index)
        return Location(self._text, node.start_mark.index, end if line_end < 0 else min(end, line_end), self._source)

    def _refuse(self, node: yaml.Node, message: str, hint: str | None = None) -> NoReturn:
        raise ParameterInvalid(message, hint=hint, location=self._place(node))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)
