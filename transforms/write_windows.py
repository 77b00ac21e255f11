"""WriteWindows: the rows of many instances to their store, each under its own id, and how every window went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from transforms.connectors import open_external_store
from transforms.core.arrow_stream import from_stream
from transforms.core.error_transport import portable_errors
from transforms.core.errors import CommitConflict, LogsluiceError, StoreUnavailable
from transforms.core.field_columns import ORIGIN
from transforms.core.log_group import LogGroup
from transforms.query_windows import WindowRows
from transforms.schedule.failure import Failure, failure_of
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.logstore import DataFile, LogstoreDescriptor
from transforms.stores.samples import taken_by
from transforms.stores.table_commit import TableCommit
from transforms.write_instance import LogsOfResult
from transforms.write_logstores import Destination, SaveFiles, WriteLogstores, load_files

__all__ = ["WindowEnd", "WindowLogs", "WriteWindows", "WriteWindowsToTable", "load_ends", "load_window_files"]


class WindowEnd(NamedTuple):
    """How a window went.

    Attributes:
        number: as in `WindowRows`.
        rows_result: rows of the statement; ``rows_written``: logs, samples or rows of a table; ``skipped``: samples that were left out.
        code, message: of the failure; None when it went well.
    """

    number: int
    rows_result: int = 0
    rows_written: int = 0
    skipped: int = 0
    code: str | None = None
    message: str | None = None

    @property
    def failure(self) -> Failure | None:
        return None if self.code is None else Failure(self.code, self.message or "")

    @staticmethod
    def failed(number: int, error: LogsluiceError) -> WindowEnd:
        """The end of a window that an error of its own stopped."""
        failure = failure_of(error)
        return WindowEnd(number, code=failure.code, message=failure.message)


class WindowLogs(NamedTuple):
    """The instance of a window: its id, and what makes logs or samples of its rows."""

    instance: str
    logs_of: LogsOfResult


class WriteWindows(beam.PTransform[Any, Any]):
    """Writes the rows of windows (`WindowRows`) as logs, each log under its instance's id; logs of many instances share files.

    Nothing becomes visible: the list of files and how each window went (`WindowEnd`) are saved, for the launcher to commit
    (`load_window_files`, `load_ends`). A window whose rows cannot be logs fails alone.

    Args:
        target: the store.
        windows: number of a window → its instance.
        path: beginning of the names of what is saved.
    """

    def __init__(self, target: LogstoreDescriptor, windows: Mapping[int, WindowLogs], path: str) -> None:
        super().__init__()
        self._target = target
        self._windows = dict(windows)
        self._path = path

    def expand(self, rows: PCollection[WindowRows]) -> PCollection[Any]:
        made = rows | "Rows to logs" >> beam.ParDo(_ToLogs(self._target, self._windows)).with_outputs(
            "ends", main="logs"
        ).with_output_types(tuple[Destination, LogGroup], ends=WindowEnd)
        save = SaveFiles(f"{self._path}.files.json")
        files = made.logs | "Write" >> WriteLogstores({self._target.name: self._target}, save)
        ends = made.ends | "Ends" >> _SaveEnds(self._path)
        return (files, ends) | "Saved" >> beam.Flatten()  # type: ignore[no-any-return]


class WriteWindowsToTable(beam.PTransform[Any, Any]):
    """Writes the rows of windows (`WindowRows`) to a table of an ExternalStore: one transaction an instance, in the order of the windows.

    How each window went (`WindowEnd`) is saved. A window whose rows the database refuses fails alone; CommitConflict with code
    ``InstanceSuperseded`` and StoreUnavailable end the pipeline.

    Args:
        target: the store.
        commits: number of a window → whose rows they are.
        check_rows: raises for more rows than a window may have.
        path: as for `WriteWindows`.
    """

    def __init__(
        self, target: ExternalStoreDescriptor, commits: Mapping[int, TableCommit], check_rows: Callable[[int], None], path: str
    ) -> None:
        super().__init__()
        self._target = target
        self._commits = dict(commits)
        self._check_rows = check_rows
        self._path = path

    def expand(self, rows: PCollection[WindowRows]) -> PCollection[Any]:
        ends = (
            rows
            | "Any window" >> beam.WindowInto(GlobalWindows())
            | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, WindowRows])
            | "Gather" >> beam.GroupByKey()
            | "Commit" >> beam.ParDo(_ToTable(self._target, self._commits, self._check_rows)).with_output_types(WindowEnd)
        )
        return ends | "Ends" >> _SaveEnds(self._path)  # type: ignore[no-any-return]


class _ToLogs(beam.DoFn):
    def __init__(self, target: LogstoreDescriptor, windows: Mapping[int, WindowLogs]) -> None:
        self._target = target
        self._windows = windows

    def process(self, rows: WindowRows) -> Iterable[Any]:
        if rows.stream is None:
            assert rows.failure is not None
            yield TaggedOutput("ends", WindowEnd.failed(rows.number, rows.failure))
            return
        instance, logs_of = self._windows[rows.number]
        table: Any = from_stream(rows.stream)
        try:
            batches = list(logs_of(table))
            # A Metricstore looks at samples when they are written: too late to tell whose they are.
            groups = [batch.group for batch in batches]
            if self._target.telemetry == "metrics":
                groups = list(taken_by(self._target.name, groups))
        except LogsluiceError as error:
            yield TaggedOutput("ends", WindowEnd.failed(rows.number, error))
            return
        written, skipped = sum(group.num_rows for group in groups), sum(batch.skipped for batch in batches)
        yield TaggedOutput("ends", WindowEnd(rows.number, table.num_rows, written, skipped))
        for batch, group in zip(batches, groups, strict=True):
            if group.num_rows:
                yield Destination(self._target.name, batch.shard), _under(instance, group)


def _under(origin: str, group: LogGroup) -> LogGroup:
    return LogGroup(group.table.append_column(ORIGIN, pa.repeat(pa.scalar(origin, pa.string()), group.num_rows)))


class _ToTable(beam.DoFn):
    def __init__(self, target: ExternalStoreDescriptor, commits: Mapping[int, TableCommit], check_rows: Callable[[int], None]) -> None:
        self._target = target
        self._commits = commits
        self._check_rows = check_rows

    def process(self, gathered: tuple[int, Iterable[WindowRows]]) -> Iterable[WindowEnd]:
        # One after another: where keys of several windows meet, the latest window's row stays, as when the schedule makes them.
        with portable_errors():
            store = open_external_store(self._target)
            try:
                for rows in sorted(gathered[1], key=lambda one: one.number):
                    yield self._end(store, rows)
            finally:
                store.close()

    def _end(self, store: Any, rows: WindowRows) -> WindowEnd:
        if rows.stream is None:
            assert rows.failure is not None
            return WindowEnd.failed(rows.number, rows.failure)
        table: Any = from_stream(rows.stream)
        try:
            self._check_rows(table.num_rows)
            done = store.commit_rows(table.to_batches(), self._commits[rows.number])
        except (CommitConflict, StoreUnavailable):
            raise
        except LogsluiceError as error:
            return WindowEnd.failed(rows.number, error)
        return WindowEnd(rows.number, table.num_rows, done.rows)


class _SaveEnds(beam.PTransform[Any, Any]):
    """The ends in one file, under its name only when it is whole."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, ends: PCollection[WindowEnd]) -> PCollection[str]:
        saved: PCollection[str] = (
            ends
            | "Any window" >> beam.WindowInto(GlobalWindows())
            | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, WindowEnd])
            | "Gather" >> beam.GroupByKey()
            | "Save" >> beam.ParDo(_Save(_ends_path(self._path))).with_output_types(str)
        )
        return saved


class _Save(beam.DoFn):
    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, gathered: tuple[int, Iterable[WindowEnd]]) -> Iterable[str]:
        part = f"{self._path}.part"
        with FileSystems.create(part) as file:
            file.write(json.dumps([list(end) for end in gathered[1]], ensure_ascii=False).encode("utf-8", "backslashreplace"))
        FileSystems.rename([part], [self._path])
        yield self._path


def load_ends(path: str) -> list[WindowEnd]:
    """What was saved of how the windows went, by number."""
    with FileSystems.open(_ends_path(path)) as file:
        return sorted(WindowEnd(*told) for told in json.loads(file.read()))


def load_window_files(path: str) -> dict[str, tuple[DataFile, ...]]:
    """The files that `WriteWindows` wrote, by target."""
    return load_files(f"{path}.files.json")


def _ends_path(path: str) -> str:
    return f"{path}.windows.json"
