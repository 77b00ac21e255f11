"""A continuous job's definition as the ledger keeps it: the job file's content with its rule, as JSON. Holds references, no secret."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import Any

from pipelines.transform_job import JobTarget, ResourceFiles, TransformJob
from transforms.core.errors import ParameterInvalid
from transforms.core.moments import parse_moment
from transforms.jobs.instances import InstanceSettings
from transforms.jobs.ledger import NewJob

__all__ = ["definition_of", "job_of", "new_job"]

_SECOND = 1_000_000


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


def new_job(project: str, job: TransformJob, now_us: int, *, external: bool = False) -> NewJob:
    """What the ledger is given of a job file; relative times count from now, once and for all.

    Raises ParameterInvalid for a range that is empty.
    """
    start = now_us if job.start == "end" else _moment(job.start, now_us)
    end = None if job.end == "end" else _moment(job.end, now_us)
    if start is not None and end is not None and end <= start:
        raise ParameterInvalid("the range of receive time is empty: it ends before it begins", hint="[from, to): to is later than from")
    return NewJob(project, job.name, (job.source.project, job.source.logstore), definition_of(job), start, end, external=external)


def _moment(text: str | None, now_us: int) -> int | None:
    """Microseconds; None = open."""
    return None if text is None or text == "begin" else parse_moment(text, now_us, UTC) * _SECOND
