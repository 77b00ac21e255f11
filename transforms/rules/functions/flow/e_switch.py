"""e_switch"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.kinds import Operation, Turns

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "flow",
    parameters={
        "pairs": "One or more pairs of a condition and an operation.",
        "default": "The operation for events that no condition holds for; without it they stay as they are.",
    },
    examples=[
        Example('e_switch(v("a"), e_set("t", "A"), v("b"), e_set("t", "B"))', {"b": "1"}, {"b": "1", "t": "B"}),
        Example(
            'e_switch(v("a"), e_set("t", "A"), v("b"), e_set("t", "B"))',
            {"a": "1", "b": "1"},
            {"a": "1", "b": "1", "t": "A"},
            title="The first that holds, and no other",
        ),
        Example('e_switch(v("a"), KEEP, default=DROP)', {"a": ""}, None),
        Example('e_switch(v("a"), KEEP, default=e_set("__time__", "noon"))', {}, error="__time__ takes whole Unix seconds"),
        Example('e_switch(v("a"), KEEP, v("b"))', {}, error="an odd number of arguments"),
    ],
    pairs=True,
)
def e_switch(event: Event, *pairs: Turns, default: Operation = None) -> list[Event]:
    """Runs the first operation whose condition holds.

    Conditions after the first that holds are not evaluated, and the operation's changes are not looked at again.
    """
    for condition, operation in zip(pairs[::2], pairs[1::2], strict=True):
        if condition.test_of(event):
            found: list[Event] = operation.run(event)
            return found
    return [event] if default is None else list(default.run(event))


@e_switch.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.branching import apply_first_that_holds

    pairs: tuple[Any, ...] = call.many("pairs")
    chosen = [(condition.expression, operation) for condition, operation in zip(pairs[::2], pairs[1::2], strict=True)]
    return apply_first_that_holds(frame, chosen, call.lazy("default"))
