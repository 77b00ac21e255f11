"""A continuous job's definition as the ledger keeps it: the job file's content with its rule, as JSON. Holds references, no secret."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import Any

from pipelines.transformation.transform_job import JobTarget, ResourceFiles, TransformJob
from transforms.core.errors import ParameterInvalid
from transforms.core.moments import parse_moment
from transforms.jobs.instances import InstanceSettings
from transforms.jobs.job import Job
from transforms.jobs.ledger import NewJob

__all__ = ["definition_of", "is_external", "job_of", "new_job"]

_SECOND = 1_000_000
_OWN_RUNNERS = ("", "direct", "local", "directrunner", "fnapirunner", "bundlebaseddirectrunner", "switchingdirectrunner", "prismrunner")
"""Runners of one machine: the scheduler's instances do their work."""


def definition_of(job: TransformJob) -> str:
    """The job as text; the same job gives the same text."""
    return json.dumps(asdict(job), ensure_ascii=False)


def job_of(definition: str) -> TransformJob:
    """From `definition_of`."""
    told: dict[str, Any] = json.loads(definition)
    for key in ("source", "dead_letters", "internal_log"):
        told[key] = JobTarget(**told[key])
    told["targets"] = {name: JobTarget(**target) for name, target in told["targets"].items()}
    told["resources"], told["instances"] = ResourceFiles(**told["resources"]), InstanceSettings(**told["instances"])
    return TransformJob(**told)


def is_external(job: TransformJob) -> bool:
    """Whether a streaming runner runs the job's instances, such as Flink's, not the scheduler."""
    return job.runner.get("runner", "").lower() not in _OWN_RUNNERS


def new_job(project: str, job: TransformJob, now_us: int, before: tuple[Job, TransformJob] | None = None) -> NewJob:
    """What the ledger is given of a job file; relative times count from now, once and for all.

    ``before``: the job that is edited and what it runs by; ends of the range that are written as they were stay what they were. Raises
    ParameterInvalid for a range that is empty.
    """
    start = now_us if job.start == "end" else _moment(job.start, now_us)
    end = None if job.end == "end" else _moment(job.end, now_us)
    if before is not None:
        start = before[0].start_us if job.start == before[1].start else start
        end = before[0].end_us if job.end == before[1].end else end
    if start is not None and end is not None and end <= start:
        raise ParameterInvalid("the range of receive time is empty: it ends before it begins", hint="[from, to): to is later than from")
    source = (job.source.project, job.source.logstore)
    return NewJob(project, job.name, source, definition_of(job), start, end, external=is_external(job))


def _moment(text: str | None, now_us: int) -> int | None:
    """Microseconds; None = open."""
    return None if text is None or text == "begin" else parse_moment(text, now_us, UTC) * _SECOND
