"""e_keep"""

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
    parameters={"condition": "The event is dropped unless this is true."},
    examples=[
        Example('e_keep(v("level"))', {"level": "info"}, {"level": "info"}),
        Example('e_keep(v("level"))', {"level": ""}, None, title="An empty field is false, as a missing one is"),
        Example("e_if(true, KEEP)", {"a": "1"}, {"a": "1"}, title="KEEP is short for e_keep(), which keeps every event"),
        Example("e_keep(1, 2)", {}, error="takes 1 positional argument"),
    ],
)
def e_keep(event: Event, condition: Flag = True) -> Sequence[Event] | None:
    """Drops the event unless a condition holds.

    It is ``e_drop`` the other way round. Later steps are not run for a dropped event, and it reaches no target.
    """
    return None if condition else DROPPED


@e_keep.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.columns import condition_mask

    mask = condition_mask(call.column("condition"), frame.rows)
    return frame if mask.all() else frame.select(mask)
