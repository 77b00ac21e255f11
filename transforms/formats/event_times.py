"""From parsed records to log groups: each log gets its event time, and the topic, source and tags of the import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import SOURCE, TAG_PREFIX, TIME, TIME_NS, TOPIC, column_of, field_of
from transforms.core.log_group import LogGroup
from transforms.formats.records import ROW, BadRecord
from transforms.formats.text_lines import CONTENT
from transforms.formats.times import NANOSECONDS, SECONDS, TimeFormat

__all__ = ["LogSettings"]


@dataclass(frozen=True)
class LogSettings:
    """What an import says about its logs.

    Args:
        started_us: the time of logs that have none, microseconds.
        time_field: the field that holds the time; None = ``__time__`` where a log has it. When another is named, ``__time__`` is dropped.
        time_format: how it is written.
        time_pattern: a regular expression whose one group cuts the time out of ``content`` (or out of ``time_field``).
        topic, source, tags: given to logs that have none of their own.
        time_required: a log without a time is no log, even when no field is named that holds it.
        said: what the import was told, for its dead letters: see `transforms.formats.log_options.LogOptions`.
    """

    started_us: int
    time_field: str | None = None
    time_format: TimeFormat = field(default_factory=lambda: TimeFormat("epoch-s"))
    time_pattern: str | None = None
    topic: str | None = None
    source: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    time_required: bool = False
    said: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.time_pattern is None:
            return
        try:
            groups = len(pl.Series(["x"]).str.extract_groups(self.time_pattern).struct.fields)
        except pl.exceptions.ComputeError as error:
            raise ParameterInvalid(
                f"the time pattern {self.time_pattern!r} is no regular expression: {error}", hint="look-around and \\1 are not known"
            ) from error
        if groups != 1:
            raise ParameterInvalid(
                f"the time pattern {self.time_pattern!r} has {groups} groups", hint="put parentheses around the time, and only there"
            )

    def groups_of(self, frame: pl.DataFrame) -> tuple[LogGroup | None, list[BadRecord]]:
        """The logs of a parsed frame with their times, and the records whose time cannot be read (``no-time``)."""
        times, said = self._times(frame)
        bad: list[BadRecord] = []
        if times[SECONDS].null_count():
            missing = times[SECONDS].is_null()
            values = said.filter(missing).to_list()
            bad = [
                BadRecord(row, "no-time", self._why(value)) for row, value in zip(frame[ROW].filter(missing).to_list(), values, strict=True)
            ]
            frame, times = frame.filter(~missing), times.filter(~missing)
            if not len(frame):
                return None, bad
        # Put together from whole columns: an engine's query for each of many small frames would cost as much as reading their times.
        kept = [column for column in frame.get_columns() if column.name not in (ROW, TIME)]
        frame = pl.DataFrame([times[SECONDS].alias(TIME), times[NANOSECONDS].alias(TIME_NS), *kept])
        for name, value in self._constants().items():
            column = column_of(name)
            own = pl.col(column).fill_null(value) if column in frame.columns else pl.lit(value, pl.String)
            frame = frame.with_columns(own.alias(column))
        return LogGroup(frame.to_arrow(compat_level=pl.CompatLevel.newest())), bad

    def fields_without_time(self, frames: Iterable[pl.DataFrame]) -> frozenset[str] | None:
        """The fields of parsed frames when none of them has the named time field; None when one has it, or none is named."""
        if self.time_field is None:
            return None
        columns = {column for frame in frames for column in frame.columns if column != ROW}
        return None if column_of(self.time_field) in columns else frozenset(map(field_of, columns))

    def _times(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Times and the text they were read from."""
        given = self.time_field is not None or self.time_pattern is not None
        name = self.time_field if self.time_field is not None else CONTENT if self.time_pattern is not None else TIME
        column = column_of(name)
        if column not in frame.columns:
            nothing = pl.repeat(None, len(frame), dtype=pl.String, eager=True)
            said = nothing
        else:
            said = frame[column]
            if self.time_pattern is not None:
                said = said.str.extract(self.time_pattern, 1)
        times = self.time_format.read(said)
        if not given and not self.time_required and said.null_count():
            seconds, micros = divmod(self.started_us, 1_000_000)
            absent = said.is_null()
            times = times.with_columns(
                pl.when(absent).then(pl.lit(seconds)).otherwise(SECONDS).alias(SECONDS),
                pl.when(absent).then(pl.lit(micros * 1_000, pl.Int32)).otherwise(NANOSECONDS).alias(NANOSECONDS),
            )
        return times, said

    def _why(self, value: Any) -> str:
        if value is None and self.time_pattern is not None:
            return "the time pattern does not match"
        if value is None:
            return f"the log has no field {self.time_field if self.time_field is not None else TIME!r}"
        return f"{value[:100]!r} is no time in the format {self.time_format.text}"

    def _constants(self) -> dict[str, str]:
        found = {TAG_PREFIX + name: value for name, value in self.tags.items()}
        if self.topic is not None:
            found[TOPIC] = self.topic
        if self.source is not None:
            found[SOURCE] = self.source
        return found
