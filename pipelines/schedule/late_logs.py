"""Late logs: what arrives inside the window of an instance after the instance has read its source makes the instance stale.

A round looks, once for each source, at the files that came lately; which of their logs an instance missed is told by receive times:
later than the newest log that it read. Logs that a re-run of another task wrote anew are late as well, since what was computed from the
old ones no longer holds; compaction keeps receive times and makes nothing late. Now and then a round looks at the whole horizon.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.alerts import Alerts
from pipelines.cli.unexpected import masked
from pipelines.home import Home
from pipelines.schedule.operational_log import InstanceEnd
from transforms.core.errors import LogsluiceError, NotFound
from transforms.core.interval import Interval, merged
from transforms.schedule.instance import InstanceState, StateConflict
from transforms.schedule.ledger import InstanceEntry, LateLogsSeen, ScheduleLedger, TaskEntry
from transforms.schedule.retry import MANUAL_RETRY_US
from transforms.schedule.sql_time_window import LONGEST, WindowExpression
from transforms.schedule.task import Task
from transforms.stores.logstore import DataFile, Logstore

__all__ = ["LateLogWatch"]

_SECOND = 1_000_000
_RECENT_US = 20 * 60 * _SECOND
"""A round looks so far back: longer than an attempt takes, so that what came while an instance was reading is seen when it has ended."""
_ALL_EVERY_US = 3_600 * _SECOND
_PAGE = 2_000
_ENDED = (InstanceState.SUCCEEDED, InstanceState.FAILED)
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class _Watched:
    """An instance that may have missed logs; ``read_us``: receive time of the newest one it read."""

    task: Task
    entry: InstanceEntry
    window: Interval
    read_us: int


class LateLogWatch:
    """`round` looks once; `start` does so every ``every`` seconds in a thread with a home of its own, until `close`."""

    def __init__(self, home: Home, alerts: Alerts | None, say: Callable[[str], None], every: float) -> None:
        self._home = home.once_more()
        self._alerts = alerts
        self._say = say
        self._every = every
        self._all_at_us = 0
        self._known = -1
        self._versions: dict[tuple[str, str], int] = {}
        self._said: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="late-logs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        else:
            self._home.close()

    def round(self) -> None:
        """Look once; what fails is said and looked at again in the next round."""
        problem: str | None = None
        try:
            ledger = self._home.schedule_ledger()
            now_us = ledger.now_us()
            everything = now_us >= self._all_at_us
            number = ledger.changes()
            changed = set(ledger.changed_tasks(-1 if everything else self._known))
            tasks = [entry for project in self._home.catalogue().list_projects() for entry in ledger.list_tasks(project)]
            sources: defaultdict[tuple[str, str], list[Task]] = defaultdict(list)
            for entry in tasks:
                sources[entry.task.project, entry.task.source].append(entry.task)
            for (project, source), readers in sources.items():
                try:
                    store = self._home.open_logstore(project, source)
                    version = store.version()
                    if self._versions.get((project, source)) == version:
                        # No log has come: only what has run since may have missed some.
                        readers = [task for task in readers if (project, task.name) in changed]
                    if readers:
                        self._look(ledger, store, readers, now_us, everything)
                    self._versions[project, source] = version
                except NotFound:
                    continue  # a source, or a task, that is gone has no late logs
                except LogsluiceError as error:
                    problem = f"{source}: {error.message}"
            self._known = number if problem is None else -1
            self._run_again(ledger, tasks, now_us)
            if everything and problem is None:
                self._all_at_us = now_us + _ALL_EVERY_US
        except (LogsluiceError, OSError) as error:
            problem = str(error)
        if problem is not None and problem != self._said:
            self._say(f"late logs cannot be looked for: {masked(problem)}; trying again")
        self._said = problem

    def _run(self) -> None:
        while not self._over.wait(self._every):
            self.round()
        self._home.close()

    def _look(self, ledger: ScheduleLedger, store: Logstore, readers: Sequence[Task], now_us: int, everything: bool) -> None:
        now = now_us // _SECOND
        horizon = max(task.late.horizon for task in readers) + LONGEST
        since_us = now_us - (horizon * _SECOND if everything else _RECENT_US)
        files = store.snapshot(Interval.of(now - horizon, None), received=Interval.of(since_us, None)).files
        if not files:
            return
        spans = merged(Interval(file.time_min, file.time_max + 1) for file in files)
        watched = [one for task in readers for one in _watched(ledger, task, None if everything else spans, now)]
        recent, watched = _that_may_miss(watched, files)
        late = [one for one, seen in zip(watched, _count(store, recent, watched), strict=True) if seen is not None]
        if not late:
            return
        # Of those that missed something, all that they missed: what came long ago is in none of the recent files.
        hull = Interval(min(one.window.start for one in late), max(one.window.end for one in late))
        received = Interval.of(min(one.read_us for one in late) + 1, None)
        all_files, late = _that_may_miss(late, store.snapshot(hull, received=received).files)
        for one, seen in zip(late, _count(store, all_files, late), strict=True):
            if seen is not None and seen != one.entry.late:
                self._record(ledger, one, seen)

    def _record(self, ledger: ScheduleLedger, one: _Watched, seen: LateLogsSeen) -> None:
        entry = one.entry
        if entry.late is None and self._alerts is not None:
            end = InstanceEnd(entry, len(entry.instance.runs), entry.instance.run)
            fields = {**end.fields(one.task.data_format), "late_logs": str(seen.logs)}
            self._alerts.became_stale(fields, f"{entry.instance.id}/stale/{one.read_us}")
        ledger.record_late(entry.project, entry.task, entry.instance.id, one.read_us, seen)

    def _run_again(self, ledger: ScheduleLedger, tasks: Sequence[TaskEntry], now_us: int) -> None:
        """Ask for another run of stale instances, where the task wants that and no more logs have come for a while."""
        for task in (entry.task for entry in tasks if entry.enabled and entry.task.late.mode == "rerun"):
            for entry in _listed(ledger, task, stale=True):
                one, late = entry.instance, entry.late
                if late is None or not one.finished or now_us - late.received_us < task.late.debounce * _SECOND:
                    continue
                # A run that was made for these logs and failed is not made again and again.
                tried = one.run.trigger == "late" and one.run.requested_us > late.received_us
                if tried or now_us - one.created_us > MANUAL_RETRY_US:
                    continue
                try:
                    ledger.retry(task.project, task.name, one.id, "late")
                except (StateConflict, NotFound):
                    continue  # somebody was first


def _watched(ledger: ScheduleLedger, task: Task, spans: Sequence[Interval] | None, now: int) -> Iterator[_Watched]:
    """Instances that have ended, not beyond the horizon: those of some spans of event time, or all."""
    within = [None] if spans is None else merged(_schedule_times(task, span) for span in spans)
    for times in within:
        for entry in _listed(ledger, task, times):
            window = entry.instance.window
            if window.end <= now - task.late.horizon:
                if times is None:
                    break  # they come newest first
                continue
            if entry.outcome is not None:
                yield _Watched(task, entry, window, entry.outcome.source_received_us)


def _listed(ledger: ScheduleLedger, task: Task, within: Interval | None = None, *, stale: bool = False) -> Iterator[InstanceEntry]:
    """Page by page, newest first."""
    before = within
    while True:
        page, _ = ledger.list_instances(task.project, task.name, within=before, states=_ENDED, stale=stale, size=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        before = Interval.of(within.start if within is not None else None, page[-1].instance.schedule_time)


def _schedule_times(task: Task, span: Interval) -> Interval:
    """The schedule times whose windows, by the task's expressions of now, may overlap a span."""
    earliest, latest = _reach(task.window.start)[0], _reach(task.window.end)[1]
    return Interval(span.start - latest, span.end - earliest)


