"""RuleBatch: one LogGroup on its way through a rule, as it travels between the steps of a pipeline.

It carries the source logs themselves, so that an event that fails anywhere can be set aside as it came; snapshots that steps emitted
wait in it until the last step, since a source event counts whole or not at all.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS, column_of, field_of, is_field_column
from transforms.core.log_group import MAX_BYTES, MAX_ROWS, LogGroup
from transforms.rules.cells import taken
from transforms.rules.context import Context
from transforms.rules.event import DEFAULT_TARGET, Target
from transforms.rules.frame import Emission, Failure, Frame, SourceTimes, State, Warnings

__all__ = ["BatchCounts", "Output", "RuleBatch", "frame_of_group", "group_of_frame"]


@dataclass(frozen=True)
class Output:
    """Logs for one target."""

    target: Target
    group: LogGroup


@dataclass
class BatchCounts:
    """What became of source events: ``read`` = ``delivered`` + ``dropped`` + ``dead``; ``written`` counts logs by target key."""

    read: int = 0
    delivered: int = 0
    dropped: int = 0
    dead: int = 0
    written: dict[str, int] = field(default_factory=dict)


class RuleBatch:
    """A batch between two steps. ``key`` is whatever its logs were labelled with (None for nothing)."""

    def __init__(self, source: LogGroup, frame: Frame, key: Any = None) -> None:
        self.source = source
        self.frame = frame
        self.key = key

    @staticmethod
    def of(source: LogGroup, key: Any = None) -> RuleBatch:
        """A batch before its first step."""
        return RuleBatch(source, frame_of_group(source, Context()), key)

    @property
    def state(self) -> State:
        """Failures, warnings, snapshots."""
        return self.frame.state

    @property
    def nbytes(self) -> int:
        """About how much memory it takes; costs nothing to tell."""
        return self.source.nbytes

    def with_context(self, context: Context) -> RuleBatch:
        """In this process's surroundings: a context never travels."""
        self.state.context = context
        return self

    def with_frame(self, frame: Frame) -> RuleBatch:
        """After a step."""
        return RuleBatch(self.source, frame, self.key)

    # ── cutting ──────────────────────────────────────────────────────────

    def cut(self, rows: int = MAX_ROWS, nbytes: int = MAX_BYTES) -> Iterator[RuleBatch]:
        """Smaller batches after a step that multiplied events, on boundaries of source events."""
        frame = self.frame
        size = frame.estimated_size() if frame.rows > rows // 8 else 0
        parts = int(max(-(-frame.rows // rows), -(-size // nbytes)))
        if parts <= 1 or self.source.num_rows < 2:
            yield self
            return
        origin = frame.origin
        step = -(-frame.rows // parts)
        cuts = sorted({0, *(int(origin[place]) for place in range(step, frame.rows, step)), self.source.num_rows})
        if cuts[0] != 0:
            cuts.insert(0, 0)
        for first, last in pairwise(cuts):
            yield self._part(first, last)
        self.let_go()

    def _part(self, first: int, last: int) -> RuleBatch:
        source = LogGroup(self.source.table.slice(first, last - first))
        state = State(self.state.context, _times(source))
        state.failures = {origin - first: failure for origin, failure in self.state.failures.items() if first <= origin < last}
        if first == 0:  # counted once
            state.warnings = self.state.warnings
        for emission in self.state.emitted:
            part = emission.frame.of_sources(first, last, state)
            if part.rows:
                state.emitted.append(Emission(emission.target, part, emission.start, emission.end))
        return RuleBatch(source, self.frame.of_sources(first, last, state), self.key)

    # ── the end ──────────────────────────────────────────────────────────

    def check_targets(
        self, names: Collection[str], logstores: Collection[str] | None, project: str = "", *, drop_unknown: bool = False
    ) -> int:
        """Fail the events that go to a target nobody configured, or to a Logstore (``PROJECT/LOGSTORE``) that does not exist.

        ``project`` is that of outputs that name a Logstore only; ``logstores`` None lets every Logstore pass. With ``drop_unknown``
        those outputs are left out instead; gives how many logs.
        """
        dropped = 0
        kept: list[Emission] = []
        for emission in self.state.emitted:
            target = emission.target
            routed = target.project is not None or target.logstore is not None
            key = f"{target.project or project}/{target.logstore or ''}"
            if (routed and (logstores is None or key in logstores)) or (not routed and (target.name is None or target.name in names)):
                kept.append(emission)
            elif drop_unknown:
                dropped += emission.frame.rows
            else:
                what = (
                    f"the Logstore {key!r} does not exist, or is the job's source or holds its dead letters"
                    if routed
                    else f"no target {target.name!r} is configured"
                )
                emission.frame.fail_all(Failure(f"error when calling : e_output\nDetail: {what}", emission.start, emission.end))
        self.state.emitted = kept
        return dropped

    def outputs(self, now_seconds: int) -> list[Output]:
        """What the rule made of the batch: logs by target in order of emission, the default target last. Logs of failed events are
        left out; a log without an event time gets ``now_seconds``."""
        found: list[Output] = []
        for emission in [*self.state.emitted, Emission(DEFAULT_TARGET, self.frame)]:
            frame = emission.frame.without_failed(0)
            if frame.rows:
                found.append(Output(emission.target, group_of_frame(frame, now_seconds)))
        return found

    def failed(self) -> list[tuple[int, Failure]]:
        """Source events (row numbers of ``source``) that failed, and why, in order."""
        return sorted(self.state.failures.items())

    def counts(self, outputs: list[Output]) -> BatchCounts:
        """The four numbers that must add up."""
        dead = len(self.state.failures)
        delivered = np.zeros(self.source.num_rows, dtype=bool)
        for frame in [*(emission.frame for emission in self.state.emitted), self.frame]:
            delivered[frame.without_failed(0).origin.to_numpy()] = True
        reached = int(delivered.sum())
        counts = BatchCounts(self.source.num_rows, reached, self.source.num_rows - reached - dead, dead)
        for output in outputs:
            counts.written[output.target.key] = counts.written.get(output.target.key, 0) + output.group.num_rows
        return counts

    def let_go(self) -> None:
        """Part with the snapshots when all is said of the batch.

        They and the state refer to each other, and such rings stay in memory until the collector of garbage comes by: it counts
        objects, of which columns are few.
        """
        self.state.emitted = []

    # ── travelling ───────────────────────────────────────────────────────

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.state
        emitted = [(emission.target, _packed(emission.frame), emission.start, emission.end) for emission in state.emitted]
        return (_unpacked_batch, (self.source, self.key, _packed(self.frame), emitted, state.failures, state.warnings.counts))


def frame_of_group(group: LogGroup, context: Context) -> Frame:
    """The logs of a group as a frame: each log is its own source event."""
    columns = {
        field_of(name): pl.Series(field_of(name), pl.from_arrow(group.table[name])).cast(pl.String)
        for name in group.table.column_names
        if is_field_column(name)
    }
    return Frame.of(columns, group.num_rows, State(context, _times(group)))


def group_of_frame(frame: Frame, now_seconds: int) -> LogGroup:
    """A frame as a LogGroup. Fields that no log has are left out; an event time that is missing becomes ``now_seconds``."""
    times = frame.state.times
    nanoseconds = pl.Series(TIME_NS, [0], pl.Int32).new_from_index(0, frame.rows)
    if times is not None:
        source_seconds = taken(times.seconds, frame.origin)
    if frame.holds(TIME) or times is None:
        written = frame.column(TIME)
        seconds = (
            pl.Series(TIME, [None], pl.Int64).new_from_index(0, frame.rows)
            if written is None
            else written.str.strip_prefix("+").cast(pl.Int64)
        )
        seconds = seconds.fill_null(now_seconds)
        if times is not None:
            same = seconds == source_seconds
            nanoseconds = nanoseconds.zip_with(~same, taken(times.nanoseconds, frame.origin))
    else:
        seconds = source_seconds
        nanoseconds = taken(times.nanoseconds, frame.origin)
    columns = {TIME: seconds.alias(TIME), TIME_NS: nanoseconds.alias(TIME_NS)}
    for name in frame.names():
        series = frame.column(name) if name != TIME else None
        if series is not None and series.null_count() < len(series):
            columns[column_of(name)] = series
    # Under an empty name: Polars panics for names with NUL on their way to Arrow.
    return LogGroup(pa.table({name: series.alias("").to_arrow(compat_level=pl.CompatLevel.newest()) for name, series in columns.items()}))


def _times(group: LogGroup) -> SourceTimes:
    table = group.table
    received = pl.Series("", pl.from_arrow(table[RECEIVE_TIME])) if RECEIVE_TIME in table.column_names else None
    return SourceTimes(pl.Series("", pl.from_arrow(table[TIME])), pl.Series("", pl.from_arrow(table[TIME_NS])), received)


def _packed(frame: Frame) -> bytes:
    """The frame's own columns and origins as one Arrow IPC stream."""
    columns = {f"f{name}": series for name in frame.names() if frame.holds(name) and (series := frame.column(name)) is not None}
    sink = io.BytesIO()
    pl.DataFrame({"origin": frame.origin, **columns}).write_ipc_stream(sink, compat_level=pl.CompatLevel.newest())
    return sink.getvalue()


def _unpacked(data: bytes, state: State) -> Frame:
    table = pl.read_ipc_stream(io.BytesIO(data))
    columns = {name[1:]: table[name].alias(name[1:]) for name in table.columns[1:]}
    return Frame.of(columns, table.height, state, table["origin"])


def _unpacked_batch(
    source: LogGroup,
    key: Any,
    frame: bytes,
    emitted: list[tuple[Target, bytes, int, int]],
    failures: dict[int, Failure],
    warnings: dict[tuple[int, int, str], int],
) -> RuleBatch:
    state = State(Context(), _times(source), dict(failures), Warnings(dict(warnings)))
    state.emitted = [Emission(target, _unpacked(data, state), start, end) for target, data, start, end in emitted]
    return RuleBatch(source, _unpacked(frame, state), key)
