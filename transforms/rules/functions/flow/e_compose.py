"""e_compose"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.kinds import Operation

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "flow",
    parameters={"operations": "One or more operations, in the order in which they run."},
    examples=[
        Example('e_compose(e_set("b", v("a")), e_set("a", "2"))', {"a": "1"}, {"a": "2", "b": "1"}),
        Example(
            'e_compose(e_split("a"), e_set("b", v("a")))',
            {"a": "1,2"},
            [{"a": "1", "b": "1"}, {"a": "2", "b": "2"}],
            title="What a split makes goes through the rest, each for itself",
        ),
        Example('e_compose(DROP, e_set("__time__", "noon"))', {"a": "1"}, None, title="A dropped event goes no further"),
        Example('e_compose(KEEP, e_set("__time__", "noon"))', {"a": "1"}, error="__time__ takes whole Unix seconds"),
    ],
)
def e_compose(event: Event, *operations: Operation) -> list[Event]:
    """Runs several operations as one.

    It stands where one operation is asked for, such as inside ``e_if``. Each operation sees what those before it changed.
    """
    events = [event]
    for operation in operations:
        events = [after for one in events for after in operation.run(one)]
    return events


@e_compose.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    operations: tuple[Any, ...] = call.many("operations")
    for operation in operations:
        frame = operation.apply(frame)
    return frame
