"""Tells of instances that ended: the operational log and alerts, from the ledger's list of ends that were not told yet.

A thread of its own, with a home of its own: what it waits for holds up no instance. What fails is tried again until it works.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence

from pipelines.alerts import Alerts
from pipelines.cli.unexpected import masked
from pipelines.home import Home
from pipelines.schedule.operational_log import OperationalLog, ends_of
from transforms.core.errors import LogsluiceError, NotFound
from transforms.schedule.ledger import InstanceEntry
from transforms.schedule.retry import HISTORY_US

__all__ = ["InstanceReports"]

_SECOND = 1_000_000
_BATCH = 500
_LOOK_SECONDS = 5.0
_GATHER_SECONDS = 1.0
"""Ends that come so close together are told together."""
_LONGEST_WAIT = 60.0
_OTHERS_US = 30 * _SECOND
"""The ends of another scheduler's instances are left to it for so long."""
_EARLIER_US = 3_600 * _SECOND
_FORGET_US = 3_600 * _SECOND
_CLOSE_SECONDS = 15.0


class InstanceReports:
    """Start with `start`; call `ended` for what ended here; `close` tells what is left and ends the thread."""

    def __init__(self, home: Home, operational_log: bool, alerts: Alerts | None, say: Callable[[str], None]) -> None:
        self._home = home.once_more()
        self._log = OperationalLog(self._home) if operational_log else None
        self._alerts = alerts
        self._say = say
        self._own: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._stuck = 0
        self._said: str | None = None
        self._forgot_us = 0
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ended(self, entry: InstanceEntry) -> None:
        """An instance ended here: told at once."""
        with self._lock:
            self._own.add(entry.instance.id)
        self._wake.set()

    def close(self) -> None:
        """Tell what is left; what cannot be told now is told by whoever runs next."""
        self._closing.set()
        self._wake.set()
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        wait = 0.0
        while not self._closing.is_set():
            if self._wake.wait(wait or _LOOK_SECONDS):
                self._closing.wait(_GATHER_SECONDS)
            self._wake.clear()
            wait = 0.0 if self._round() else min(_LONGEST_WAIT, max(1.0, 2 * wait))
        self._round()
        self._home.close()

    def _round(self) -> bool:
        """Tell what there is to tell; whether all went well."""
        try:
            ledger = self._home.schedule_ledger()
            now_us = ledger.now_us()
            self._forget(now_us)
            with self._lock:
                own = set(self._own)
            found = [
                entry
                for entry in ledger.unreported(_BATCH + self._stuck)
                if entry.instance.id in own or (entry.instance.end_us or 0) < now_us - _OTHERS_US
            ]
        except LogsluiceError as error:
            return self._failed(error)
        projects: defaultdict[str, list[InstanceEntry]] = defaultdict(list)
        for entry in found:
            projects[entry.project].append(entry)
        stuck, problem = 0, None
        for project, entries in projects.items():
            try:
                self._tell(project, entries, now_us)
            except (LogsluiceError, OSError) as error:
                stuck, problem = stuck + len(entries), error
        self._stuck = stuck
        if problem is not None:
            return self._failed(problem)
        if self._said is not None:
            self._say("the ends of instances are reported again")
            self._said = None
        with self._lock:
            self._own -= own
        return True

    def _tell(self, project: str, entries: Sequence[InstanceEntry], now_us: int) -> None:
        ends = [end for entry in entries for end in ends_of(entry, now_us - _EARLIER_US)]
        try:
            if self._log is not None:
                self._log.write(project, ends)
            if self._alerts is not None:
                tasks = self._home.schedule_ledger()
                for end in ends:
                    if end.number == len(end.entry.instance.runs):
                        self._alerts.instance_ended(end.fields(tasks.task(project, end.entry.task).task.data_format), end.key)
        except NotFound as error:
            # A task, or its project, that was deleted meanwhile has no ends any more.
            if error.code not in ("JobNotExist", "ProjectNotExist"):
                raise
            return
        self._home.schedule_ledger().mark_reported(entries)

    def _forget(self, now_us: int) -> None:
        """Instances are kept for a while, not for ever."""
        if now_us - self._forgot_us >= _FORGET_US:
            self._home.schedule_ledger().forget(now_us - HISTORY_US)
            self._forgot_us = now_us

    def _failed(self, error: Exception) -> bool:
        text = masked(str(error))
        if text != self._said:
            self._say(f"the ends of instances are not reported: {text}; trying again")
            self._said = text
        return False
