"""What a backfill will do, from the object that runs; what it has done. Imports no Beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.home import Home
from transforms.core.counted import counted
from transforms.core.errors import NotFound
from transforms.core.interval import Interval
from transforms.core.moments import format_moment
from transforms.schedule.backfill import BackfillWindow
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import BackfillEntry, TaskEntry

__all__ = ["BackfillView", "view_backfill"]

_MEASURED = 50
"""So many of the newest instances that went well tell how long one takes."""


@dataclass(frozen=True)
class BackfillView:
    """A backfill, and what is left of it.

    Attributes:
        entry, task: as the ledger has them.
        counts: windows that are left by why they are run: ``missing``, ``failed``, ``again``.
        first, last: windows that are left; None when there are none.
        left_out: instances of the range that have not ended.
        span: from where to where the source is read, Unix seconds; ``files``, ``logs``, ``bytes`` of it. None when there is no source.
        seconds: how long one of the last instances took, on average; None when none went well.
    """

    entry: BackfillEntry
    task: TaskEntry
    counts: dict[str, int]
    first: BackfillWindow | None
    last: BackfillWindow | None
    left_out: int
    span: tuple[int, int] | None
    files: int | None
    logs: int | None
    bytes: int | None
    seconds: float | None

    @property
    def windows(self) -> int:
        """Windows that are left."""
        return sum(self.counts.values())

    @property
    def estimated_seconds(self) -> float | None:
        """As long as single instances take one after another: many windows that share a scan take less. None: nothing to go by."""
        return None if self.seconds is None else self.seconds * self.windows

    def shown(self) -> dict[str, Any]:
        """For programs: moments in milliseconds where the name says so, windows in Unix seconds."""
        entry = self.entry
        return {
            "jobName": entry.task,
            "backfill": entry.number,
            "state": entry.state,
            "reason": entry.reason,
            "again": entry.again,
            "fromScheduleTimeInMillis": entry.range.start * 1_000,
            "toScheduleTimeInMillis": entry.range.end * 1_000,
            "createTimeInMillis": entry.created_us // 1_000,
            "endTimeInMillis": entry.ended_us // 1_000 or None,
            "succeeded": entry.succeeded,
            "failed": entry.failed,
            "rowsWritten": entry.rows_written,
            "left": {"windows": self.windows, **self.counts, "notEnded": self.left_out},
            "firstWindow": _window(self.first),
            "lastWindow": _window(self.last),
            "read": None if self.span is None else {"from": self.span[0], "to": self.span[1]},
            "files": self.files,
            "logs": self.logs,
            "bytes": self.bytes,
            "estimatedSeconds": None if self.estimated_seconds is None else round(self.estimated_seconds, 1),
        }

    def lines(self) -> list[str]:
        """For people, times in the task's zone."""
        entry, task = self.entry, self.task.task

        def at(seconds: int) -> str:
            return format_moment(seconds, task.zone)

        lines = [
            f"backfill {entry.number} of the task {entry.task}: {entry.state}",
            f"  schedule times   {at(entry.range.start)} – {at(entry.range.end)}, {'all again' if entry.again else 'missing and failed'}",
            f"  reason           {entry.reason}",
        ]
        if entry.succeeded or entry.failed:
            done = f"{counted(entry.succeeded, 'window')} went well, {entry.failed:,} failed"
            lines.append(f"  done             {done}, {counted(entry.rows_written, 'row')} written")
        kinds = ", ".join(f"{count:,} {name}" for name, count in self.counts.items() if count)
        lines.append(f"  to run           {counted(self.windows, 'window')}{f': {kinds}' if kinds else ''}")
        for label, one in (("first", self.first), ("last", self.last)):
            if one is not None:
                lines.append(f"  {label:<16} {at(one.schedule_time)}, window {at(one.window.start)} – {at(one.window.end)}")
        if self.left_out:
            lines.append(
                f"  left out         {counted(self.left_out, 'instance')} that {'has' if self.left_out == 1 else 'have'} not ended"
            )
        if self.files is None:
            lines.append(f"  reads            nothing: there is no {task.source!r}")
        elif self.span is not None:
            lines.append(f"  reads            {counted(self.files, 'file')} with {counted(self.logs or 0, 'log')}, {self.bytes:,} bytes")
        if self.windows:
            lines.append(f"  estimated time   {self._time()}")
        return lines

    def _time(self) -> str:
        if self.estimated_seconds is None or self.seconds is None:
            return "unknown: no instance has succeeded yet"
        return f"{_duration(self.estimated_seconds)} at most: {self.seconds:.1f} s each; windows that share a scan take less"


def view_backfill(home: Home, project: str, task: str, number: int) -> BackfillView:
    """Plan it as `backfill apply` does. Raises NotFound."""
    ledger = home.schedule_ledger()
    entry, plan = ledger.backfill(project, task, number)
    configured = ledger.task(project, task)
    counts, first, last, start, end = {"missing": 0, "failed": 0, "again": 0}, None, None, None, None
    for window in plan.windows():
        counts[window.reason] += 1
        first, last = first or window, window
        start = window.window.start if start is None else min(start, window.window.start)
        end = window.window.end if end is None else max(end, window.window.end)
    span = None if start is None or end is None else (start, end)
    files, logs, size = _source(home, configured, span)
    found, _ = ledger.list_instances(project, task, states=[InstanceState.SUCCEEDED], size=_MEASURED)
    lengths = [
        (one.instance.end_us - one.instance.execute_us) / 1_000_000
        for one in found
        if one.backfill is None and one.instance.end_us is not None and one.instance.execute_us is not None
    ]
    seconds = sum(lengths) / len(lengths) if lengths else None
    return BackfillView(entry, configured, counts, first, last, len(plan.left_out), span, files, logs, size, seconds)


def _source(home: Home, task: TaskEntry, span: tuple[int, int] | None) -> tuple[int | None, int | None, int | None]:
    """Files, logs and bytes that one scan reads."""
    if span is None:
        return 0, 0, 0
    try:
        files = home.open_logstore(task.task.project, task.task.source).snapshot(Interval(*span)).files
    except NotFound:
        return None, None, None
    return len(files), sum(file.rows for file in files), sum(file.size for file in files)


def _window(window: BackfillWindow | None) -> dict[str, int] | None:
    if window is None:
        return None
    return {"scheduleTimeInMillis": window.schedule_time * 1_000, "from": window.window.start, "to": window.window.end}


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
