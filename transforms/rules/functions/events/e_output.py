"""e_output"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.event import DROPPED, Event
from transforms.rules.function import Example, step
from transforms.rules.functions.events._targets import PARAMETERS, HashKey, Tags, emit, emit_columns
from transforms.rules.kinds import FieldName, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "events",
    parameters=PARAMETERS,
    examples=[
        Example('e_output("errors")', {"a": "1"}, {"errors": [{"a": "1"}]}, targets=True),
        Example('e_if(v("a"), e_output("errors"))', {"a": ""}, {"default": [{"a": ""}]}, targets=True, title="What is not sent goes on"),
        Example(
            'e_output(project=v("p"), logstore="all", topic="t", tags={"kind": "x"})',
            {"p": "p1"},
            {"p1/all": [{"p": "p1", "__topic__": "t", "__tag__:kind": "x"}]},
            targets=True,
            title="The target is worked out for each event",
        ),
        Example('e_output("errors", hash_key_field="user")', {"user": "7"}, {"errors": [{"user": "7"}]}, targets=True),
        Example('e_output("errors", hash_key=v("key"))', {"key": "xyz"}, error="up to 32 hexadecimal digits"),
    ],
)
def e_output(
    event: Event, name: Text | None = None, project: Text | None = None, logstore: Text | None = None, topic: Text | None = None,
    source: Text | None = None, tags: Tags | None = None, hash_key_field: FieldName | None = None, hash_key: HashKey | None = None,
) -> Sequence[Event]:  # fmt: skip
    """Sends the event to a target and ends it.

    Steps after it are not run for the event. A rule that ends with ``e_drop()`` keeps what no ``e_output`` took away from the
    default target. The arguments go before the job's configuration; all of them may be expressions, such as ``project=v("project")``.
    Topic, source and tags are those of the copy that is sent.
    """
    emit(event, name, project, logstore, topic, source, tags, hash_key_field, hash_key)
    return DROPPED


@e_output.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    emit_columns(frame, call)
    return frame.nothing()
