"""e_drop"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.event import DROPPED, Event
from transforms.rules.function import Example, step
from transforms.rules.kinds import Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "events",
    parameters={"condition": "The event is dropped if this is true."},
    examples=[
        Example('e_drop(v("level") == "debug")', {"level": "debug"}, None),
        Example('e_drop(v("level") == "debug")', {"level": "info"}, {"level": "info"}),
        Example("e_if(true, DROP)", {"a": "1"}, None, title="DROP is short for e_drop()"),
        Example("e_drop(1, 2)", {}, error="takes 1 positional argument"),
    ],
)
def e_drop(event: Event, condition: Flag = True) -> Sequence[Event] | None:
    """Drops the event if a condition holds.

    Later steps are not run for a dropped event, and it reaches no target.
    """
    return DROPPED if condition else None


@e_drop.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.columns import condition_mask

    mask = condition_mask(call.column("condition"), frame.rows)
    return frame.select(~mask) if mask.any() else frame
