"""What a continuous job's own log is told from outside: its figures minute by minute, its states, its alerts; each exactly once.

Whoever writes, and wherever a writer is killed: each log is a commit of its own whose version is what the log is about (the minute, the
start or its end, the number of the alert), and the store refuses one that is not higher than the last. So two writers that know
different things never write a minute twice, and who comes after a killed one goes on where that one ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from pipelines.cli.unexpected import masked
from pipelines.jobs.definition import job_of
from pipelines.jobs.job_figures import MINUTE_US, SETTLED_US, JobFigures, MinuteTotal, by_minute
from transforms.core.errors import AlreadyExists, NotFound
from transforms.jobs.job import JobState
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.transformation.transform_job import JobTarget
    from transforms.jobs.job import Job
    from transforms.stores.logstore import Logstore

__all__ = ["STATUS_TOPIC", "JobLog", "alert_fields"]

STATUS_TOPIC = "__etl-log-status__"
_SECOND = 1_000_000
_TOLD = (JobState.RUNNING, JobState.STOPPED, JobState.SUCCEEDED, JobState.FAILED)


class JobLog:
    """The logs of all jobs of a home. Belongs to one thread."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._targets: dict[tuple[str, int], JobTarget] = {}
        self._minutes: dict[str, int] = {}
        self._states: dict[str, int] = {}
        self._alerts: dict[tuple[str, str], int] = {}

    def minute_is_over(self, job: Job, now_us: int) -> bool:
        """Whether `write_minutes` has not looked at the last whole minute yet."""
        return self._minutes.get(job.id, -1) < (now_us - SETTLED_US) // MINUTE_US - 1

    def write_minutes(self, job: Job, now_us: int, figures: JobFigures | None = None) -> int:
        """Write the minutes that are over, have figures, and are not there yet; how many there were. ``figures``: for the job's lag.

        Raises StoreError; then, too, nothing is there twice.
        """
        ledger, known = self._home.job_ledger(), self._minutes.get(job.id)
        over = (now_us - SETTLED_US) // MINUTE_US
        found = [
            one
            for one in by_minute(ledger.figures(job, 0 if known is None else (known + 1) * MINUTE_US))
            if one.minute_us < over * MINUTE_US
        ]
        if found and (store := self._open(job)) is not None:
            last = store.app_version(_app("minutes", job))
            found = [one for one in found if last is None or one.minute_us // MINUTE_US > last]
            for one in found:
                lag = figures.lag_us if figures is not None and one is found[-1] else None
                self._append(store, _app("minutes", job), one.minute_us // MINUTE_US, one.minute_us, _minute_fields(job, one, lag))
        self._minutes[job.id] = over - 1
        return len(found)

    def write_state(self, job: Job) -> None:
        """Write that the job began to run, or ended, and why. Raises StoreError; then, too, nothing is there twice."""
        if job.state not in _TOLD or not job.started_us:
            return
        # A start has one end: the moment of an end that nobody has written down yet is another at each look.
        running = job.state is JobState.RUNNING
        number = 2 * job.started_us + (not running)
        if number <= self._states.get(job.id, 0):
            return
        if (store := self._open(job)) is not None:
            level = "ERROR" if job.state is JobState.FAILED else "INFO"
            fields = {**_common(job, "job:state", level), "state": str(job.state), "version": str(job.running_version)}
            if job.reason:
                fields["reason"] = masked(job.reason)
            self._append(store, _app("states", job), number, job.started_us if running else job.ended_us, fields)
        self._states[job.id] = number

    def alerts(self, job: Job, rule: str) -> int:
        """How often an alert rule changed its mind about a job: odd while it is raised. 0 when the log was dropped, or never made."""
        key = job.id, rule
        if key not in self._alerts:
            store = self._open(job)
            self._alerts[key] = 0 if store is None else store.app_version(_app("alerts", job, rule)) or 0
        return self._alerts[key]

    def write_alert(self, job: Job, rule: str, number: int, now_us: int, fields: Mapping[str, str]) -> None:
        """Write that an alert was raised or cleared; the ``number`` of the change is one more than `alerts` says."""
        if (store := self._open(job)) is not None:
            level = "WARNING" if number % 2 else "INFO"
            self._append(store, _app("alerts", job, rule), number, now_us, {**_common(job, "job:alert", level), **fields})
            number = max(number, store.app_version(_app("alerts", job, rule)) or 0)
        self._alerts[job.id, rule] = number

    def forget(self, jobs: Sequence[Job]) -> None:
        """Remember only what these need."""
        ids = {job.id for job in jobs}
        for known in (self._minutes, self._states):
            for gone in known.keys() - ids:
                del known[gone]
        for key in [key for key in self._alerts if key[0] not in ids]:
            del self._alerts[key]
        for version in [version for version in self._targets if version[0] not in ids]:
            del self._targets[version]

    def _append(self, store: Logstore, app: str, version: int, at_us: int, fields: Mapping[str, str]) -> None:
        from transforms.core.log_group import LogGroup

        group = LogGroup.from_logs([fields], [at_us // _SECOND], [at_us % _SECOND * 1_000])
        store.append([group], app=AppTransaction(app, version))

    def _open(self, job: Job) -> Logstore | None:
        """The job's log, made when the job would make it; None when it is not there and shall not be."""
        key = job.id, job.running_version or job.version
        if key not in self._targets:
            self._targets[key] = job_of(self._home.job_ledger().definition(job, key[1])).internal_log
        target = self._targets[key]
        try:
            return self._home.open_logstore(target.project, target.logstore)
        except NotFound:
            if not target.create or target.project not in self._home.catalogue().list_projects():
                return None
        with suppress(AlreadyExists):
            return self._home.create_logstore(LogstoreDescriptor(target.project, target.logstore, "", even_shards(1)))
        return self._home.open_logstore(target.project, target.logstore)


def _app(what: Literal["minutes", "states", "alerts"], job: Job, rule: str = "") -> str:
    return f"job-{what}/{job.id}" + (f"/{rule}" if rule else "")


def _common(job: Job, event: str, level: str) -> dict[str, str]:
    return {
        "__topic__": STATUS_TOPIC,
        "__tag__:__schedule_type__": "Resident",
        "__tag__:__schedule_id__": job.id,
        "job": job.name,
        "project": job.project,
        "source": f"{job.source[0]}/{job.source[1]}",
        "event_id": event,
        "logging.levelname": level,
    }


def _minute_fields(job: Job, minute: MinuteTotal, lag_us: int | None) -> dict[str, str]:
    counts = minute.counts
    fields = {
        **_common(job, "shard_worker:metrics:checkpoint", "INFO"),
        "progress.accept": str(counts.read),
        "progress.dropped": str(counts.dropped),
        "progress.delivered": str(counts.delivered),
        "progress.failed": str(counts.dead),
    }
    if lag_us is not None:
        fields["lag"] = f"{lag_us / _SECOND:.3f}"
    return fields


def alert_fields(figures: JobFigures) -> dict[str, str]:
    """What an alert tells of a job."""
    job, lag = figures.job, figures.lag_us
    minute = figures.at_us - figures.at_us % MINUTE_US
    lately = figures.within(6, minute + MINUTE_US)
    fields = {
        "project": job.project,
        "job_name": job.name,
        "schedule_id": job.id,
        "state": str(job.state),
        "lag_seconds": "expired" if lag is None else f"{lag / _SECOND:.3f}",
        "accept": str(lately.read),
        "dropped": str(lately.dropped),
        "delivered": str(lately.delivered),
        "failed": str(lately.dead),
        "instances": str(len(figures.instances)),
    }
    return fields | ({"reason": masked(job.reason)} if job.reason else {})
