"""Where `e_output` and `e_coutput` send events, for one event and by columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from transforms.core.field_columns import SOURCE, TAG_PREFIX, TOPIC
from transforms.rules.event import Event, Target
from transforms.rules.function import Decline
from transforms.rules.kinds import Kind
from transforms.rules.values import as_mapping, as_text, stored_text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame

__all__ = ["PARAMETERS", "HashKey", "Tags", "emit", "emit_columns"]

PARAMETERS = {
    "name": "The name of one of the job's targets; without it and without a project the default target.",
    "project": "The project, instead of the target's own.",
    "logstore": "The Logstore, instead of the target's own.",
    "topic": "The copy's ``__topic__``; None leaves it alone.",
    "source": "The copy's ``__source__``; None leaves it alone.",
    "tags": "The copy's tags: a dictionary of names (without ``__tag__:``) and values.",
    "hash_key_field": "A field whose value chooses the shard, by its MD5; events that lack it go to any shard.",
    "hash_key": "What chooses the shard if no field does: up to 32 hexadecimal digits.",
}


def emit(
    event: Event, name: str | None, project: str | None, logstore: str | None, topic: str | None, source: str | None,
    tags: Mapping[str, Any] | None, hash_key_field: str | None, hash_key: str | None,
) -> None:  # fmt: skip
    """A snapshot of an event for a target, with its topic, source and tags."""
    copy = event.copy()
    for field, text in _written(topic, source, tags):
        copy.write(field, text)
    copy.emit(_target(name, project, logstore, hash_key_field, hash_key))


def _target(name: str | None, project: str | None, logstore: str | None, hash_field: str | None, hash_key: str | None) -> Target:
    return Target(name, project, logstore, None if hash_field is not None else hash_key, hash_field)


def _written(topic: Any, source: Any, tags: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    yield TOPIC, topic
    yield SOURCE, source
    for key, value in (tags or {}).items():
        yield TAG_PREFIX + key, value


def emit_columns(frame: Frame, call: Arguments) -> None:
    """Snapshots of all events of a frame, one for each target. Declines what only the scalar form can put into text."""
    from transforms.rules.frame import Emission
    from transforms.rules.writes import write

    targets = list(_targets(call))
    snapshot = frame.copy()
    for field, text in _texts_written(call, frame.rows):
        write(snapshot, field, text, "overwrite", function="e_output", start=call.start, end=call.end)
    for target, rows in targets:
        part = snapshot if rows is None else snapshot.select(rows)
        frame.state.emitted.append(Emission(target, part, call.start, call.end))


def _targets(call: Arguments) -> Iterator[tuple[Target, pl.Series | None]]:
    """Each target and the numbers of the rows that go there; None for "all"."""
    import polars as pl

    from transforms.rules.columns import Fixed, text

    given = [call.column(name) for name in ("name", "project", "logstore", "hash_key_field", "hash_key")]
    if all(isinstance(column, Fixed) for column in given):
        yield _target(*(column.value for column in given if isinstance(column, Fixed))), None
        return
    varying = {str(number): text(column, call.rows) for number, column in enumerate(given) if not isinstance(column, Fixed)}
    # The rows of each target one after the other: a pass over all rows for each of many targets would be too much.
    grouped = pl.DataFrame(varying).with_row_index("row").group_by(list(varying), maintain_order=True).agg(pl.col("row"))
    found = {name: grouped.get_column(name).to_list() for name in varying}
    for place, rows in enumerate(grouped.get_column("row")):
        values = [column.value if isinstance(column, Fixed) else found[str(number)][place] for number, column in enumerate(given)]
        if values[4] is not None:
            try:
                values[4] = _hash_key(values[4])
            except ValueError:
                raise Decline from None  # the scalar form says which events fail
        yield _target(*values), rows


def _texts_written(call: Arguments, rows: int) -> Iterator[tuple[str, pl.Series | str]]:
    """The fields that the arguments write into the copies."""
    from transforms.rules.columns import Fixed, encodable, stored

    for field, name in ((TOPIC, "topic"), (SOURCE, "source")):
        column = call.column(name)
        if not isinstance(column, Fixed):
            yield field, stored(column, rows)
        elif column.value is not None:
            yield field, encodable(column.value) or ""
    tags = call.column("tags")
    if isinstance(tags, Fixed):
        for key, value in (tags.value or {}).items():
            text = encodable(stored_text(value))
            if text is not None:
                yield TAG_PREFIX + key, text
    elif isinstance(tags, list):
        yield from _tags_of_events(tags)
    else:
        raise Decline


def _tags_of_events(tags: list[Any]) -> Iterator[tuple[str, pl.Series]]:
    import polars as pl

    from transforms.rules.columns import encodable

    try:
        given = [{} if value is None else _tags(value) for value in tags]
        for key in dict.fromkeys(key for value in given for key in value):
            yield TAG_PREFIX + key, pl.Series("", [encodable(stored_text(value.get(key))) for value in given], pl.String)
    except (ValueError, TypeError):
        raise Decline from None  # the scalar form says which events fail


def _tags(value: Any) -> dict[str, Any]:
    return {as_text(key): item for key, item in as_mapping(value).items()}


def _hash_key(value: Any) -> str:
    text = as_text(value)
    if not re.fullmatch(r"[0-9A-Fa-f]{1,32}", text, re.ASCII):
        raise ValueError(f"a hash key is up to 32 hexadecimal digits, not {text[:60]!r}")
    return text.lower().zfill(32)


Tags = Annotated[Mapping[str, Any], Kind("a dictionary, or JSON text of one", _tags)]
HashKey = Annotated[str, Kind("up to 32 hexadecimal digits", _hash_key)]
