"""Many events on their way through the steps, as columns: what `transforms.rules.event` is for one.

A field is a Polars column of text, named by the field's own name; null = the event does not have the field. Rows carry the index of
the source event they come from (``origin``), so that a failure in one place discards all that came from the same event.

Frames are cheap to copy and to cut: `select` filters a column when it is first asked for, not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from transforms.core.field_columns import TIME
from transforms.rules.cells import Cell, Cut, taken
from transforms.rules.context import Context
from transforms.rules.event import Event, Journal, Target

__all__ = ["RECEIVE_TAG", "Emission", "Failure", "Frame", "SourceTimes", "State", "Warnings"]

RECEIVE_TAG = "__tag__:__receive_time__"
"""The receive time in whole seconds: every log of a Logstore has it, as text, unless a field of that name is there."""


@dataclass(frozen=True)
class SourceTimes:
    """Event times of the source events: ``seconds`` (int64), ``nanoseconds`` (int32), ``received`` (int64 microseconds, or None)."""

    seconds: pl.Series
    nanoseconds: pl.Series
    received: pl.Series | None = None


@dataclass(frozen=True)
class Failure:
    """Why a source event failed, and where in the rule's text (characters)."""

    reason: str
    start: int
    end: int


@dataclass
class Warnings:
    """Steps that were skipped: how often, and one example, by (place in the rule, message)."""

    counts: dict[tuple[int, int, str], int] = field(default_factory=dict)

    def add(self, start: int, end: int, message: str, times: int) -> None:
        """Count a warning ``times`` times."""
        if times:
            key = (start, end, message)
            self.counts[key] = self.counts.get(key, 0) + times


@dataclass
class State:
    """What the frames of one batch share. ``failures`` is by origin; ``emitted`` in the order of emission."""

    context: Context
    times: SourceTimes | None = None
    failures: dict[int, Failure] = field(default_factory=dict)
    warnings: Warnings = field(default_factory=Warnings)
    emitted: list[Emission] = field(default_factory=list)


