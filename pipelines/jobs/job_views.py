"""Continuous jobs as people and programs are shown them. Imports no Beam."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.consumer_lag import span_text
from pipelines.jobs.job_figures import JobFigures
from pipelines.jobs.job_watch import shown_figures
from transforms.core.counted import counted
from transforms.core.errors import NotFound
from transforms.core.moments import format_moment, parse_zone
from transforms.jobs.job import Job
from transforms.stores.cursor import BEGIN, Cursor

if TYPE_CHECKING:
    from transforms.stores.sharded_store import ShardedStore

__all__ = ["job_lines", "moment_text", "positions_of", "shard_rows", "shown_job", "shown_job_whole"]

SHARD_COLUMNS = ("shard", "state", "instance", "read up to", "lag", "logs/s", "accept")


def shown_job(job: Job) -> dict[str, Any]:
    """What the ledger knows of a job; moments as text, UTC."""
    return {
        "job": job.name,
        "project": job.project,
        "id": job.id,
        "state": str(job.state),
        "reason": job.reason or None,
        "source": "/".join(job.source),
        "from": moment_text(job.start_us),
        "to": moment_text(job.end_us),
        "version": job.version,
        "running_version": job.running_version or None,
        "generation": job.generation,
        "group": job.group,
        "external": job.external,
        "leader": job.leader or None,
        "created": moment_text(job.created_us),
        "modified": moment_text(job.modified_us),
        "started": moment_text(job.started_us or None),
        "ended": moment_text(job.ended_us or None),
    }


def shown_job_whole(figures: JobFigures, definition: str, positions: Mapping[int, int | None]) -> dict[str, Any]:
    """`shown_job` with its figures, its definition of now, and up to which receive time each shard is read."""
    shown = shown_figures(figures)
    shards = [{**one, "read_up_to_us": positions.get(one["shard"])} for one in shown["shards"]]
    return {**shown_job(figures.job), **shown, "shards": shards, "definition": json.loads(definition)}


def positions_of(store: ShardedStore, checkpoints: Mapping[int, Cursor | None]) -> dict[int, int | None]:
    """Of each shard the receive time of the last log that was read, microseconds; None before the first, or when it is not known any more."""
    found: dict[int, int | None] = {}
    for shard, cursor in checkpoints.items():
        try:
            found[shard] = None if cursor in (None, BEGIN) else store.time_of(shard, cursor) or None
        except NotFound:
            found[shard] = None
    return found


def job_lines(figures: JobFigures, definition: Mapping[str, Any]) -> list[str]:
    """What a job is and how it is, as a few lines."""
    job, counts = figures.job, figures.counts
    behind = "logs were cleaned away before they were read" if figures.lag_us is None else f"{span_text(figures.lag_us)} behind"
    start = "from the first log on" if job.start_us is None else f"received from {moment_text(job.start_us)} on"
    end = "without end" if job.end_us is None else f"until {moment_text(job.end_us)}"
    targets = ", ".join(f"{name} → {target['project']}/{target['logstore']}" for name, target in definition["targets"].items())
    dead = definition["dead_letters"]
    lines = [f"{job.name}: {job.state}, {behind}, {figures.per_second:,.0f} logs/s"]
    if job.reason:
        lines.append(f"  reason      {job.reason}")
    lines += [
        f"  source      {'/'.join(job.source)}, {start}, {end}",
        f"  targets     {targets}; failed → {dead['project']}/{dead['logstore']}",
        f"  definition  {_version(job)}",
        f"  run by      {_runners(figures)}",
        f"  total       {counted(counts.read, 'log')}: {counts.delivered:,} delivered, {counts.dropped:,} dropped by the rule, {counts.dead:,} failed",
    ]
    return lines


def shard_rows(figures: JobFigures, positions: Mapping[int, int | None]) -> list[list[object]]:
    """Under `SHARD_COLUMNS`."""
    return [
        [
            one.shard,
            one.state,
            one.instance or None,
            moment_text(positions.get(one.shard)),
            "expired" if one.lag_us is None else span_text(one.lag_us),
            round(one.per_second),
            one.counts.read,
        ]
        for one in figures.shards
    ]


def moment_text(moment_us: int | None) -> str | None:
    """UTC, to the second."""
    return None if moment_us is None else format_moment(moment_us // 1_000_000, parse_zone("UTC"))


def _version(job: Job) -> str:
    changed = f"version {job.version} of {moment_text(job.modified_us)}"
    if not job.running_version:
        return f"{changed}, never started"
    since = f"started {moment_text(job.started_us)}"
    if job.version == job.running_version:
        return f"{changed}, {since}"
    return f"{changed}; {since} by version {job.running_version}: `job restart` takes the new one"


def _runners(figures: JobFigures) -> str:
    job = figures.job
    instances = counted(len(figures.instances), "instance")
    leader = f", led by {job.leader}" if job.leader else ", led by nobody"
    return f"{instances} of consumer group {job.group}" + ("" if job.state.steady and job.state != "RUNNING" else leader)
