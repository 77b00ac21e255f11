"""Takes a task's configuration apart: typed fields of nested mappings, every problem noted with its place, none raised."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transforms.core.errors import Location, ParameterInvalid
from transforms.core.suggest import nearest, suggestion
from transforms.schedule.problems import Problem

__all__ = ["Fields", "Places", "no_places", "parse_duration"]

Places = Callable[[tuple[str, ...]], Location | None]
"""Where the value of a path of keys stands in the user's file; None when there is no file."""

_DURATION = re.compile(r"([0-9]{1,9})\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def no_places(path: tuple[str, ...]) -> Location | None:  # noqa: ARG001 - a configuration that came from no file
    """For configurations that are no text."""
    return None


def parse_duration(text: str) -> int:
    """Seconds of ``30s``, ``5m``, ``2h``, ``7d``. Raises ParameterInvalid."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ParameterInvalid(f"{text!r} is no duration", hint="write a number above 0 and a unit: 30s, 5m, 2h, 1d")
    return int(match[1]) * _SECONDS[match[2]]


class Fields:
    """One mapping of the configuration. Getters give None (or the default) for what is missing or wrong, and note the problem."""

    def __init__(self, values: Mapping[str, Any], path: tuple[str, ...], problems: list[Problem], places: Places) -> None:
        self._values = values
        self._path = path
        self._places = places
        self._missed: dict[str, Problem] = {}
        self.problems = problems

    def has(self, name: str) -> bool:
        """Whether a key is there and has a value."""
        return self._values.get(name) is not None

    def raw(self, name: str) -> Any:
        """The value as it is."""
        return self._values.get(name)

    def text(self, name: str, default: str | None = None, *, required: bool = False) -> str | None:
        """A text; numbers are taken as they are written."""
        value = self._values.get(name)
        if value is None or (required and value == ""):
            if required:
                self._missing(name, "write the key and a value")
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.refuse(name, f"{self.called(name)} is a text, not {_kind(value)}", "write a text, in quotes if need be")
            return default
        return str(value)

    def whole(self, name: str, low: int, high: int, default: int | None = None, *, hint: str | None = None) -> int | None:
        """A whole number from ``low`` to ``high``; without a default it must be there."""
        hint = hint or f"write a whole number from {low} to {high}"
        value = self._values.get(name)
        if value is None:
            if default is None:
                self._missing(name, hint)
            return default
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, f"{self.called(name)} is a whole number, not {_kind(value)}", hint)
            return default
        if not low <= value <= high:
            self.refuse(name, f"{self.called(name)} is {value}, which is out of range", hint)
            return default
        return value

    def flag(self, name: str) -> bool:
        """``true`` or ``false``; false when it is missing."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value.casefold() in ("true", "false"):
            return value.casefold() == "true"
        self.refuse(name, f"{self.called(name)} is true or false, not {_kind(value)}", "write true or false")
        return False

    def choice(self, name: str, known: Sequence[str], default: str | None = None) -> str | None:
        """One of some words."""
        value = self.text(name, default, required=default is None)
        if value is not None and value not in known:
            self.refuse(name, f"unknown {self.called(name)} {value!r}", suggestion(value, known, name))
            return None
        return value

    def duration(self, name: str, default: int | None = None) -> int | None:
        """Seconds of a duration such as ``5m``; without a default it must be there."""
        value = self.text(name, required=default is None)
        if value is None:
            return default
        try:
            return parse_duration(value)
        except ParameterInvalid as error:
            self.refuse_nested(name, error)
            return default

    def section(self, name: str, *, required: bool = False) -> Fields:
        """A mapping inside this one; an empty one when it is missing or none, and then only that is noted."""
        value = self._values.get(name)
        problems = self.problems
        if value is None and required:
            self._missing(name, "write the key, and `key: value` lines under it")
            problems = []
        elif value is not None and not isinstance(value, Mapping):
            self.refuse(name, f"{self.called(name)} is a mapping, not {_kind(value)}", "write `key: value` lines under it")
            problems = []
        return Fields(value if isinstance(value, Mapping) else {}, (*self._path, name), problems, self._places)

    def refuse(self, name: str | None, message: str, hint: str | None = None) -> None:
        """Note a problem at a key, or at its mapping when the key is not there."""
        self.problems.append(Problem(message, hint, self._place(name)))

    def refuse_nested(self, name: str, error: ParameterInvalid) -> None:
        """Note what is wrong inside a key's text, at its place there."""
        inner, outer = error.location, self._place(name)
        if inner is None:
            self.refuse(name, f"{self.called(name)}: {error.message}", error.hint)
            return
        found = outer.text.find(inner.text, outer.start, outer.end) if outer is not None and inner.text else -1
        if outer is not None:
            shift = outer.start if found < 0 else found
            inner = outer if found < 0 else Location(outer.text, shift + inner.start, shift + inner.end, outer.source)
        self.problems.append(Problem(f"{self.called(name)}: {error.message}", error.hint, inner))

    def finish(self, known: Sequence[str]) -> None:
        """Note keys that nobody knows."""
        for name in self._values:
            if name not in known:
                # A mistyped key is one problem, not a missing and an unknown one.
                meant = nearest(str(name), self._missed)
                if meant is not None:
                    self.problems.remove(self._missed.pop(meant))
                hint = f"did you mean {meant!r}?" if meant else suggestion(str(name), known, "key") or "leave it out"
                self.refuse(str(name), f"unknown key {self.called(str(name))!r}", hint)

    def called(self, name: str) -> str:
        """The key with those above it: ``schedule.interval``."""
        return ".".join((*self._path, name))

    def _missing(self, name: str, hint: str) -> None:
        self.refuse(name, f"{self.called(name)} is missing", hint)
        self._missed[name] = self.problems[-1]

    def _place(self, name: str | None) -> Location | None:
        own = self._places((*self._path, name)) if name is not None else None
        path = self._path
        while own is None and path:
            own, path = self._places(path), path[:-1]
        return own or self._places(())


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, str):
        return repr(value)
    return "a list" if isinstance(value, Sequence) else f"{value!r}"
