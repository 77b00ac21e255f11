"""e_if_else"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.kinds import Condition, Operation

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "flow",
    parameters={
        "condition": "What decides.",
        "if_true": "The operation for events that the condition holds for.",
        "if_false": "The operation for all others.",
    },
    examples=[
        Example('e_if_else(v("ret"), e_set("seen", "yes"), e_set("seen", "no"))', {"ret": "ok"}, {"ret": "ok", "seen": "yes"}),
        Example('e_if_else(v("ret"), KEEP, DROP)', {"ret": ""}, None, title="An empty field is false, as a missing one is"),
        Example('e_if_else(v("ret"), KEEP, e_set("__time__", "noon"))', {}, error="__time__ takes whole Unix seconds"),
        Example('e_if_else(v("ret"), DROP)', {}, error="missing 1 required positional argument: 'if_false'"),
    ],
)
def e_if_else(event: Event, condition: Condition, if_true: Operation, if_false: Operation) -> list[Event]:
    """Runs one of two operations.

    Only the chosen operation is evaluated. All three arguments are needed: KEEP stands for "nothing".
    """
    found: list[Event] = (if_true if condition.test_of(event) else if_false).run(event)
    return found


@e_if_else.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.branching import apply_first_that_holds

    condition, if_true, if_false = call.lazy("condition"), call.lazy("if_true"), call.lazy("if_false")
    return apply_first_that_holds(frame, [(condition.expression, if_true)], if_false)
