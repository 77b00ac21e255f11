"""e_set"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, step
from transforms.rules.kinds import AnyValue, Mode
from transforms.rules.values import as_text, stored_text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "fields",
    parameters={
        "pairs": "One or more pairs of a field name and a value.",
        "mode": "How a field is written that may be there already.",
    },
    examples=[
        Example('e_set("city", "Berlin", "n", 1)', {"a": "x"}, {"a": "x", "city": "Berlin", "n": "1"}),
        Example('e_set("a", "new", mode="fill")', {"a": "old"}, {"a": "old"}, title="A mode that keeps what is there"),
        Example('e_set("copy", v("missing"))', {"a": "x"}, {"a": "x"}, title="None leaves the field alone"),
        Example('e_set("__time__", "noon")', {"a": "x"}, error="__time__ takes whole Unix seconds"),
    ],
    pairs=True,
)
def e_set(event: Event, *pairs: AnyValue, mode: Mode = "overwrite") -> None:
    """Sets fields to values.

    All values are worked out before the first field is written. Booleans become ``true`` and ``false``, lists and dictionaries JSON
    text; a value of None leaves its field as it is.
    """
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        event.write(as_text(name), value, mode)


@e_set.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.columns import Fixed, encodable, fixed, stored
    from transforms.rules.writes import write

    mode = call.fixed("mode")
    pairs: tuple[Any, ...] = call.many("pairs")
    names = [fixed(name) for name in pairs[::2]]
    if not all(isinstance(name, str) for name in names):
        raise Decline
    try:
        values = [encodable(stored_text(value.value)) if isinstance(value, Fixed) else stored(value, frame.rows) for value in pairs[1::2]]
    except (TypeError, ValueError):
        raise Decline from None  # some value cannot be kept in a field: the scalar form says which
    for name, value in zip(names, values, strict=True):
        if value is None:
            continue
        write(frame, name, value, mode, function="e_set", start=call.start, end=call.end)
    return frame
