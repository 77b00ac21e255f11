"""e_if"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.kinds import Turns

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "flow",
    parameters={"pairs": "One or more pairs of a condition and an operation."},
    examples=[
        Example('e_if(v("ret") == "pass", e_set("result", "pass"))', {"ret": "pass"}, {"ret": "pass", "result": "pass"}),
        Example('e_if(v("ret") == "pass", DROP)', {"ret": "no"}, {"ret": "no"}, title="A false condition changes nothing"),
        Example(
            'e_if(true, e_set("a", "1"), v("a") == "1", e_set("b", "2"))', {"a": ""}, {"a": "1", "b": "2"}, title="Every pair is tried"
        ),
        Example("e_if(true)", {}, error="an odd number of arguments"),
    ],
    pairs=True,
)
def e_if(event: Event, *pairs: Turns) -> list[Event]:
    """Runs operations whose conditions hold.

    Every pair is tried in order, and each condition sees what the operations before it changed. A dropped event ends the step.
    """
    events = [event]
    for condition, operation in zip(pairs[::2], pairs[1::2], strict=True):
        events = [after for one in events for after in (operation.run(one) if condition.test_of(one) else [one])]
    return events


@e_if.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    pairs: tuple[Any, ...] = call.many("pairs")
    for condition, operation in zip(pairs[::2], pairs[1::2], strict=True):
        known = len(frame.state.failures)
        mask = condition.expression.mask(frame)
        if len(frame.state.failures) != known:
            # The events whose condition failed are gone: the mask is for the others.
            mask = mask.filter(frame.kept(known))
            frame = frame.without_failed(known)
        if mask.any():
            frame = frame.merge(mask, operation.apply(frame.branch(mask)))
    return frame
