"""The ledger of continuous jobs: what they are, who runs them, what their instances have done. The port; adapter: `transforms.connectors.sql_job_ledger`.

Every method is one transaction, safe under concurrent processes and a kill anywhere, and takes its time from the keeper's own clock.

**The lead.** At most one scheduler runs a job's instances: it holds the lead, a number that rises with each change of hands and a lease
that it renews. A lease that ran out belongs to a scheduler that is gone; its instances end with it. What instances do is safe whoever
leads: slices are fenced by their shard's owner (`transforms.stores.slice`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from transforms.jobs.job import Job, JobState
from transforms.stores.slice import SliceCounts, SliceLedger

__all__ = ["JobLedger", "Lead", "MinuteFigures", "NewJob"]


@dataclass(frozen=True)
class NewJob:
    """What a job is made of, or changed to.

    Attributes:
        project, name: of the job.
        source: (project, Logstore).
        definition: the job as text; opaque to the ledger.
        start_us, end_us: receive times ``[start, end)``, microseconds; None = from the first log, without end.
        external: see `Job`.
    """

    project: str
    name: str
    source: tuple[str, str]
    definition: str
    start_us: int | None = None
    end_us: int | None = None
    external: bool = False


@dataclass(frozen=True)
class Lead:
    """The right to run a job's instances and to say what state it is in: as it was when the lead was taken or renewed."""

    job: Job
    number: int
    scheduler: str
    lease_us: int


@dataclass(frozen=True)
class MinuteFigures:
    """What was committed of a shard within a minute (microseconds of its beginning, by the ledger's clock)."""

    minute_us: int
    shard: int
    counts: SliceCounts


class JobLedger(Protocol):
    """Errors of all: NotFound with code ``ProjectNotExist`` or ``JobNotExist`` and the nearest name; StoreUnavailable, StoreRejected."""

    # What people do

    def create(self, new: NewJob, *, start: bool = True) -> Job:
        """``starting``, or ``stopped``; with its consumer group. Raises AlreadyExists with code ``JobAlreadyExist`` (tasks and jobs of a
        project share their names), UserError with code ``JobQuotaExceed`` (100 a project) or ``ConsumerGroupQuotaExceed``."""
        ...

    def job(self, project: str, name: str) -> Job: ...

    def jobs(self, project: str) -> Sequence[Job]:
        """Sorted by name."""
        ...

    def readers(self, project: str, logstore: str) -> Sequence[Job]:
        """Jobs of all projects that read a Logstore, by project and name."""
        ...

    def definition(self, job: Job, version: int) -> str:
        """The text of a version."""
        ...

    def edit(self, new: NewJob) -> Job:
        """A new version; the same text again changes nothing. What runs goes on by its version until it is started anew.

        Raises JobStateConflict; ParameterInvalid with code ``JobRangeChanged`` for another source or another start: the positions would mean
        something else (`rerun` takes them); another end counts from the next start.
        """
        ...

    def act(self, project: str, name: str, action: Literal["start", "stop", "restart", "rerun"], new: NewJob | None = None) -> Job:
        """Do something to a job; ``rerun`` may come with a new definition. Raises JobStateConflict.

        ``start``: ``starting``, by the newest version. ``stop``: ``stopping``, or ``stopped`` at once when nobody leads it and no instance
        lives. ``restart``, ``rerun``: ``restarting`` while instances live, then ``starting``. A rerun has a new generation: from its first
        moment slices of the old one are refused, and the old consumer group is deleted.
        """
        ...

    def delete(self, project: str, name: str) -> None:
        """With its consumer group, lanes and figures; instances end when they notice. What it wrote stays."""
        ...

    # What schedulers do

    def now_us(self) -> int: ...

    def changes(self) -> int:
        """A number that rises with every change of a job's definition, state or lead; cheap."""
        ...

    def lead(self, project: str, name: str, scheduler: str, lease_seconds: float, *, external: bool = False) -> Lead | None:
        """Take the lead of a job that nobody leads, or whose leader's lease ran out; None when somebody else leads it, or when its state
        needs no one (``stopped``, ``succeeded``, ``failed``).

        A job is led by schedulers, one that is ``external`` by the launcher of its streaming pipeline: None to the other kind.
        """
        ...

    def renew(self, lead: Lead, lease_seconds: float) -> Lead:
        """With the job as it is now. Raises CommitConflict with code ``LeadLost``."""
        ...

    def release(self, lead: Lead) -> None:
        """Lead it no more; one that is lost already is fine."""
        ...

    def settle(self, lead: Lead, state: JobState, reason: str = "") -> Job:
        """What became of it: ``starting`` → ``running`` | ``failed``; ``stopping`` → ``stopped``; ``restarting`` → ``starting``; ``running`` →
        ``succeeded`` | ``failed``. A state that needs no one ends the lead. Said once more it changes nothing, even after that. Raises
        CommitConflict with code ``LeadLost``, JobStateConflict for another step (someone acted on it meanwhile: look again).

        What nobody leads settles by time: ``stopping`` is ``stopped`` and ``restarting`` ``starting`` once no instance is left."""
        ...

    # What instances and figures need

    def slices(self, job: Job) -> SliceLedger:
        """The lanes of the job's generation. Slices are begun for the start that the job tells of alone: once it was started anew, what
        works for an earlier start begins no more."""
        ...

    def figures(self, job: Job, since_us: int) -> Sequence[MinuteFigures]:
        """Of the job's generation, by rising minute and shard; minutes older than two days are only in `totals`."""
        ...

    def totals(self, job: Job) -> Mapping[int, SliceCounts]:
        """Of the job's generation since its beginning, by shard."""
        ...

    def close(self) -> None: ...