class Frame:
    """Events as columns. A step owns the frame it is given and may change it; `copy` costs a dictionary, not columns.

    Rows stand in the order of their source events: origins never fall from one row to the next.
    """

    __slots__ = ("_cells", "_lineage", "_origin", "rows", "state", "touched")

    def __init__(self, cells: dict[str, Cell], origin: Cell, rows: int, state: State, lineage: Cell | None = None) -> None:
        self._cells = cells
        self._origin = origin
        self.rows = rows
        self.state = state
        self._lineage = lineage
        self.touched: set[str] = set()
        """Fields that were written or taken out since the branch began."""

    @staticmethod
    def of(columns: Mapping[str, pl.Series], rows: int, state: State, origin: pl.Series | None = None) -> Frame:
        """From columns of text; ``origin`` None: each row is its own source event."""
        cells = {name: Cell(series) for name, series in columns.items()}
        own = origin if origin is not None else pl.int_range(rows, dtype=pl.UInt32, eager=True)
        return Frame(cells, Cell(own), rows, state)

    @staticmethod
    def from_logs(logs: Sequence[Mapping[str, str]], state: State) -> Frame:
        """From mappings of field → text; nothing is added, ``__time__`` is a field like any other."""
        names = dict.fromkeys(name for log in logs for name in log)
        return Frame.of({name: pl.Series(name, [log.get(name) for log in logs], pl.String) for name in names}, len(logs), state)

    # ── reading ──────────────────────────────────────────────────────────

    @property
    def origin(self) -> pl.Series:
        """For each row the index of its source event (UInt32)."""
        return self._origin.get(self.rows)

    @property
    def lineage(self) -> pl.Series | None:
        """Which rows of the frame that the branch began with these are (UInt32); None: all of them, in order."""
        return None if self._lineage is None else self._lineage.get(self.rows)

    def names(self) -> list[str]:
        """Names of the fields that some event may have, in event order."""
        names = list(self._cells)
        if TIME not in self._cells and self.state.times is not None:
            names.insert(0, TIME)
        return names

    def column(self, name: str) -> pl.Series | None:
        """A field's texts, null where an event lacks it; None if no event has it."""
        cell = self._cells.get(name)
        if cell is not None:
            return cell.get(self.rows).alias(name)
        times = self.state.times
        if times is None:
            return None
        if name == TIME:
            return taken(times.seconds, self.origin).cast(pl.String).alias(TIME)
        if name == RECEIVE_TAG and times.received is not None:
            return (taken(times.received, self.origin) // 1_000_000).cast(pl.String).alias(RECEIVE_TAG)
        return None

    def constant(self, name: str) -> str | None:
        """The text that all events are known to have in a field; None: not known."""
        cell = self._cells.get(name)
        return None if cell is None else cell.constant

    def holds(self, name: str) -> bool:
        """Whether a field has a column of its own. ``__time__`` has one only when a step wrote it, or the events brought it as a field."""
        return name in self._cells

    def estimated_size(self) -> int:
        """About how many bytes the fields' own columns take; does not make them."""
        return sum(cell.estimated_size(self.rows) for cell in self._cells.values())

    def events(self) -> Iterator[Event]:
        """Each event for the scalar forms, with a journal of its own. Builds Python objects: the slow way."""
        names = self.names()
        if RECEIVE_TAG not in self._cells and self.state.times is not None and self.state.times.received is not None:
            names.append(RECEIVE_TAG)
        derived = frozenset(name for name in (TIME, RECEIVE_TAG) if name in names and name not in self._cells)
        columns = [(name, series.to_list()) for name in names if (series := self.column(name)) is not None]
        for row in range(self.rows):
            fields = {name: values[row] for name, values in columns if values[row] is not None}
            yield Event(fields, Journal(self.state.context), derived)

    def to_logs(self) -> list[dict[str, str]]:
        """The fields of each event as mappings (``__time__`` among them)."""
        return [event.fields for event in self.events()]

    # ── changing ─────────────────────────────────────────────────────────

    def set(self, name: str, series: pl.Series) -> None:
        """Replace or add a field: text, null = absent."""
        self._cells[name] = Cell(series)
        self.touched.add(name)

    def set_constant(self, name: str, text: str) -> None:
        """Replace or add a field with the same text for every event."""
        self._cells[name] = Cell(constant=text)
        self.touched.add(name)

    def move(self, name: str, new: str) -> None:
        """Give a field that has a column of its own another name, which no event uses."""
        self._cells[new] = self._cells.pop(name)
        self.touched.update((name, new))

    def remove(self, name: str) -> None:
        """Take a field out of every event."""
        if name == TIME and self.state.times is not None:
            self._cells[TIME] = Cell(pl.Series(TIME, [None], pl.String).new_from_index(0, self.rows))
        else:
            self._cells.pop(name, None)
        self.touched.add(name)

    def copy(self) -> Frame:
        """The same events; changes to one do not show in the other."""
        twin = Frame(dict(self._cells), self._origin, self.rows, self.state, self._lineage)
        twin.touched = set(self.touched)
        return twin

    def select(self, index: pl.Series) -> Frame:
        """Some of the events: a Boolean mask, or row numbers (UInt32; rows may repeat)."""
        rows = int(index.sum()) if index.dtype == pl.Boolean else len(index)
        cut = Cut(index)
        cells = {name: cell.part(cut) for name, cell in self._cells.items()}
        lineage = Cell(pl.int_range(self.rows, dtype=pl.UInt32, eager=True)) if self._lineage is None else self._lineage
        part = Frame(cells, self._origin.part(cut), rows, self.state, lineage.part(cut))
        part.touched = set(self.touched)
        return part

    def of_sources(self, first: int, last: int, state: State) -> Frame:
        """The events of source events ``first`` … ``last - 1``, which are counted from 0 there; ``state`` is that part's own."""
        origin = self.origin
        begin, end = int(origin.search_sorted(first)), int(origin.search_sorted(last))
        part = self.select(pl.int_range(begin, end, dtype=pl.UInt32, eager=True))
        return Frame(part._cells, Cell((origin.slice(begin, end - begin) - first).cast(pl.UInt32)), part.rows, state)

    def nothing(self) -> Frame:
        """None of the events: all of them are dropped."""
        return self.select(pl.Series("", [], pl.UInt32))

    def branch(self, mask: pl.Series) -> Frame:
        """The events of a mask, to be changed and given back to `merge`."""
        return self.select(mask).begun()

    def begun(self) -> Frame:
        """The same events, as a branch begins: nothing touched, every row its own."""
        return Frame(dict(self._cells), self._origin, self.rows, self.state)

    def merge(self, mask: pl.Series, after: Frame) -> Frame:
        """This frame with the events of ``mask`` replaced by what an operation made of the branch of that mask."""
        from transforms.rules.merging import merge

        return merge(self, mask, after)

    # ── what befalls events ──────────────────────────────────────────────

    def fail(self, rows: pl.Series, failure: Failure) -> None:
        """Discard the source events of some rows (Boolean mask or row numbers), for one reason. The first reason stays."""
        for origin in taken(self.origin, rows).to_list():
            self.state.failures.setdefault(origin, failure)

    def fail_all(self, failure: Failure) -> None:
        """Discard the source events of every row."""
        for origin in self.origin.unique().to_list():
            self.state.failures.setdefault(origin, failure)

    def without_failed(self, known: int) -> Frame:
        """The frame less rows of failed source events, if more have failed than ``known``."""
        return self if len(self.state.failures) == known else self.select(self.kept(known))

    def kept(self, known: int) -> pl.Series:
        """Mask of the rows whose source events have not failed; ``known`` as for `without_failed`."""
        if len(self.state.failures) == known:
            return pl.Series("", [True], pl.Boolean).new_from_index(0, self.rows)
        failed = pl.Series("", list(self.state.failures), pl.UInt32)
        return ~self.origin.is_in(failed.implode())


@dataclass(frozen=True)
class Emission:
    """A snapshot for a target, and which call made it (characters of the rule)."""

    target: Target
    frame: Frame
    start: int = 0
    end: int = 0
