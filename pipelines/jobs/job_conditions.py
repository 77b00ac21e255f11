"""When a continuous job is worth an alert: conditions of alert rules, and whether they hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipelines.jobs.job_figures import MINUTE_US, SETTLED_US, JobFigures
from transforms.jobs.job import JobState

__all__ = ["JOB_CONDITIONS", "JobCondition", "holds", "read_condition"]

JOB_CONDITIONS = "lag > SECONDS, errors, errors > N in M minutes, accept < N in M minutes, delivered < P % of yesterday, job failed"
_DAY = 1_440
_USUAL_MINUTES = 5
_MOST_MINUTES = 720
_FORMS = re.compile(
    r"(?P<lag>lag)\s*>\s*(?P<seconds>\d{1,9})"
    r"|(?P<errors>errors)(?:\s*>\s*(?P<failed>\d{1,12})\s+in\s+(?P<errors_minutes>\d{1,3})\s+minutes?)?"
    r"|(?P<accept>accept)\s*<\s*(?P<read>\d{1,12})\s+in\s+(?P<accept_minutes>\d{1,3})\s+minutes?"
    r"|(?P<delivered>delivered)\s*<\s*(?P<percent>\d{1,4})\s*%\s+of\s+yesterday(?:\s+in\s+(?P<delivered_minutes>\d{1,3})\s+minutes?)?"
    r"|(?P<state>job\s+failed)"
)


@dataclass(frozen=True)
class JobCondition:
    """What is looked at, the number it is compared with (seconds, logs, percent), and over how many minutes."""

    kind: Literal["lag", "errors", "accept", "delivered", "job failed"]
    limit: int = 0
    minutes: int = _USUAL_MINUTES

    @property
    def of_whole_minutes(self) -> bool:
        """Whether it changes only from minute to minute."""
        return self.kind in ("accept", "delivered")

    @property
    def needs_minutes(self) -> int:
        """How many minutes of figures tell whether it holds, the present one not counted."""
        if self.kind in ("lag", "job failed"):
            return 0
        return self.minutes + (_DAY if self.kind == "delivered" else 0)


def read_condition(text: str) -> JobCondition | None:
    """From a rule's ``when``; None for anything else."""
    match = _FORMS.fullmatch(text.strip())
    if match is None:
        return None
    if match["lag"]:
        return JobCondition("lag", int(match["seconds"]))
    if match["state"]:
        return JobCondition("job failed")
    if match["errors"]:
        return _over("errors", int(match["failed"] or 0), match["errors_minutes"])
    if match["accept"]:
        return _over("accept", int(match["read"]), match["accept_minutes"])
    return _over("delivered", int(match["percent"]), match["delivered_minutes"])


def holds(condition: JobCondition, figures: JobFigures) -> bool | None:
    """Whether it holds now; None: not to be told, what was so stays so.

    A job between two states is not judged. Of one that does not run no condition holds but ``job failed``; silence and a small share
    are told of whole minutes, when the job has run through all of them.
    """
    job = figures.job
    if not job.state.steady:
        return None
    if condition.kind == "job failed":
        return job.state is JobState.FAILED
    if job.state is not JobState.RUNNING:
        return False
    if condition.kind == "lag":
        return figures.lag_us is None or figures.lag_us > condition.limit * 1_000_000
    if condition.kind == "errors":
        return figures.within(condition.minutes + 1, figures.at_us).dead > condition.limit
    minute = (figures.at_us - SETTLED_US) // MINUTE_US * MINUTE_US
    if job.started_us > minute - condition.minutes * MINUTE_US:
        return None
    now = figures.within(condition.minutes, minute)
    if condition.kind == "accept":
        return now.read < condition.limit
    before = figures.within(condition.minutes, minute - _DAY * MINUTE_US)
    return now.delivered * 100 < before.delivered * condition.limit


def _over(kind: Literal["errors", "accept", "delivered"], limit: int, minutes: str | None) -> JobCondition | None:
    chosen = int(minutes or _USUAL_MINUTES)
    return JobCondition(kind, limit, chosen) if 1 <= chosen <= _MOST_MINUTES else None
