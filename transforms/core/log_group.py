"""LogGroup: a bundle of logs as columns. The element of every PCollection on a hot path.

Columns of ``table`` (names by `transforms.core.field_columns`):

* ``__time__`` int64, whole Unix seconds, never null; ``~time_ns`` int32, the sub-second part, never null;
* ``~receive_time`` int64 microseconds, present only for logs that a Logstore has taken;
* ``~origin`` text, never null: the origin of each log, only on the way into a Logstore and only when they have several;
* one text column per field, ``column_of(name)``; null = the log does not have the field, ``''`` = it is present and empty;
  ``__topic__``, ``__source__`` and tags ``__tag__:NAME`` are fields like any other. A text column is ``string`` or, when it
  comes from Polars without a copy, ``string_view`` (`LogGroup.frame` takes both; some Arrow functions take only the first).

A group is bounded by whoever makes it: 16–64 thousand logs, 32 MB (`MAX_ROWS`, `MAX_BYTES`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS, column_of, field_of, is_field_column

__all__ = ["MAX_BYTES", "MAX_ROWS", "LogGroup", "own_bytes", "split_rows"]

MAX_ROWS = 65_536
MAX_BYTES = 32 * 1024 * 1024
_SLACK = 64 * 1024
"""Bytes that a group may hold on to beside its own, however small it is."""
_VIEW_BYTES = 16
"""What a text takes in a ``string_view`` column beside its bytes; Polars leaves it out of its estimate."""


@dataclass(frozen=True)
class LogGroup:
    """A columnar batch of logs. ``table`` is an Arrow table as the module says."""

    table: Any

    @property
    def num_rows(self) -> int:
        return int(self.table.num_rows)

    @property
    def nbytes(self) -> int:
        return int(self.table.nbytes)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that any log of the group has, in column order."""
        return tuple(field_of(name) for name in self.table.column_names if is_field_column(name))

    def __len__(self) -> int:
        return self.num_rows

    def __reduce__(self) -> tuple[Any, ...]:
        # A default pickle of a slice carries its whole parent's buffers; Arrow IPC writes just the rows.
        return (LogGroup.from_ipc, (self.to_ipc(),))

    def to_ipc(self) -> bytes:
        """The group as one Arrow IPC stream, of its own logs only."""
        table = self.compacted().table
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue())

    def compacted(self) -> LogGroup:
        """The group with text columns that hold nothing but its own texts; the group itself when it has them.

        A ``string_view`` column of a few logs may hold on to all pages of a file, in memory and in a stream.
        """
        views = [number for number, kind in enumerate(self.table.schema.types) if kind == pa.string_view()]
        if not views:
            return self
        # Offsets of 32 bits reach 2 GB, and Arrow does not notice when they do not: many views may be of one long text.
        text = pa.string() if self.frame().estimated_size() < 2**31 else pa.large_string()
        table = self.table
        for number in views:
            table = table.set_column(number, table.schema.names[number], table.column(number).cast(text))
        return LogGroup(table)

    def trimmed(self) -> LogGroup:
        """The group, compacted if it holds on to more than twice its own bytes."""
        views = self.table.schema.types.count(pa.string_view())
        if not views or self.nbytes <= 2 * own_bytes(self.frame(), views) + _SLACK:
            return self
        return self.compacted()

    def added_bytes(self, known: set[int]) -> int:
        """Bytes that the group holds on to beside the memory that is ``known`` (addresses), which its own is added to.

        Groups cut from one share the memory of their texts; a sum of `nbytes` counts it once for each.
        """
        added = 0
        for column in self.table.columns:
            if column.type != pa.string_view():
                added += column.nbytes
                continue
            for buffer in (buffer for chunk in column.chunks for buffer in chunk.buffers() if buffer is not None):
                if buffer.address not in known:
                    known.add(buffer.address)
                    added += buffer.size
        return int(added)

    @staticmethod
    def from_frame(frame: Any) -> LogGroup:
        """From a Polars frame with the columns that the module says, without a copy."""
        import polars as pl

        return LogGroup(frame.to_arrow(compat_level=pl.CompatLevel.newest()))

    def frame(self) -> Any:
        """The table as a Polars frame; without a copy where text columns are ``string_view``."""
        import polars as pl

        return pl.DataFrame(pl.from_arrow(self.table))

    @staticmethod
    def from_ipc(data: bytes) -> LogGroup:
        """From `to_ipc`."""
        with pa.ipc.open_stream(pa.BufferReader(data)) as reader:
            return LogGroup(reader.read_all())

    @staticmethod
    def from_logs(logs: Sequence[Mapping[str, str]], seconds: Sequence[int], nanoseconds: Sequence[int] | None = None) -> LogGroup:
        """From mappings of field → text, one event time each. For small inputs: tests, previews, single logs.

        Raises ParameterInvalid for a field of the event time's name.
        """
        names = list(dict.fromkeys(name for log in logs for name in log))
        if TIME in names:
            raise ParameterInvalid(
                f"{TIME!r} is the event time and cannot be a field", hint="give it as the log's time, or rename the field"
            )
        columns: dict[str, Any] = {
            TIME: pa.array(seconds, pa.int64()),
            TIME_NS: pa.array(nanoseconds if nanoseconds is not None else [0] * len(logs), pa.int32()),
        }
        for name in names:
            columns[column_of(name)] = pa.array([log.get(name) for log in logs], pa.string())
        return LogGroup(pa.table(columns))

    def to_logs(self) -> Iterator[dict[str, str]]:
        """Each log as a mapping of the fields it has. Builds Python objects: not for hot paths."""
        pairs = [(field_of(name), self.table[name].to_pylist()) for name in self.table.column_names if is_field_column(name)]
        for row in range(self.num_rows):
            yield {name: values[row] for name, values in pairs if values[row] is not None}

    def chosen(self, rows: Any) -> LogGroup:
        """Some of the logs: a NumPy mask of Booleans, or a list of row numbers."""
        import polars as pl

        index = pl.Series(rows, dtype=pl.UInt32) if isinstance(rows, list) else pl.Series(rows)
        frame = self.frame()
        return LogGroup.from_frame(frame.filter(index) if index.dtype == pl.Boolean else frame[index])

    @property
    def seconds(self) -> Any:
        """The event times as an Arrow int64 array (chunked), Unix seconds."""
        return self.table[TIME]

    @property
    def receive_times(self) -> Any | None:
        """The receive times as an Arrow int64 array (chunked), microseconds; None before a Logstore took the logs."""
        return self.table[RECEIVE_TIME] if RECEIVE_TIME in self.table.column_names else None


def own_bytes(frame: Any, views: int) -> int:
    """About how many bytes the logs of a Polars frame with ``views`` columns of text need: what they share with others is not in it."""
    return int(frame.estimated_size()) + _VIEW_BYTES * int(frame.height) * views


def split_rows(group: LogGroup, rows: int = MAX_ROWS) -> Iterable[LogGroup]:
    """Cut a group into groups of at most ``rows`` logs that own their memory."""
    if group.num_rows <= rows:
        yield group
        return
    for begin in range(0, group.num_rows, rows):
        yield LogGroup.from_ipc(LogGroup(group.table.slice(begin, rows)).to_ipc())
