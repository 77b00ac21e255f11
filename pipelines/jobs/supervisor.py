"""Leads continuous jobs: takes the lead of those that nobody leads, keeps it, lets it go. Imports no Beam: instances do.

A thread of its own with a home of its own. Any number of schedulers share the jobs of a home; what a killed one led is taken over when
its lease has run out, and its instances have ended with it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from pipelines.jobs.led_job import LedJob, SupervisorSettings
from transforms.core.errors import CommitConflict, LogsluiceError, NotFound, StoreError
from transforms.jobs.job import Job, JobState, JobStateConflict

if TYPE_CHECKING:
    from pipelines.home import Home
    from transforms.jobs.ledger import JobLedger

__all__ = ["Supervisor"]

_STEP_SECONDS = 0.2
"""While something is on its way."""
_POLL_SECONDS = 0.5
"""Between two looks whether anything was done to a job."""
_ALL_EVERY_SECONDS = 3.0
"""Every job is looked at so often, whatever has changed: leases run out."""
_GONE = ("JobNotExist", "ProjectNotExist")


class Supervisor:
    """`start` begins to lead, `join` waits until that has ended.

    Args:
        scheduler: under which name it leads; no other live scheduler has it.
        say: has words for people.
        asked: how often it was asked to stop. Once: instances end after their rounds, then it ends; more: they are ended at once.
        broken: called when it ends by an error that nobody foresaw, which `join` raises.
    """

    def __init__(
        self,
        home: Home,
        settings: SupervisorSettings,
        scheduler: str,
        say: Callable[[str], None],
        asked: Callable[[], int],
        broken: Callable[[], None],
    ) -> None:
        self.failed = 0
        """Jobs that became FAILED here."""
        self._error: BaseException | None = None
        self._asked = asked
        self._broken = broken
        self._home = home.once_more()
        self._settings = settings
        self._say = say
        self._scheduler = scheduler
        self._jobs: dict[tuple[str, str], LedJob] = {}
        self._known = -1
        self._poll_at = self._all_at = 0.0
        self._silent = False
        self._abandoned = False
        self._done: set[tuple[str, str]] = set()
        self._others: dict[tuple[str, str], int] = {}
        """With ``once``: jobs that others lead, with the first end of a lease that was seen: whether they are alive will show."""
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """As if it was asked to, once. Returns at once."""
        self._abandoned = True

    def join(self) -> None:
        """Wait until it has ended: when it was asked to, with ``once`` by itself. Raises what ended it before its time."""
        while self._thread.is_alive():
            self._thread.join(0.2)  # signals that arrive meanwhile are counted
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._finished():
                self._round()
                self._pause()
        except BaseException as error:  # noqa: BLE001 (told by `join`)
            self._error = error
            self._broken()
        finally:
            self._end()

    def _round(self) -> None:
        for led in self._jobs.values():
            led.end_silent()
        now = time.monotonic()
        try:
            ledger = self._home.job_ledger()
            if now >= self._poll_at:
                self._poll_at = now + _POLL_SECONDS
                self._look(ledger, now)
            for key, led in list(self._jobs.items()):
                self._step(key, led)
        except StoreError as error:
            self._poll_at = time.monotonic() + 1.0
            if not self._silent:
                self._say(f"{error.message}; trying again")
            self._silent = True
        else:
            if self._silent:
                self._say("the ledger of jobs answers again")
            self._silent = False

    # Which jobs

    def _look(self, ledger: JobLedger, now: float) -> None:
        number, known = ledger.changes(), self._known
        if number == known and now < self._all_at:
            return
        self._known = number
        seen, self._others = self._others, {}
        for job in self._all(ledger):
            key = job.project, job.name
            if (led := self._jobs.get(key)) is not None:
                if led.differs_from(job):
                    self._kept(key, led, led.look)
            elif key in self._done or job.external:
                continue
            elif not job.leader:
                self._lead(ledger, job)
            elif self._settings.once:
                self._see_other(key, job, seen.get(key, job.lease_us))
        self._all_at = now + (_POLL_SECONDS if self._others else _ALL_EVERY_SECONDS)

    def _see_other(self, key: tuple[str, str], job: Job, lease_us: int) -> None:
        """A job that somebody else leads: one who is alive renews the lease, and runs it; a dead one's runs out."""
        if job.lease_us > lease_us:
            self._done.add(key)
        else:
            self._others[key] = lease_us

    def _all(self, ledger: JobLedger) -> Iterator[Job]:
        for project in self._home.catalogue().list_projects():
            try:
                yield from ledger.jobs(project)
            except NotFound as error:
                if error.code not in _GONE:  # deleted meanwhile
                    raise

    def _lead(self, ledger: JobLedger, job: Job) -> None:
        if job.state in (JobState.STOPPED, JobState.SUCCEEDED, JobState.FAILED):
            return
        try:
            lead = ledger.lead(job.project, job.name, self._scheduler, self._settings.lease_seconds)
        except NotFound:
            return  # deleted meanwhile
        if lead is not None:
            self._jobs[job.project, job.name] = LedJob(self._home, ledger, lead, self._settings, self._say)

    # The jobs that are led

    def _step(self, key: tuple[str, str], led: LedJob) -> None:
        cores = (os.cpu_count() or 1) / max(1, sum(one.lead.job.state == JobState.RUNNING for one in self._jobs.values()))

        def act() -> None:
            if not led.step(cores):
                self._drop(key)

        self._kept(key, led, act)

    def _kept(self, key: tuple[str, str], led: LedJob, act: Callable[[], None]) -> None:
        """Do something to a job; one that is lost, or gone, is this scheduler's no more."""
        try:
            act()
        except JobStateConflict:
            self._look_soon()  # somebody was quicker
        except CommitConflict as error:
            if error.code != "LeadLost":
                raise
            if led.is_led:
                self._say(f"{led.name}: another scheduler leads it now")
            led.kill()
            self._drop(key)
        except StoreError:
            raise
        except LogsluiceError as error:
            if error.code in _GONE:
                led.kill()
                self._drop(key)
            elif error.code == "ConsumerGroupNotExist":
                self._look_soon()  # run again, or deleted
            else:
                self._cannot_go_on(key, led, error)

    def _look_soon(self) -> None:
        self._poll_at, self._all_at = time.monotonic() + _STEP_SECONDS, 0.0

    def _cannot_go_on(self, key: tuple[str, str], led: LedJob, error: LogsluiceError) -> None:
        self._kept(key, led, lambda: led.fail(error))

    def _drop(self, key: tuple[str, str]) -> None:
        led = self._jobs.pop(key, None)
        if led is not None:
            self.failed += led.failed
            if self._settings.once:
                self._done.add(key)

    # Time, and the end

    def _finished(self) -> bool:
        if self._abandoned or self._asked():
            return True
        if not self._settings.once or self._known < 0 or self._silent or self._others:
            return False
        return all(led.caught_up for led in self._jobs.values())

    def _pause(self) -> None:
        on_their_way = any(led.lead.job.state != JobState.RUNNING for led in self._jobs.values())
        seconds = _STEP_SECONDS if on_their_way else max(0.0, self._poll_at - time.monotonic())
        connections = [one for led in self._jobs.values() for one in led.connections()]
        if connections and not self._silent:
            wait(connections, seconds)
            time.sleep(0.02)  # what is reported at about the same time is read at once
        else:
            time.sleep(seconds)

    def _keep_leads(self) -> None:
        for key, led in list(self._jobs.items()):
            if led.is_to_be_renewed:
                try:
                    self._kept(key, led, led.look)
                except StoreError as error:
                    self._say(f"{led.name}: {error.message}")

    def _end(self) -> None:
        """End all instances, and let others lead the jobs."""
        leds = list(self._jobs.values())
        try:
            # All are told before any is waited for.
            while self._asked() < 2 and sum(not led.ended() for led in leds):
                self._keep_leads()
                time.sleep(0.05)
        finally:
            for led in leds:
                led.kill()
            for key, led in list(self._jobs.items()):
                try:
                    led.release()
                except LogsluiceError as error:
                    self._say(f"{led.name}: the lead could not be given back, it ends with its lease: {error.message}")
                self._drop(key)
            self._home.close()
