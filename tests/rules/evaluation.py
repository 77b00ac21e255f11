"""Running rules and single expressions in tests, by the scalar forms and by columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.rules.stand_in_resources import context_of
from transforms.rules.bind import BoundCall, Converted, bind
from transforms.rules.columns import values_of
from transforms.rules.context import Context
from transforms.rules.event import Event, EventFailed, Journal
from transforms.rules.expressions import Expression, build
from transforms.rules.frame import Frame, State


def _expression(text: str) -> Expression | Converted:
    bound = bind(f'e_set("result", {text})')
    pairs = bound.steps[0].arguments["pairs"]
    assert isinstance(pairs, tuple)
    return build(pairs[1]) if isinstance(pairs[1], BoundCall) or not isinstance(pairs[1], Converted) else pairs[1]


def scalar(text: str, log: Mapping[str, str], resources: Mapping[str, Any] | Context | None = None) -> Any:
    """The value of an expression for one log, by the scalar forms. Raises EventFailed, RuleInvalid."""
    expression = _expression(text)
    if isinstance(expression, Converted):
        return expression.value
    context = resources if isinstance(resources, Context) else context_of(resources or {})
    return expression.value(Event(dict(log), Journal(context)))


def columnar(text: str, logs: list[dict[str, str]], resources: Mapping[str, Any] | Context | None = None) -> list[Any]:
    """The values of an expression for a batch, by columns; an EventFailed stands where the event failed."""
    expression = _expression(text)
    if isinstance(expression, Converted):
        return [expression.value] * len(logs)
    context = resources if isinstance(resources, Context) else context_of(resources or {})
    frame = Frame.from_logs(logs, State(context))
    values = list(values_of(expression.column(frame), len(logs)))
    for row, failure in frame.state.failures.items():
        values[row] = EventFailed(failure.reason, failure.start, failure.end)
    return values
