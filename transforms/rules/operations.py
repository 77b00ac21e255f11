"""Bound steps that can be run: on one event (`run`, the truth) and on a frame (`apply`, the same, by columns)."""

from __future__ import annotations

from typing import Any

import polars as pl

from transforms.rules.bind import Bound, BoundCall, Converted
from transforms.rules.columns import Arguments, Column, Fixed, values_of
from transforms.rules.event import Event, EventFailed
from transforms.rules.expressions import Expression, Later, build
from transforms.rules.frame import Emission, Failure, Frame
from transforms.rules.function import Decline, Function, Parameter

__all__ = ["Operation", "operation"]


class Operation:
    """A step, alone or inside another: a call of a global function.

    Attributes:
        function: which.
        start, end: its place in the rule's text.
    """

    def __init__(self, bound: BoundCall) -> None:
        self.function: Function = bound.function
        self.start, self.end = bound.node.start, bound.node.end
        self.arguments: list[tuple[Parameter, tuple[Any, ...]]] = []
        for parameter in bound.function.parameters:
            given = bound.arguments[parameter.name]
            parts = given if isinstance(given, tuple) else (given,)
            prepared = tuple(_prepared(part, parameter, place) for place, part in enumerate(parts))
            self.arguments.append((parameter, prepared))

    # ── one event ────────────────────────────────────────────────────────

    def run(self, event: Event) -> list[Event]:
        """What becomes of an event: the events that go on, in order. Raises EventFailed."""
        values = {parameter.name: self._values(parameter, prepared, event) for parameter, prepared in self.arguments}
        return self.call(event, values)

    def call(self, event: Event, values: dict[str, Any]) -> list[Event]:
        """As `run`, with arguments that are evaluated already (by parameter name; a list for a variadic one)."""
        try:
            if self.function.role == "extraction":
                from transforms.rules.extracting import extract

                extract(self.function, event, values)
                return [event]
            arguments, keywords = self._laid(event, values)
            answer = self.function.implementation(*arguments, **keywords)
        except EventFailed:
            raise
        except Exception as error:
            # Whatever a function cannot do with its arguments fails this event, with its reason, and no other.
            raise EventFailed.of(self.function.name, error, self.start, self.end) from error
        return [event] if answer is None else list(answer)

    def _values(self, parameter: Parameter, prepared: tuple[Any, ...], event: Event) -> Any:
        values: list[Any] = []
        for part in prepared:
            if isinstance(part, Converted):
                values.append(part.value)
            elif isinstance(part, Operation | Later):
                values.append(part)
            else:
                value = part.value(event)
                try:
                    values.append(value if value is None and parameter.default is None else parameter.kind.convert(value))
                except (ValueError, TypeError) as error:
                    raise EventFailed.of(self.function.name, error, self.start, self.end) from error
        return values if parameter.variadic else values[0]

    def _laid(self, event: Event, values: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        arguments: list[Any] = []
        keywords: dict[str, Any] = {}
        signature = self.function.signature.parameters
        for name, parameter in signature.items():
            if name in self.function.injected:
                arguments.append(event if name == "event" else event.journal.context)
            elif parameter.kind is parameter.VAR_POSITIONAL:
                arguments.extend(values[name.rstrip("_")])
            elif parameter.kind is parameter.KEYWORD_ONLY:
                keywords[name] = values[name.rstrip("_")]
            else:
                arguments.append(values[name.rstrip("_")])
        return arguments, keywords

    # ── many events ──────────────────────────────────────────────────────

    def apply(self, frame: Frame) -> Frame:
        """What becomes of the events of a frame. Events that fail are taken out and reported to the frame's state."""
        if not frame.rows:
            return frame
        known = len(frame.state.failures)
        columns: dict[str, Any] = {}
        for parameter, prepared in self.arguments:
            given = tuple(self._column(part, parameter, frame) for part in prepared)
            columns[parameter.name] = given if parameter.variadic else given[0]
        frame = frame.without_failed(known)
        if len(frame.state.failures) != known:
            # Some arguments failed: what is left is evaluated anew, in columns of the right length.
            return self.apply(frame)
        call = Arguments(columns, frame.rows, self.start, self.end)
        try:
            answer = self._columnar(frame, call)
        except Decline:
            answer = self._by_events(frame, columns)
        return answer.without_failed(known)

    def _columnar(self, frame: Frame, call: Arguments) -> Frame:
        if self.function.role == "extraction":
            from transforms.rules.extracting import extract_columns

            return extract_columns(self.function, frame, call)
        if self.function.column_form is None:
            raise Decline
        answer: Frame = self.function.column_form(frame.copy(), call)
        return answer

    def _column(self, part: Any, parameter: Parameter, frame: Frame) -> Any:
        if isinstance(part, Converted):
            return Fixed(part.value)
        if isinstance(part, Operation | Later):
            return part
        column: Column = part.column(frame)
        if not isinstance(column, Fixed) or (column.value is None and parameter.default is None):
            return column
        try:
            return Fixed(parameter.kind.convert(column.value))
        except (ValueError, TypeError) as error:
            failed = EventFailed.of(self.function.name, error, self.start, self.end)
            frame.fail_all(Failure(failed.reason, failed.start, failed.end))
            return Fixed(None)

    def _by_events(self, frame: Frame, columns: dict[str, Any]) -> Frame:
        """The scalar form for each event; only what it changed is written back where no event was dropped or multiplied."""
        rows = frame.rows
        given: list[tuple[Parameter, list[Any]]] = []
        for parameter, _ in self.arguments:
            parts = columns[parameter.name] if parameter.variadic else (columns[parameter.name],)
            given.append((parameter, [_by_row(part, rows) for part in parts]))
        results: list[Event] = []
        lineage: list[int] = []
        for number, event in enumerate(frame.events()):
            before = dict(event.fields)
            try:
                answer = self.call(event, self._converted(given, number))
            except EventFailed as failed:
                frame.fail(pl.Series("", [number], pl.UInt32), Failure(failed.reason, failed.start, failed.end))
                answer = []
            for message in event.journal.warnings:
                frame.state.warnings.add(self.start, self.end, message, 1)
            for target, fields in event.journal.emitted:
                frame.state.emitted.append(Emission(target, _snapshot(frame, number, before, fields), self.start, self.end))
            results.extend(answer)
            lineage.extend([number] * len(answer))
        return _rebuilt(frame, results, lineage)

    def _converted(self, given: list[tuple[Parameter, list[Any]]], number: int) -> dict[str, Any]:
        """The arguments for one event of a frame."""
        try:
            return {parameter.name: _row(parameter, parts, number) for parameter, parts in given}
        except (ValueError, TypeError) as error:
            raise EventFailed.of(self.function.name, error, self.start, self.end) from error


def _snapshot(frame: Frame, row: int, before: dict[str, str], fields: dict[str, str]) -> Frame:
    """One event of a frame as it was when it was emitted."""
    snapshot = frame.select(pl.Series("", [row], pl.UInt32))
    for name in before.keys() - fields.keys():
        snapshot.remove(name)
    for name, text in fields.items():
        if before.get(name) != text:
            snapshot.set(name, pl.Series(name, [text], pl.String))
    return snapshot


def _rebuilt(frame: Frame, events: list[Event], lineage: list[int]) -> Frame:
    """A frame of events; columns that no event changed are taken from the frame they were."""
    whole = lineage == list(range(frame.rows))
    after = frame.copy() if whole else frame.select(pl.Series("", lineage, pl.UInt32))
    changed = dict.fromkeys(name for event in events for name in event.fields if name in event.changed)
    changed.update(dict.fromkeys(sorted(name for event in events for name in event.changed)))
    for name in changed:
        texts = pl.Series(name, [event.fields.get(name) for event in events], pl.String)
        if texts.null_count() == len(texts):
            after.remove(name)
        else:
            after.set(name, texts)
    return after


def _by_row(part: Any, rows: int) -> tuple[Any, bool]:
    """(values by row, True) or (one value for all, False); what was converted already stays so."""
    if isinstance(part, Operation | Later):
        return part, False
    if isinstance(part, Fixed):
        return part.value, False
    return values_of(part, rows), True


def _row(parameter: Parameter, parts: list[Any], number: int) -> Any:
    values: list[Any] = []
    for value, varies in parts:
        if varies:
            value = value[number]
            value = value if value is None and parameter.default is None else parameter.kind.convert(value)
        values.append(value)
    return values if parameter.variadic else values[0]


def _prepared(part: Bound, parameter: Parameter, place: int) -> Any:
    lazy = parameter.kind.lazy
    if lazy == "operation" or (lazy == "turns" and place % 2):
        return operation(part) if isinstance(part, BoundCall) else Converted(None)
    if lazy:
        return Later(_expression(part))
    return part if isinstance(part, Converted) else build(part)


def _expression(part: Bound) -> Expression:
    return build(part)


def operation(bound: BoundCall) -> Operation:
    """A step that can be run."""
    return Operation(bound)
