"""Bound expressions that can be evaluated: for one event (`value`, the truth) and over a frame (`column`, the same, by columns).

Over a frame a call goes, in this order: all arguments fixed → the scalar form once; the function's column form, if it has one that
covers these arguments; the scalar form for each distinct tuple of arguments (pure functions) or for each event (others).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from transforms.rules.bind import Bound, BoundCall, Converted
from transforms.rules.calling import keyword_of, scalar_call
from transforms.rules.columns import Arguments, Column, Fixed, condition_mask, normal, values_of
from transforms.rules.event import Event, EventFailed
from transforms.rules.frame import Failure, Frame
from transforms.rules.function import Decline, Parameter
from transforms.rules.tree import Constant, Dictionary, JobConstant, Listing
from transforms.rules.values import truth

__all__ = ["CallExpression", "Expression", "Later", "build"]


class Expression(ABC):
    """Something that has a value for each event."""

    @abstractmethod
    def value(self, event: Event) -> Any:
        """For one event. Raises EventFailed."""

    @abstractmethod
    def column(self, frame: Frame) -> Column:
        """For all events of a frame; events for which it fails are reported to ``frame.fail`` and have None."""

    def mask(self, frame: Frame) -> pl.Series:
        """As a condition: which events it holds for."""
        return condition_mask(self.column(frame), frame.rows)


class _Literal(Expression):
    def __init__(self, value: Any) -> None:
        self._value = value

    def value(self, event: Event) -> Any:  # noqa: ARG002 - the same for every event
        return self._value

    def column(self, frame: Frame) -> Column:  # noqa: ARG002 - the same for all events
        return Fixed(self._value)


class _Job(Expression):
    def __init__(self, name: str) -> None:
        self._name = name

    def value(self, event: Event) -> Any:
        return event.journal.context.constant(self._name)

    def column(self, frame: Frame) -> Column:
        return Fixed(frame.state.context.constant(self._name))


class _Collection(Expression):
    """A list, a tuple or a dictionary of expressions."""

    def __init__(self, items: Sequence[Expression], make: Callable[[Sequence[Any]], Any], start: int, end: int) -> None:
        self._items = tuple(items)
        self._make = make
        self._start, self._end = start, end

    def value(self, event: Event) -> Any:
        return self._made([item.value(event) for item in self._items])

    def column(self, frame: Frame) -> Column:
        columns = [item.column(frame) for item in self._items]
        if not columns:
            return Fixed(self._make(()))
        fixed = all(isinstance(column, Fixed) for column in columns)
        results: list[Any] = []
        for number, row in enumerate(zip(*(values_of(column, 1 if fixed else frame.rows) for column in columns), strict=True)):
            try:
                results.append(self._made(row))
            except EventFailed as failed:
                failure = Failure(failed.reason, failed.start, failed.end)
                if fixed:
                    frame.fail_all(failure)
                else:
                    frame.fail(pl.Series("", [number], pl.UInt32), failure)
                results.append(None)
        return Fixed(results[0]) if fixed else results

    def _made(self, parts: Sequence[Any]) -> Any:
        try:
            return self._make(parts)
        except TypeError:
            raise EventFailed.of("{…}", "a list or a dictionary cannot be a key", self._start, self._end) from None


def _dictionary(parts: Sequence[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


class Later:
    """An argument that a function evaluates when it needs it: `value` and `test` for the event at hand, `expression` over frames."""

    __slots__ = ("_event", "expression")

    def __init__(self, expression: Expression, event: Event | None = None) -> None:
        self.expression = expression
        self._event = event

    def value(self) -> Any:
        """The value for the event at hand."""
        assert self._event is not None
        return self.expression.value(self._event)

    def test(self) -> bool:
        """Whether it holds as a condition for the event at hand."""
        return truth(self.value())

    def value_of(self, event: Event) -> Any:
        """The value for another event (a step's operations change events as they go)."""
        return self.expression.value(event)

    def test_of(self, event: Event) -> bool:
        """Whether it holds for another event."""
        return truth(self.expression.value(event))


_NOT_READY = object()


class _Slot:
    """One parameter of the scalar form and where its argument comes from."""

    __slots__ = ("expressions", "injected", "parameter", "variadic")

    def __init__(self, parameter: Parameter | None, injected: str, expressions: Sequence[Any], variadic: bool) -> None:
        self.parameter = parameter
        self.injected = injected
        self.expressions = tuple(expressions)
        self.variadic = variadic


class CallExpression(Expression):
    """A call of an expression function."""

    def __init__(self, bound: BoundCall) -> None:
        self.function = bound.function
        self.start, self.end = bound.node.start, bound.node.end
        self.slots = _slots(bound)
        self._memo: tuple[tuple[Any, ...], Any] | None = None

    # ── one event ────────────────────────────────────────────────────────

    def value(self, event: Event) -> Any:
        arguments: list[Any] = []
        keywords: dict[str, Any] = {}
        # All arguments are evaluated before the first one is converted.
        given = [[_given(expression, slot.parameter, event) for expression in slot.expressions] for slot in self.slots]
        try:
            for slot, raw in zip(self.slots, given, strict=True):
                if slot.injected:
                    arguments.append(event if slot.injected == "event" else event.journal.context)
                    continue
                assert slot.parameter is not None
                values = [_converted(value, expression, slot.parameter) for value, expression in zip(raw, slot.expressions, strict=True)]
                if slot.variadic:
                    arguments.extend(values)
                elif slot.parameter.keyword_only:
                    keywords[keyword_of(slot.parameter.name, self.function.signature.parameters)] = values[0]
                else:
                    arguments.append(values[0])
            return self.function.implementation(*arguments, **keywords)
        except EventFailed:
            raise
        except Exception as error:
            # Whatever a function cannot do with its arguments fails this event, with its reason, and no other.
            raise EventFailed.of(self.function.name, error, self.start, self.end) from error

    # ── many events ──────────────────────────────────────────────────────

    def column(self, frame: Frame) -> Column:
        if self.function.lazy:
            return self._lazy(frame)
        columns: dict[str, Column | tuple[Column, ...]] = {}
        flat: list[Column] = []
        for slot in self.slots:
            if slot.injected:
                continue
            assert slot.parameter is not None
            given = tuple(self._argument(expression, slot.parameter, frame) for expression in slot.expressions)
            flat.extend(given)
            columns[slot.parameter.name] = given if slot.variadic else given[0]
        if all(isinstance(column, Fixed) for column in flat) and "event" not in self.function.injected and self.function.pure:
            return self._once(frame, flat)
        if self.function.column_form is not None:
            absent = self._absent_text(columns, frame)
            if absent is not None and absent.any():
                # Where text is asked for, absence fails the event: the scalar form says so.
                self._by_rows(frame.select(absent), [_rows_of(column, absent) for column in flat])

            def scalar(mask: pl.Series) -> Column:
                return self._by_rows(frame.select(mask), [_rows_of(column, mask) for column in flat])

            try:
                found: Column = self.function.column_form(frame, Arguments(columns, frame.rows, self.start, self.end, scalar))
            except Decline:
                pass
            else:
                return found
        return self._by_rows(frame, flat)

    def _argument(self, expression: Converted | Expression, parameter: Parameter, frame: Frame) -> Column:
        """An argument over a frame; one that is the same for all events is converted here, once."""
        if isinstance(expression, Converted):
            return Fixed(expression.value)
        column = expression.column(frame)
        if not isinstance(column, Fixed) or (column.value is None and parameter.default is None):
            return column
        try:
            return Fixed(parameter.kind.convert(column.value))
        except (ValueError, TypeError):
            return [column.value] * frame.rows  # each event fails, for this argument or for one before it

    def _lazy(self, frame: Frame) -> Column:
        columns: dict[str, Any] = {}
        for slot in self.slots:
            assert slot.parameter is not None
            laters = tuple(Later(_expression(expression)) for expression in slot.expressions)
            columns[slot.parameter.name] = laters if slot.variadic else laters[0]
        assert self.function.column_form is not None, f"{self.function.name} evaluates lazily and needs a column form"
        found: Column = self.function.column_form(frame, Arguments(columns, frame.rows, self.start, self.end))
        return found

    def _absent_text(self, columns: dict[str, Column | tuple[Column, ...]], frame: Frame) -> pl.Series | None:
        """Events that have None where text is needed."""
        absent: pl.Series | None = None
        for slot in self.slots:
            parameter = slot.parameter
            if parameter is None or not parameter.kind.is_text or parameter.default is None:
                continue
            column = columns[parameter.name]
            for one in column if isinstance(column, tuple) else (column,):
                if isinstance(one, pl.Series) and one.null_count():
                    absent = one.is_null() if absent is None else absent | one.is_null()
                elif isinstance(one, Fixed) and one.value is None:
                    absent = pl.Series("", [True], pl.Boolean).new_from_index(0, frame.rows)
        return absent

    def _once(self, frame: Frame, flat: Sequence[Column]) -> Column:
        given = tuple(column.value for column in flat if isinstance(column, Fixed))
        keep = "context" not in self.function.injected
        if keep and self._memo is not None and all(a is b for a, b in zip(self._memo[0], given, strict=True)):
            return Fixed(self._memo[1])
        call = scalar_call(self.function, self.slots, flat, frame.state.context, self.start, self.end)
        try:
            value = call(())
        except EventFailed as failed:
            frame.fail_all(Failure(failed.reason, failed.start, failed.end))
            return Fixed(None)
        if keep:
            self._memo = (given, value)
        return Fixed(value)

    def _by_rows(self, frame: Frame, flat: Sequence[Column]) -> Column:
        """The scalar form, for each distinct tuple of arguments or for each event."""
        varying = [column for column in flat if not isinstance(column, Fixed)]
        call = scalar_call(self.function, self.slots, flat, frame.state.context, self.start, self.end)
        events = list(frame.events()) if "event" in self.function.injected else None
        rows: list[tuple[Any, ...]] = list(zip(*(values_of(column, frame.rows) for column in varying), strict=True))
        if not varying:
            rows = [()] * frame.rows
        results: list[Any] = []
        failures: dict[tuple[str, int, int], list[int]] = {}
        memorable = self.function.pure and events is None and all(_memorable(column) for column in varying)
        memo: dict[tuple[Any, ...], Any] = {}
        for number, row in enumerate(rows):
            value = memo.get(row, _NOT_READY) if memorable else _NOT_READY
            if value is _NOT_READY:
                try:
                    value = call(row) if events is None else call(row, events[number])
                except EventFailed as failed:
                    # With the places it came through it would hold this very list of rows, and the list it.
                    value = failed.with_traceback(None)
                    value.__cause__ = value.__context__ = None
                if memorable:
                    memo[row] = value
            if isinstance(value, EventFailed):
                failures.setdefault((value.reason, value.start, value.end), []).append(number)
                value = None
            results.append(value)
        for (reason, start, end), numbers in failures.items():
            frame.fail(pl.Series("", numbers, pl.UInt32), Failure(reason, start, end))
        return normal(results)


def build(bound: Bound) -> Expression:
    """An expression that can be evaluated."""
    if isinstance(bound, Converted):
        return _Literal(bound.value)
    if isinstance(bound, BoundCall):
        return CallExpression(bound)
    node = bound.node
    if isinstance(node, Constant):
        return _Literal(node.value)
    if isinstance(node, JobConstant):
        return _Job(node.name)
    items = [build(item) for item in bound.items]
    if isinstance(node, Dictionary):
        return _Collection(items, _dictionary, node.start, node.end)
    assert isinstance(node, Listing)
    return _Collection(items, tuple if node.is_tuple else list, node.start, node.end)


def _slots(bound: BoundCall) -> tuple[_Slot, ...]:
    by_name = {parameter.name: parameter for parameter in bound.function.parameters}
    slots: list[_Slot] = []
    for python_name in bound.function.signature.parameters:
        if python_name in bound.function.injected:
            slots.append(_Slot(None, python_name, (), False))
            continue
        parameter = by_name[python_name.rstrip("_")]
        given = bound.arguments[parameter.name]
        parts = given if isinstance(given, tuple) else (given,)
        slots.append(_Slot(parameter, "", [part if isinstance(part, Converted) else build(part) for part in parts], parameter.variadic))
    return tuple(slots)


def _given(expression: Converted | Expression, parameter: Parameter | None, event: Event) -> Any:
    """An argument before it is converted (or after, if it was when the rule was loaded)."""
    assert parameter is not None
    if isinstance(expression, Converted):
        return Later(_Literal(expression.value), event) if parameter.kind.lazy else expression.value
    return Later(expression, event) if parameter.kind.lazy else expression.value(event)


def _converted(value: Any, expression: Converted | Expression, parameter: Parameter) -> Any:
    if isinstance(expression, Converted) or parameter.kind.lazy or (value is None and parameter.default is None):
        return value
    return parameter.kind.convert(value)


def _expression(expression: Converted | Expression) -> Expression:
    return _Literal(expression.value) if isinstance(expression, Converted) else expression


def _rows_of(column: Column, mask: pl.Series) -> Column:
    if isinstance(column, Fixed):
        return column
    if isinstance(column, list):
        return [value for value, taken in zip(column, mask.to_list(), strict=True) if taken]
    return column.filter(mask)


def _memorable(column: Column) -> bool:
    """Whether equal values of a column are the same value (0.0 and -0.0 are not, nor 1 and True in a list)."""
    return isinstance(column, pl.Series) and column.dtype != pl.Float64
