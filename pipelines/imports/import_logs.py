"""Import files into a Logstore, each log exactly once, whenever the process is killed.

The input is cut into batches. For each: write the data files (invisible), append the dead letters, record in the ledger "version v
takes the import from this place to that place", commit under that version. Whoever comes after a crash asks the Logstore for the last
version committed: if it is v, reading goes on after the batch, else exactly this batch is read again and committed under v, so that
even a writer believed dead cannot double it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.imports.import_history import only_one, refuse_doubles, remembered
from pipelines.imports.import_inputs import STDIN, Input, PatientPipe, find_inputs
from pipelines.imports.import_pieces import Setting, WrittenBatch, piece_size
from pipelines.imports.import_processes import Processes, prepare, started_processes
from pipelines.imports.import_request import ImportReport, ImportRequest
from pipelines.imports.import_stages import Place, Stages
from transforms.core.clock import Clock, SystemClock
from transforms.core.durable import durable
from transforms.core.errors import ParameterInvalid, UserError
from transforms.formats.names import format_of_name
from transforms.stores.logstore import AppTransaction

if TYPE_CHECKING:
    from subprocess import Popen

    from pipelines.home import Home
    from transforms.core.log_group import LogGroup
    from transforms.formats.log_batches import LogBatch
    from transforms.formats.readers import Reader
    from transforms.stores.catalogue import ImportRun
    from transforms.stores.logstore import DataFile, Logstore

__all__ = ["ImportReport", "ImportRequest", "Watcher", "import_logs", "readers_of"]

_COMMIT_BYTES = 56 * 1024 * 1024
_COMMIT_SECONDS = 10.0
_DEAD_WEIGHT = 8
_MOST_FIELDS = 1_000
_CHUNK_BYTES = 4 * 1024 * 1024


Watcher = Callable[[int, int, int], None]
"""Is told bytes read so far, bytes in all, and logs so far in this run."""


def import_logs(home: Home, request: ImportRequest, *, clock: Clock | None = None, watch: Watcher | None = None) -> ImportReport:
    """Import. Raises UserError for wrong arguments or input, AlreadyExists (``ImportRunning``) when another process is at the same import."""
    started = time.monotonic()
    inputs, hidden = find_inputs(request.inputs)
    formats = [request.format or format_of_name(found.name) for found in inputs]
    size = piece_size(inputs, formats, request.batch_rows)
    with started_processes(size is not None) as processes:
        store = home.open_logstore(request.project, request.logstore)
        if inputs[0].path is None and request.name is None:
            # Nothing tells two pipes apart: without a name every run is an import of its own.
            request = replace(request, name=f"pipe-{os.getpid()}-{(clock or SystemClock()).now_us()}")
        import_id = request.identity(inputs)
        # Options that make no sense leave no trace in the ledger.
        if store.descriptor.kind == "memory":
            size = None  # such a store is this process's alone
        if size is not None:
            prepare(processes, Setting(request, formats, inputs, store.descriptor))
        else:
            readers_of(request, formats, 0)
        locks = home.path / "locks"
        with only_one(locks, import_id):
            catalogue = home.catalogue()
            before = catalogue.list_imports(request.project, request.logstore)
            if not request.again:
                refuse_doubles(before, inputs, import_id, request.name, request.meaning(), locks)
            elif any(run.id == import_id for run in before):
                catalogue.forget_import(request.project, request.logstore, import_id)
            run = catalogue.start_import(request.project, request.logstore, import_id)
            report = ImportReport(len(inputs), hidden)
            if run.finished:
                _fill(report, run.summary)
                report.repeated = True
            else:
                _Import(home, request, store, inputs, formats, run, clock or SystemClock(), watch, report).run(processes, size)
    report.seconds = time.monotonic() - started
    return report


class _Import:
    """One unfinished import, under its lock."""

    def __init__(
        self, home: Home, request: ImportRequest, store: Logstore, inputs: list[Input], formats: list[str], run: ImportRun, clock: Clock,
        watch: Watcher | None, report: ImportReport,
    ) -> None:  # fmt: skip
        from transforms.formats.byte_source import Continued

        self._catalogue = home.catalogue()
        self._request, self._store, self._inputs, self._report, self._watch = request, store, inputs, report, watch
        self._formats = formats
        self._dead_letters = (request.dead_letters or home.dead_letters_dir / f"import-{request.logstore}-{run.id[:12]}.jsonl").absolute()
        report.resumed = bool(run.start)
        if not run.start:
            run = self._begin(run, clock)
        elif run.start["dead_letters"] != str(self._dead_letters):
            raise ParameterInvalid(
                f"an earlier run of this import writes its dead letters to {run.start['dead_letters']}",
                hint="give the same --dead-letters, or --again",
            )
        self._run = run
        self._app = f"import-{run.lane}"
        self._pipe = Continued(PatientPipe(), STDIN) if inputs[0].path is None else None
        self._bytes_total = sum(found.size for found in inputs)

    @cached_property
    def _readers(self) -> list[Reader]:
        return readers_of(self._request, self._formats, self._started_us)

    @property
    def _started_us(self) -> int:
        return int(self._run.start["started_us"])

    def run(self, processes: Sequence[Popen[bytes]], size: int | None) -> None:
        """Go on from where the last run stopped to the end; by ``processes``, in pieces of ``size`` bytes, unless that is None."""
        run = self._run
        if run.start != run.end:
            committed = self._store.app_version(self._app)
            if committed is None or committed < run.version:
                self._replay(run)
        self._cut_dead_letters(int(self._run.end["dead"]))
        place = Place(self._run.end["file"], self._run.end["at"])
        stages: Stages | Processes
        if size is not None:
            stages = Processes(processes, self._inputs, place, size, self._started_us)
        else:
            stages = Stages(self._inputs, self._readers, place, pipe=self._pipe)
        with stages:
            self._take(stages)
        end = self._run.end
        summary = {**end["counters"], "dead_letters": end["dead_letters"], **self._remembered()}
        with durable("import.finish"):
            self._catalogue.record_import(self._request.project, replace(self._run, finished=True, summary=summary))
        _fill(self._report, summary)
        self._report.changed = [found.name for found in self._inputs if found.changed()]

    def _take(self, stages: Stages | Processes) -> None:
        """Commit batch after batch; when an input turns out to be damaged, what was read before it too."""
        pending = _Pending()
        try:
            for item in stages.batches(wait=1.0):
                if item is not None:
                    pending.add(*item)
                self._tell(stages, pending)
                if pending.full(self._request.batch_rows):
                    self._commit(pending)
                    pending = _Pending()
        except UserError:
            if pending:
                self._commit(pending)
            raise
        if pending:
            self._commit(pending)

    def _begin(self, run: ImportRun, clock: Clock) -> ImportRun:
        """Write down where the import begins, before anything is written elsewhere."""
        own = self._request.dead_letters is not None
        length = self._dead_letters.stat().st_size if own and self._dead_letters.exists() else 0
        first = {
            "file": 0, "at": {}, "dead": length, "counters": {"logs": 0, "bytes": 0, "dead": {}, "fields": []},
            "started_us": clock.now_us(), "dead_letters": str(self._dead_letters), **self._remembered(),
        }  # fmt: skip
        run = replace(run, start=first, end=first)
        with durable("import.begin"):
            self._catalogue.record_import(self._request.project, run)
        return run

    def _replay(self, run: ImportRun) -> None:
        """Do the batch of the last intent again, exactly; its version refuses it if it was committed after all."""
        self._cut_dead_letters(int(run.start["dead"]))
        start, stop = (Place(place["file"], place["at"]) for place in (run.start, run.end))
        pending = _Pending()

        def groups() -> Iterator[LogGroup]:
            with Stages(self._inputs, self._readers, start, stop, self._pipe) as stages:
                for item in stages.batches(wait=60.0):
                    if item is not None:
                        pending.take(*item)
                        yield from item[1].groups

        files = self._store.write_files(groups(), hash_key=self._request.hash_key)
        self._append_dead_letters(pending.dead_lines)
        self._store.commit(files, app=AppTransaction(self._app, run.version))
        self._report.logs_this_run += pending.logs

    def _commit(self, pending: _Pending) -> None:
        files = pending.files
        if pending.groups:
            files = self._store.write_files(pending.given_away(), hash_key=self._request.hash_key)
        written = self._append_dead_letters(pending.dead_lines)
        start = self._run.end
        counters = start["counters"]
        end = {
            **start, "file": pending.file, "at": dict(pending.at), "dead": start["dead"] + written,
            "counters": {
                "logs": counters["logs"] + pending.logs,
                "bytes": counters["bytes"] + pending.bytes,
                "dead": dict(Counter(counters["dead"]) + pending.reasons),
                "fields": _without_time(counters.get("fields"), pending.fields),
            },
        }  # fmt: skip
        run = replace(self._run, version=self._run.version + 1, start=start, end=end)
        with durable("import.intent"):
            self._catalogue.record_import(self._request.project, run)
        self._store.commit(files, app=AppTransaction(self._app, run.version))
        self._run = run
        self._report.logs_this_run += pending.logs

    def _append_dead_letters(self, lines: list[bytes]) -> int:
        if not lines:
            return 0
        with durable("import.dead-letters"):
            self._dead_letters.parent.mkdir(parents=True, exist_ok=True)
            with self._dead_letters.open("ab") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
        return sum(map(len, lines))

    def _cut_dead_letters(self, length: int) -> None:
        """Drop what a killed run had appended beyond its last place."""
        if self._dead_letters.exists() and self._dead_letters.stat().st_size > length:
            with durable("import.cut-dead-letters"):
                os.truncate(self._dead_letters, length)

    def _remembered(self) -> dict[str, Any]:
        pipe = self._request.name if self._inputs[0].path is None else None
        return remembered(self._inputs, pipe, self._request.meaning())

    def _tell(self, stages: Stages | Processes, pending: _Pending) -> None:
        if self._watch is not None:
            self._watch(stages.bytes_done, self._bytes_total, self._report.logs_this_run + pending.logs)


class _Pending:
    """What is read and not yet committed."""

    def __init__(self) -> None:
        self.groups: list[LogGroup] = []
        self.files: list[DataFile] = []
        self.dead_lines: list[bytes] = []
        self.reasons: Counter[str] = Counter()
        self.fields: list[str] | None = []
        self.file, self.at, self.logs, self.bytes = 0, {}, 0, 0  # type: tuple[int, Mapping[str, int], int, int]
        self._since = time.monotonic()

    def __bool__(self) -> bool:
        return bool(self.at)

    def take(self, file: int, batch: LogBatch | WrittenBatch) -> None:
        """Count a batch and keep its dead letters, not its logs."""
        self.file, self.at = file, batch.end
        self.logs += batch.logs
        self.bytes += batch.read
        self.dead_lines += (letter.to_json_line() for letter in batch.dead)
        self.reasons += batch.reasons
        self.fields = _without_time(self.fields, batch.fields)

    def add(self, file: int, batch: LogBatch | WrittenBatch) -> None:
        """Count and keep a batch."""
        self.take(file, batch)
        if isinstance(batch, WrittenBatch):
            self.files += batch.files
        else:
            self.groups += batch.groups

    def full(self, rows: int) -> bool:
        """Whether it is time to commit."""
        if not self:
            self._since = time.monotonic()
            return False
        if self.logs + _DEAD_WEIGHT * len(self.dead_lines) >= rows or self.bytes >= _COMMIT_BYTES:
            return True
        return time.monotonic() - self._since >= _COMMIT_SECONDS

    def given_away(self) -> Iterator[LogGroup]:
        """The logs, let go of as they are taken, so that they are not held twice."""
        self.groups.reverse()
        while self.groups:
            yield self.groups.pop()


def readers_of(request: ImportRequest, formats: list[str], started_us: int, chunk_bytes: int | None = None) -> list[Reader]:
    """For each input a reader of its format. Raises ParameterInvalid for options that make no sense."""
    from transforms.formats.log_options import LogOptions
    from transforms.formats.readers import reader_of

    options = LogOptions(
        request.time_field, request.time_format, request.time_zone, request.time_pattern, request.topic, request.source, request.tags
    )
    settings = options.settings(started_us)
    made = {name: reader_of(name, settings, request.max_line_bytes, chunk_bytes or _CHUNK_BYTES) for name in dict.fromkeys(formats)}
    return [made[name] for name in formats]


def _without_time(fields: Iterable[str] | None, more: Iterable[str] | None) -> list[str] | None:
    """The fields of records none of which has the named time field; None once there was one that has."""
    return None if fields is None or more is None else sorted({*fields, *more})[:_MOST_FIELDS]


def _fill(report: ImportReport, summary: Mapping[str, Any]) -> None:
    report.logs, report.bytes, report.dead = summary["logs"], summary["bytes"], dict(summary["dead"])
    report.dead_letters = Path(summary["dead_letters"]) if report.dead else None
    report.fields_without_time = summary.get("fields") or []
