"""Jobs in the ledger whose figures a test writes itself, and what their own log says of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.definition import new_job
from pipelines.transformation.transform_job import INTERNAL_LOG, read_job
from transforms.core.errors import NotFound
from transforms.jobs.job import Job, JobState
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["MINUTE_US", "become", "change_of", "job_log", "make_job", "minutes", "put_figures", "this_minute"]

MINUTE_US = 60_000_000


def make_job(home: Home, folder: Path, name: str = "clean", *, running: bool = True, more: str = "") -> Job:
    """A job that reads ``web``, which has two shards."""
    try:
        home.open_logstore(DEFAULT_PROJECT, "web")
    except NotFound:
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(2)))
    path = folder / f"{name}.yaml"
    path.write_text(
        f'job: {name}\nsource: {{logstore: web}}\nrule: e_set("a", "b")\ntargets: {{main: {{logstore: out, create: true}}}}\n{more}'
    )
    ledger = home.job_ledger()
    ledger.create(new_job(DEFAULT_PROJECT, read_job(path, DEFAULT_PROJECT), ledger.now_us()))
    return become(home, name, JobState.RUNNING) if running else ledger.job(DEFAULT_PROJECT, name)


def become(home: Home, name: str, state: JobState, reason: str = "") -> Job:
    """What a scheduler says of a job."""
    ledger = home.job_ledger()
    lead = ledger.lead(DEFAULT_PROJECT, name, "test", 30)
    assert lead is not None, ledger.job(DEFAULT_PROJECT, name)
    job = ledger.settle(lead, state, reason)
    ledger.release(lead)
    return ledger.job(job.project, job.name)


def this_minute(home: Home) -> int:
    now = home.job_ledger().now_us()
    return now - now % MINUTE_US


def put_figures(
    home: Home, job: Job, minutes_ago: int, shard: int = 0, *, read: int = 0, delivered: int = 0, dropped: int = 0, dead: int = 0
) -> None:
    """As if instances had committed that within a minute; more of the same minute is added."""
    values = (job.id, job.generation, this_minute(home) - minutes_ago * MINUTE_US, shard, read, delivered, dropped, dead)
    with closing(sqlite3.connect(home.path / "catalogue.sqlite", timeout=30)) as connection, connection:
        connection.execute(
            "insert into job_figure (job_id, generation, minute_us, shard, logs_read, delivered, dropped, dead) values (?, ?, ?, ?, ?, ?, ?, ?) "
            "on conflict do update set logs_read = logs_read + excluded.logs_read, delivered = delivered + excluded.delivered, "
            "dropped = dropped + excluded.dropped, dead = dead + excluded.dead",
            values,
        )


def job_log(home: Home) -> list[dict[str, str]]:
    """All that the jobs' own log says, by time."""
    groups = home.open_logstore(DEFAULT_PROJECT, INTERNAL_LOG).read()
    found = [{**log, "at": str(second)} for group in groups for log, second in zip(group.to_logs(), group.seconds.to_pylist(), strict=True)]
    return sorted(found, key=lambda log: (int(log["at"]), log["event_id"]))


def minutes(home: Home, name: str = "clean") -> list[tuple[int, int]]:
    """Of each minute that the log tells of a job how long ago it was, in minutes, and how many logs were accepted."""
    now = this_minute(home) // 1_000_000
    told = [log for log in job_log(home) if log["event_id"] == "shard_worker:metrics:checkpoint" and log["job"] == name]
    return [((now - int(log["at"])) // 60, int(log["progress.accept"])) for log in told]


def change_of(home: Home, rule: str) -> list[str]:
    """What the log says of an alert rule."""
    return [log["change"] for log in job_log(home) if log.get("rule") == rule]
