"""The scalar form of a call as a plain function of the arguments that vary, for the loop that runs it for many events.

This loop is what a function without a column form costs, so it does nothing that can be done once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from transforms.rules.columns import Column, Fixed
from transforms.rules.context import Context
from transforms.rules.event import Event, EventFailed
from transforms.rules.function import Function, Parameter

__all__ = ["Slot", "keyword_of", "scalar_call"]


class Slot(Protocol):
    """One parameter of the scalar form and where its argument comes from."""

    @property
    def parameter(self) -> Parameter | None:
        """The rule's parameter; None for what the engine hands in."""
        ...

    @property
    def injected(self) -> str:
        """``event``, ``context``, or nothing."""
        ...

    @property
    def expressions(self) -> Sequence[Any]:
        """The arguments; several for a variadic parameter."""
        ...


def scalar_call(
    function: Function, slots: Sequence[Slot], flat: Sequence[Column], context: Context, start: int, end: int
) -> Callable[..., Any]:
    """The scalar form as a function of a tuple of the varying arguments' raw values (and the event, where it asks for that).

    ``flat`` holds the arguments of all slots in order. What it gives raises EventFailed, and is for one thread: it keeps its arguments
    in one list.
    """
    implementation = function.implementation
    template: list[Any] = []  # the positional arguments; those that vary are put in for each event
    named: dict[str, Any] = {}
    places: list[tuple[int, str, Callable[[Any], Any]]] = []
    event_place = -1
    columns = iter(flat)
    names = function.signature.parameters
    for slot in slots:
        if slot.injected:
            if slot.injected == "event":
                event_place = len(template)
            template.append(context)
            continue
        assert slot.parameter is not None
        parameter = slot.parameter
        name = keyword_of(parameter.name, names) if parameter.keyword_only else ""
        for _ in slot.expressions:
            column = next(columns)
            value = column.value if isinstance(column, Fixed) else None
            if not isinstance(column, Fixed):
                convert = parameter.kind.convert
                places.append((len(template), name, _unless_absent(convert) if parameter.default is None else convert))
            if name:
                named[name] = value
            else:
                template.append(value)

    if len(places) == 1 and not named and event_place < 0:
        only, _, only_convert = places[0]

        def quick(row: tuple[Any, ...], event: Event | None = None) -> Any:  # noqa: ARG001 - the other form takes it
            try:
                template[only] = only_convert(row[0])
                return implementation(*template)
            except EventFailed:
                raise
            except Exception as error:
                raise EventFailed.of(function.name, error, start, end) from error

        return quick

    def call(row: tuple[Any, ...], event: Event | None = None) -> Any:
        try:
            if event_place >= 0:
                template[event_place] = event
            for (place, name, convert), value in zip(places, row):  # noqa: B905 - as long as each other, and run for each event
                if name:
                    named[name] = convert(value)
                else:
                    template[place] = convert(value)
            return implementation(*template, **named)
        except EventFailed:
            raise
        except Exception as error:
            # Whatever a function cannot do with its arguments fails this event, with its reason, and no other.
            raise EventFailed.of(function.name, error, start, end) from error

    return call


def keyword_of(name: str, parameters: Any) -> str:
    """What Python calls a parameter that rules know as ``name``."""
    return name if name in parameters else f"{name}_"


def _unless_absent(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)
