"""Looks at continuous jobs for a scheduler: tells their own logs of minutes and states, and raises and clears alerts.

A thread of its own, with a home of its own: what it waits for holds up no instance. What fails is tried again in the next round. The
jobs that another scheduler leads are left to that one; should two look at one job all the same, its log has everything once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipelines.alerts import Alerts
from pipelines.cli.unexpected import masked
from pipelines.jobs.job_conditions import holds
from pipelines.jobs.job_figures import MINUTE_US, SETTLED_US, JobFigures, figures_of
from pipelines.jobs.job_log import JobLog, alert_fields
from transforms.core.errors import LogsluiceError, NotFound
from transforms.jobs.job import JobState

if TYPE_CHECKING:
    from pipelines.home import Home
    from transforms.jobs.job import Job

__all__ = ["JobObserver"]

_EVERY_SECONDS = 5.0
_CLOSE_SECONDS = 15.0
_GONE = ("JobNotExist", "ProjectNotExist")


class JobObserver:
    """`start` begins to look, `close` looks once more and ends.

    Args:
        scheduler: the name under which this scheduler leads jobs.
        alerts: with the rules about jobs; None when there are none.
        every: seconds between two rounds.
    """

    def __init__(
        self, home: Home, scheduler: str, alerts: Alerts | None, say: Callable[[str], None], *, every: float = _EVERY_SECONDS
    ) -> None:
        self._home = home.once_more()
        self._scheduler = scheduler
        self._alerts = alerts
        self._rules = () if alerts is None else alerts.job_rules
        self._say = say
        self._log = JobLog(self._home)
        self._judged: dict[str, tuple[JobState, int]] = {}
        """Of each job the state and the minute that it was last judged in: what is about whole minutes does not change before the next."""
        self._every = every
        self._said: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-observer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Look once more, so that ends are told; what cannot be told now is told by whoever runs next."""
        self._over.set()
        self._thread.join(_CLOSE_SECONDS)

    def round(self) -> None:
        """Look once at every job that is this scheduler's to look at."""
        problem: str | None = None
        try:
            ledger = self._home.job_ledger()
            now = ledger.now_us()
            jobs = [job for project in self._home.catalogue().list_projects() for job in ledger.jobs(project)]
            for job in jobs:
                if job.leader in ("", self._scheduler):
                    try:
                        self._look(job, now)
                    except (LogsluiceError, OSError) as error:
                        if not (isinstance(error, NotFound) and error.code in _GONE):  # deleted meanwhile
                            problem = f"{job.name}: {error}"
            self._log.forget(jobs)
            self._judged = {job.id: self._judged[job.id] for job in jobs if job.id in self._judged}
        except LogsluiceError as error:
            problem = str(error)
        if problem is not None and problem != self._said:
            self._say(f"jobs cannot be observed: {masked(problem)}; trying again")
        self._said = problem

    def _run(self) -> None:
        while not self._over.wait(self._every):
            self.round()
        self.round()
        self._home.close()

    def _look(self, job: Job, now: int) -> None:
        minute = job.state, (now - SETTLED_US) // MINUTE_US
        again = self._judged.get(job.id) == minute
        rules = [
            rule
            for rule in self._rules
            if rule.condition is not None and rule.concerns(job.project, job.name) and not (again and rule.condition.of_whole_minutes)
        ]
        figures: JobFigures | None = None
        if rules and job.state.steady:
            minutes = max(rule.condition.needs_minutes for rule in rules if rule.condition is not None)
            figures = figures_of(self._home, job, minutes=max(6, minutes))
        self._log.write_state(job)
        if self._log.minute_is_over(job, now):
            if figures is None and job.state is JobState.RUNNING:
                figures = figures_of(self._home, job, minutes=0)
            self._log.write_minutes(job, now, figures)
        if figures is None:
            return
        for rule in rules:
            assert rule.condition is not None and self._alerts is not None
            holding, number = holds(rule.condition, figures), self._log.alerts(job, rule.name)
            if holding is None or holding == bool(number % 2):
                continue
            # The event first: killed in between it is sent twice rather than never.
            fields = {"change": "raised" if holding else "cleared", **alert_fields(figures)}
            self._alerts.job_changed(rule, fields, f"{job.id}/{number + 1}")
            self._log.write_alert(
                job, rule.name, number + 1, now, {"rule": rule.name, "severity": rule.severity, "condition": rule.event, **fields}
            )
        self._judged[job.id] = minute
