"""The operational log: each end of an instance as one log of the Logstore ``internal-diagnostic_log`` of its project.

Exactly once, whoever writes and wherever a writer is killed: a writer reads how often the log was written to, looks up which of its
ends are there, and writes the others as the next write; the store refuses it when somebody else wrote meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipelines.home import Home
from transforms.core.errors import AlreadyExists, NotFound
from transforms.core.interval import Interval
from transforms.schedule.attempt import Run
from transforms.schedule.ledger import InstanceEntry
from transforms.stores.index import FieldIndex, FullTextIndex, Index
from transforms.stores.logstore import AppTransaction, Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["OPERATIONAL_LOG", "InstanceEnd", "OperationalLog", "ends_of"]

OPERATIONAL_LOG = "internal-diagnostic_log"
_WRITER = "operational-log"
_RETENTION_DAYS = 30
_REMEMBERED = 10_000
_SECOND = 1_000_000
_LONG = ("create_time", "schedule_time", "trigger_time", "fallbehind", "succeed_lines", "run")
_TEXT = (
    "job_name", "job_type", "schedule_id", "instance_id", "project", "source_type", "task_type", "status", "trigger", "error_code",
    "error_message",
)  # fmt: skip


@dataclass(frozen=True)
class InstanceEnd:
    """One end of an instance: an instance has as many as it had runs that ended."""

    entry: InstanceEntry
    number: int
    run: Run

    @property
    def key(self) -> tuple[str, int]:
        return self.entry.instance.id, self.number

    @property
    def ended_us(self) -> int:
        return self.run.attempts[-1].ended_us or 0

    def fields(self, data_format: str) -> dict[str, str]:
        """Field → text, as people search for it."""
        entry, one, last = self.entry, self.entry.instance, self.run.attempts[-1]
        trigger = last.began_us // _SECOND
        fields = {
            "job_name": entry.task,
            "job_type": "ScheduledSQL",
            "schedule_id": entry.schedule_id,
            "instance_id": one.id,
            "project": entry.project,
            "source_type": "Metricstore" if data_format.startswith("metric") else "Logstore",
            "task_type": data_format,
            "create_time": str(one.created_us // _SECOND),
            "schedule_time": str(one.schedule_time),
            "trigger_time": str(trigger),
            "fallbehind": str(trigger - one.schedule_time),
            "status": "SUCCEEDED" if last.failure is None else "FAILED",
            "succeed_lines": "0",
            "trigger": self.run.trigger,
            "run": str(self.number),
        }
        if last.failure is not None:
            fields |= {"error_code": last.failure.code, "error_message": last.failure.message}
        elif entry.outcome is not None:
            fields["succeed_lines"] = str(entry.outcome.rows_written)
        return fields


def ends_of(entry: InstanceEntry, since_us: int) -> Iterator[InstanceEnd]:
    """The last end of an instance; those of earlier runs too when they were not long ago: an instance may have been run again before its
    end was told."""
    for number, run in enumerate(entry.instance.runs, start=1):
        if run.attempts and run.attempts[-1].ended_us is not None:
            end = InstanceEnd(entry, number, run)
            if number == len(entry.instance.runs) or end.ended_us >= since_us:
                yield end


class OperationalLog:
    """Writes to the operational logs of all projects. Belongs to one thread."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._written: dict[str, tuple[int, set[tuple[str, int]]]] = {}

    def write(self, project: str, ends: Sequence[InstanceEnd]) -> None:
        """Write what is not there yet. Raises StoreError; then, too, nothing is there twice."""
        store = self._open(project)
        formats = {task: self._home.schedule_ledger().task(project, task).task.data_format for task in {end.entry.task for end in ends}}
        while True:
            version = store.app_version(_WRITER) or 0
            known = self._known(project, version, store, ends)
            missing = [end for end in ends if end.key not in known]
            if not missing:
                return
            from transforms.core.log_group import LogGroup

            logs = [end.fields(formats[end.entry.task]) for end in missing]
            times = [end.ended_us for end in missing]
            group = LogGroup.from_logs(logs, [at // _SECOND for at in times], [at % _SECOND * 1_000 for at in times])
            if store.append([group], app=AppTransaction(_WRITER, version + 1)).applied:
                self._remember(project, version, {end.key for end in missing})
                return

    def _known(self, project: str, version: int, store: Logstore, ends: Sequence[InstanceEnd]) -> set[tuple[str, int]]:
        """Those that are in the log; it is read only when others wrote to it."""
        remembered = self._written.get(project)
        if remembered is not None and remembered[0] == version:
            return remembered[1]
        seconds = [end.ended_us // _SECOND for end in ends]
        known: set[tuple[str, int]] = set()
        for group in store.read(Interval(min(seconds), max(seconds) + 1), fields=("instance_id", "run")):
            known |= {(log["instance_id"], int(log["run"])) for log in group.to_logs() if "instance_id" in log and "run" in log}
        return known

    def _remember(self, project: str, version: int, keys: set[tuple[str, int]]) -> None:
        before = self._written.get(project)
        kept = before[1] if before is not None and before[0] == version and len(before[1]) < _REMEMBERED else None
        if kept is not None:
            self._written[project] = (version + 1, kept | keys)
        else:
            self._written.pop(project, None)

    def _open(self, project: str) -> Logstore:
        with suppress(NotFound):
            return self._home.open_logstore(project, OPERATIONAL_LOG)
        fields = {name: FieldIndex("text") for name in _TEXT} | {name: FieldIndex("long") for name in _LONG}
        descriptor = LogstoreDescriptor(
            project, OPERATIONAL_LOG, "", even_shards(1), Index(FullTextIndex(), fields), retention_days=_RETENTION_DAYS
        )
        with suppress(AlreadyExists):
            return self._home.create_logstore(descriptor)
        return self._home.open_logstore(project, OPERATIONAL_LOG)
