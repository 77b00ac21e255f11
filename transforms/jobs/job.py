"""A continuous transformation job: its states and what people may do to it in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from transforms.core.errors import UserError

__all__ = [
    "ALLOWED",
    "GROUP_TIMEOUT_S",
    "MOST_JOBS",
    "Action",
    "Job",
    "JobState",
    "JobStateConflict",
    "check_action",
    "group_of",
    "lane_app",
]

MOST_JOBS = 100
"""Jobs that a project may have."""
GROUP_TIMEOUT_S = 30
"""After how many seconds of silence an instance loses its shards."""

Action = Literal["start", "stop", "restart", "rerun", "edit", "delete"]


class JobStateConflict(UserError):
    """This cannot be done to a job in its present state."""

    default_code = "JobStateConflict"


class JobState(StrEnum):
    """``starting`` → ``running`` once its rule and targets load; ``stopping`` → ``stopped`` when the last instance has left; ``succeeded``:
    every log before its end time is transformed; ``failed``: it cannot go on, ``reason`` says why; ``restarting``: an earlier start of it
    is being ended before it is started anew."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"

    @property
    def steady(self) -> bool:
        """Whether it stays so until somebody does something, or all is read."""
        return self not in (JobState.STARTING, JobState.STOPPING, JobState.RESTARTING)


ALLOWED: Mapping[JobState, frozenset[Action]] = {
    JobState.STARTING: frozenset({"delete"}),
    JobState.RUNNING: frozenset({"stop", "restart", "rerun", "edit", "delete"}),
    JobState.STOPPING: frozenset({"delete"}),
    JobState.STOPPED: frozenset({"start", "restart", "rerun", "edit", "delete"}),
    JobState.SUCCEEDED: frozenset({"rerun", "edit", "delete"}),
    JobState.FAILED: frozenset({"restart", "rerun", "edit", "delete"}),
    JobState.RESTARTING: frozenset({"delete"}),
}
"""``start`` and ``restart`` go on from the checkpoints, ``rerun`` begins again at the start of the job's range and writes its outputs again."""


@dataclass(frozen=True)
class Job:
    """A job as it is kept.

    Attributes:
        project, name: unique together.
        id: stands for this creation: one that is deleted and created again has nothing to do with the old one.
        source: (project, Logstore) it reads.
        version: of the newest definition, from 1; it rises with every edit.
        running_version: of the definition that instances work by: the newest when the job was last started. 0 = never started.
        generation: counts the runs from the start of the range; rises with each rerun. Each has a consumer group and lanes of its own.
        state, reason: see `JobState`; ``reason`` is empty unless it failed.
        start_us, end_us: receive times, microseconds, of the running generation: ``[start, end)``; None = from the first log, without end.
        created_us, modified_us, started_us, ended_us: microseconds; 0 = not yet.
        leader: the scheduler that runs its instances, empty when none does; ``lease_us``: until when, by the ledger's clock.
        external: its instances are those of a streaming runner, not of a scheduler.
    """

    project: str
    name: str
    id: str
    source: tuple[str, str]
    version: int
    running_version: int
    generation: int
    state: JobState
    reason: str = ""
    start_us: int | None = None
    end_us: int | None = None
    created_us: int = 0
    modified_us: int = 0
    started_us: int = 0
    ended_us: int = 0
    leader: str = ""
    lease_us: int = 0
    external: bool = False

    @property
    def group(self) -> str:
        """Its consumer group."""
        return group_of(self.id, self.generation)


def check_action(job: Job, action: Action) -> None:
    """Raises JobStateConflict for what may not be done to a job in its state."""
    allowed = ALLOWED[job.state]
    if action in allowed:
        return
    raise JobStateConflict(
        f"the job {job.name!r} is {job.state} and cannot be {_DONE[action]} now",
        hint=f"it can be {', '.join(_DONE[each] for each in _DONE if each in allowed)}"
        if job.state.steady
        else "wait until it has settled; `logsluice job get` shows its state",
    )


_DONE: dict[Action, str] = {
    "start": "started",
    "stop": "stopped",
    "restart": "restarted",
    "rerun": "run again",
    "edit": "edited",
    "delete": "deleted",
}


def group_of(job_id: str, generation: int) -> str:
    """The consumer group of a generation."""
    return f"etl-{job_id[:16]}-{generation}"


def lane_app(job_id: str, generation: int, shard: int) -> str:
    """Under which a lane commits to all targets, and the origin of the logs it writes."""
    return f"job/{job_id}/{generation}/{shard}"
