"""A continuous job as the scheduler that leads it: its instances are started, watched, replaced and ended, its state is brought along."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from pipelines.jobs.instance_process import INSTANCE_PROGRAM, InstanceEnded, InstanceOrder, JobInstance
from pipelines.jobs.job_progress import JobProgress
from pipelines.jobs.job_reason import UNFORESEEN, reason_of
from transforms.core.errors import AlreadyExists, LogsluiceError, NotFound, StoreError
from transforms.jobs.instances import InstanceSettings, Load, wanted_instances
from transforms.jobs.job import Job, JobState
from transforms.jobs.ledger import JobLedger, Lead

if TYPE_CHECKING:
    from pipelines.home import Home

__all__ = ["LedJob", "SupervisorSettings"]

_MEASURE_SECONDS = 2.0
_SHARDS_SECONDS = 15.0
"""So often the shards are counted while there is no backlog."""
_LONGEST_PAUSE = 60.0
_PROVEN_SECONDS = 60.0
"""An instance that lived so long, or has finished a slice, did not die at once."""
_MOST_FAULTS = 5
"""So many instances in a row ended by an error that nobody foresaw: the next one would too."""


@dataclass(frozen=True)
class SupervisorSettings:
    """How jobs are led.

    Attributes:
        lease_seconds: after so long without a sign of life another scheduler takes a job over.
        group_timeout_s: after so long an instance that is not heard of loses its shards, and is replaced.
        grace_seconds: a running slice may take so long when instances are told to stop.
        once: run jobs until they have read what was there at the start.
        program: the module that instances run.
    """

    lease_seconds: float = 10.0
    group_timeout_s: int = 15
    grace_seconds: float = 30.0
    once: bool = False
    program: str = INSTANCE_PROGRAM


class LedJob:
    """One job while this scheduler has its lead.

    Args:
        lead: just taken.
        say: has words for people.
    """

    def __init__(self, home: Home, ledger: JobLedger, lead: Lead, settings: SupervisorSettings, say: Callable[[str], None]) -> None:
        self.lead = lead
        self.instances: list[JobInstance] = []
        self.failed = False
        """It has become FAILED here."""
        self.caught_up = False
        """With ``once``: what was there at the start is read."""
        self._home = home
        self._ledger = ledger
        self._settings = settings
        self._say = say
        self._definition = ""
        self._limits = InstanceSettings()
        self._progress: JobProgress | None = None
        self._running_since = (0, 0)
        self._renew_at = time.monotonic() + settings.lease_seconds / 3
        self._measure_at = self._start_at = 0.0
        self._shards, self._shards_at = 1, 0.0
        self._deaths = self._faults = 0
        self._changed_at = self._calm_at = time.monotonic()

    @property
    def name(self) -> str:
        return self.lead.job.name

    @property
    def is_led(self) -> bool:
        """Whether its state needs a scheduler; if not, the lead has ended, and only instances are still to be ended."""
        return self.lead.job.state not in (JobState.STOPPED, JobState.SUCCEEDED, JobState.FAILED)

    def connections(self) -> list[Connection]:
        """What to wait for."""
        return [one.connection for one in self.instances]

    def step(self, cores: float) -> bool:
        """Do what is to be done now; False when the job is not this scheduler's any more, or needs none.

        ``cores``: the job's share of the machine's. Raises StoreError of the ledger; it is to be called again.
        """
        now = time.monotonic()
        self._listen()
        if self.is_to_be_renewed:
            self.look()
        state = self.lead.job.state
        if state == JobState.STARTING:
            self._start()
        elif state == JobState.RUNNING:
            self._run(cores, now)
        elif state in (JobState.STOPPING, JobState.RESTARTING):
            if self.ended():
                self._settle(JobState.STOPPED if state == JobState.STOPPING else JobState.STARTING)
        elif self.ended():
            self._ledger.release(self.lead)
            return False
        return True

    @property
    def is_to_be_renewed(self) -> bool:
        """Whether `look` is due."""
        return self.is_led and time.monotonic() >= self._renew_at

    def differs_from(self, job: Job) -> bool:
        """Whether something was done to the job since the last look."""
        known = self.lead.job
        return (job.state, job.generation, job.started_us, job.id) != (known.state, known.generation, known.started_us, known.id)

    def end_silent(self) -> None:
        """End instances that are not heard of any more. To be called before the ledger is: one that was stopped in the middle of a
        transaction may hold the lock that everybody waits for."""
        for one in list(self.instances):
            one.listen()
            if one.silent(self._settings.group_timeout_s):
                self._say(f"{self.name}: instance {one.pid} is silent; it is replaced")
                self._bury(one)
                self._died(one)

    def look(self) -> None:
        """Renew the lead: what people have done to the job shows. Raises CommitConflict when it is lost, NotFound when the job is gone."""
        lease = self._settings.lease_seconds
        self._renew_at = time.monotonic() + min(1.0, lease / 6)  # should it not be answered
        self.lead = self._ledger.renew(self.lead, lease)
        self._renew_at = time.monotonic() + lease / 3

    def ended(self) -> bool:
        """End the instances after their rounds, or by force when that takes too long; whether none is left."""
        self._listen()
        now = time.monotonic()
        for one in list(self.instances):
            one.stop()
            if one.stopping_since is not None and now - one.stopping_since > self._settings.grace_seconds:
                self._bury(one)
        return not self.instances

    def kill(self) -> None:
        """End the instances at once."""
        for one in list(self.instances):
            self.instances.remove(one)
            one.kill()

    def release(self) -> None:
        """Another scheduler may lead it from now on."""
        self._ledger.release(self.lead)

    # States

    def _start(self) -> None:
        """Load all that the job needs; run it when that can be done."""
        from pipelines.jobs.definition import job_of

        if not self.ended():
            return
        job = self.lead.job
        self._definition = self._ledger.definition(job, job.running_version)
        try:
            from pipelines.jobs.job_plan import plan_job

            plan_job(self._home, job, self._definition)
            groups = self._home.consumer_groups(*job.source)
            if next((one.timeout_s for one in groups.list() if one.name == job.group), None) != self._settings.group_timeout_s:
                groups.update(job.group, timeout_s=self._settings.group_timeout_s)
        except LogsluiceError as error:
            self.fail(error)
            return
        self._limits = job_of(self._definition).instances
        self._settle(JobState.RUNNING)

    def _run(self, cores: float, now: float) -> None:
        if self._progress is None or self._running_since != (self.lead.job.generation, self.lead.job.started_us):
            self._begin()
            if self._progress is None:
                return
        if now >= self._measure_at:
            self._measure_at = now + _MEASURE_SECONDS
            if self._progress.all_read():
                self._settle(JobState.SUCCEEDED)
                return
            self.caught_up = self._settings.once and self._progress.caught_up()
            self._size(cores, now)
        if not self.instances and now >= self._start_at:
            self._size(cores, now)

    def _begin(self) -> None:
        """It runs already, or has just come to run: what instances are told, and what there is to read."""
        from pipelines.jobs.definition import job_of

        job = self.lead.job
        self._definition = self._ledger.definition(job, job.running_version)
        self._limits = job_of(self._definition).instances
        try:
            self._progress = JobProgress(job, self._home.consumer_groups(*job.source), self._home.open_logstore(*job.source))
        except NotFound as error:
            self.fail(error)
            return
        self._running_since = (job.generation, job.started_us)
        self._deaths = self._faults = 0
        self._start_at = self._measure_at = self._shards_at = 0.0

    def _settle(self, state: JobState, reason: str = "") -> None:
        job = self._ledger.settle(self.lead, state, reason)
        self.lead = Lead(job, self.lead.number, self.lead.scheduler, self.lead.lease_us)
        self._say(f"{self.name}: {state}" + (f": {reason}" if reason else ""))
        if state != JobState.RUNNING:
            self._progress = None

    def fail(self, error: LogsluiceError) -> None:
        """It cannot go on."""
        self._fail(reason_of(error))

    def _fail(self, reason: str) -> None:
        self.failed = True
        self._settle(JobState.FAILED, reason)

    # Instances

    def _size(self, cores: float, now: float) -> None:
        """As many instances as the load asks for."""
        assert self._progress is not None
        lag_s = max((lag for one in self.instances for lag in one.figures.lags_us.values()), default=0) / 1e6
        if now >= self._shards_at or lag_s > self._limits.target_lag_s:
            self._shards, self._shards_at = self._progress.shards(), now + _SHARDS_SECONDS
        load = Load(
            running=len(self.instances),
            shards=self._shards,
            lag_s=lag_s,
            busy=sum(one.busy for one in self.instances) / max(1, len(self.instances)),
            memory_mb=sum(one.figures.memory_mb for one in self.instances),
            cores=cores,
            unchanged_s=now - self._changed_at,
            calm_s=now - self._calm_at,
        )
        if not load.one_less_would_do(self._limits):
            self._calm_at = now
        wanted = wanted_instances(self._limits, load)
        while len(self.instances) < wanted and now >= self._start_at:
            self._add(now)
        for one in self.instances[wanted:]:
            one.stop()
        if wanted != load.running:
            self._changed_at = now

    def _add(self, now: float) -> None:
        name = f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        order = InstanceOrder(
            str(self._home.path), self._home.catalogue_url, self.lead.job, self._definition, name[-100:], uuid.uuid4().hex
        )
        try:
            self.instances.append(JobInstance(order, self._settings.program))
        except OSError as error:
            self._say(f"{self.name}: an instance cannot be started: {error.strerror}")
            self._start_at = now + 30

    def _listen(self) -> None:
        for one in list(self.instances):
            if one.listen():
                continue
            self._bury(one)
            if one.ended is None:
                self._say(f"{self.name}: instance {one.pid} is gone")
                self._died(one)
            elif not one.ended.code:
                self._renew_at = 0.0  # unless it was told to, something was done to the job
            elif self.lead.job.state == JobState.RUNNING:
                self._ended_by(one, one.ended)

    def _ended_by(self, one: JobInstance, ended: InstanceEnded) -> None:
        """An instance could not go on."""
        self._faults = (0 if one.figures.logs else self._faults) + (ended.code == UNFORESEEN)
        if ended.lasting or self._faults >= _MOST_FAULTS:
            self._fail(ended.reason)
        else:
            self._say(f"{self.name}: instance {one.pid} ended: {ended.reason}")
            self._died(one)

    def _died(self, one: JobInstance) -> None:
        """Another one takes its place: at once, or later the more often that has happened."""
        now = time.monotonic()
        if one.figures.logs or now - one.started > _PROVEN_SECONDS:
            self._deaths = 0
        self._start_at = now + (min(_LONGEST_PAUSE, 2.0 ** (self._deaths - 1)) if self._deaths else 0)
        self._deaths += 1
        self._measure_at = min(self._measure_at, self._start_at)

    def _bury(self, one: JobInstance) -> None:
        """Whether it has ended or not: it is gone then, and its shards are free at once."""
        self.instances.remove(one)
        one.kill()
        job = one.order.job
        # One that left by itself is not known any more; a group that does not answer finds out after its time-out.
        with suppress(NotFound, AlreadyExists, StoreError):
            self._home.consumer_groups(*job.source).leave(job.group, one.order.consumer, incarnation=one.order.incarnation)