def _reach(expression: WindowExpression) -> tuple[int, int]:
    """How far from a schedule time an expression may lie: least and most, seconds."""
    shifts = sum(seconds for kind, seconds in expression.steps if kind == "shift")
    return shifts - sum(seconds - 1 for kind, seconds in expression.steps if kind == "round"), shifts


def _that_may_miss(watched: Sequence[_Watched], files: Sequence[DataFile]) -> tuple[list[DataFile], list[_Watched]]:
    """The files that may hold logs that an instance missed, and those instances; only rows tell how many."""
    import numpy as np

    windows = _Windows(watched)
    found, missing = [], np.zeros(len(watched), bool)
    for file in files:
        mask = (windows.starts <= file.time_max) & (windows.ends > file.time_min)
        if file.receive_time is not None:
            mask &= windows.reads < file.receive_time
        if mask.any():
            found.append(file)
            missing |= mask
    return found, [watched[number] for number in np.flatnonzero(missing).tolist()]


class _Windows:
    """Windows and last receive times of many instances, as arrays."""

    def __init__(self, watched: Sequence[_Watched]) -> None:
        import numpy as np

        self.starts: Any = np.array([one.window.start for one in watched], np.int64)
        self.ends: Any = np.array([one.window.end for one in watched], np.int64)
        self.reads: Any = np.array([one.read_us for one in watched], np.int64)


def _count(store: Logstore, files: Sequence[DataFile], watched: Sequence[_Watched]) -> list[LateLogsSeen | None]:
    """For each instance how many logs it missed, and the newest one's receive time; None when there are none."""
    import numpy as np

    if not files:
        return [None] * len(watched)
    windows = _Windows(watched)
    logs, newest = [0] * len(watched), [0] * len(watched)
    hull = Interval(int(windows.starts.min()), int(windows.ends.max()))
    for group in store.read_files(files, hull, received=Interval.of(int(windows.reads.min()) + 1, None), fields=()):
        assert group.receive_times is not None, "a Logstore's logs have been received"
        seconds = group.seconds.to_numpy()
        order = np.argsort(seconds, kind="stable")
        arrived = group.receive_times.to_numpy()[order]
        begins, ends = (np.searchsorted(seconds[order], edge) for edge in (windows.starts, windows.ends))
        for number in np.flatnonzero(ends > begins):
            missed = arrived[begins[number] : ends[number]]
            missed = missed[missed > windows.reads[number]]
            if len(missed):
                logs[number] += len(missed)
                newest[number] = max(newest[number], int(missed.max()))
    return [LateLogsSeen(count, at) if count else None for count, at in zip(logs, newest, strict=True)]
