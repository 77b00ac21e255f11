"""e_coutput"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.functions.events._targets import PARAMETERS, HashKey, Tags, emit, emit_columns
from transforms.rules.kinds import FieldName, Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "events",
    parameters=PARAMETERS,
    examples=[
        Example('e_coutput("archive")\ne_set("a", "2")', {"a": "1"}, {"archive": [{"a": "1"}], "default": [{"a": "2"}]}, targets=True),
        Example(
            'e_coutput("archive", topic="old", tags={"kind": v("a")})\nDROP',
            {"a": "1"},
            {"archive": [{"a": "1", "__topic__": "old", "__tag__:kind": "1"}]},
            targets=True,
            title="Topic and tags of the copy",
        ),
        Example("e_coutput()", {"a": "1"}, {"default": [{"a": "1"}, {"a": "1"}]}, targets=True, title="Without a name: the default target"),
        Example('e_coutput("archive", hash_key="xyz")', {}, error="up to 32 hexadecimal digits"),
        Example('e_coutput("archive", tags=v("a"))', {"a": "[]"}, error="a dictionary is needed"),
    ],
)
def e_coutput(
    event: Event, name: Text | None = None, project: Text | None = None, logstore: Text | None = None, topic: Text | None = None,
    source: Text | None = None, tags: Tags | None = None, hash_key_field: FieldName | None = None, hash_key: HashKey | None = None,
) -> None:  # fmt: skip
    """Sends a copy of the event to a target; the event goes on.

    The copy is what the event is at this point: later steps do not change it. Everything else is as with ``e_output``.
    """
    emit(event, name, project, logstore, topic, source, tags, hash_key_field, hash_key)


@e_coutput.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    emit_columns(frame, call)
    return frame
