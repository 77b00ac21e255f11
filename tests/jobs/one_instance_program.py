"""One instance of the tests' job in this process, with the real pipeline: it works until all is read that was there when it began.

For `tests.warm_crash`: ``main([HOME])`` and, with a database elsewhere, ``main([HOME, CATALOGUE])``.
"""

from __future__ import annotations

import logging
import os
import uuid
from pathlib import Path

from pipelines.consumer_membership import Membership
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.held_shards import HeldShards
from pipelines.jobs.instance_loop import InstanceLoop, Work
from pipelines.jobs.job_plan import plan_job
from pipelines.jobs.job_progress import JobProgress
from pipelines.jobs.slice_commit import SliceCommits
from pipelines.jobs.slice_round import SliceRounds
from pipelines.launch import options_of
from tests.jobs.job_world import JOB
from transforms.core.clock import SystemClock


def main(arguments: list[str]) -> None:
    """Raises what ends an instance."""
    logging.disable(logging.WARNING)
    home, beating = (Home(Path(arguments[0]), *arguments[1:]) for _ in range(2))
    job = home.job_ledger().job(DEFAULT_PROJECT, JOB)
    plan = plan_job(home, job, home.job_ledger().definition(job, job.running_version))
    groups, source, slices = home.consumer_groups(*job.source), home.open_logstore(*job.source), home.job_ledger().slices(job)
    progress = JobProgress(job, groups, source)
    consumer = f"instance-{os.getpid()}"
    with Membership(beating.consumer_groups(*job.source), job.group, consumer, 0.3, lambda: False, uuid.uuid4().hex) as membership:
        held = HeldShards(job, consumer, membership, groups, slices, source, SystemClock())
        commits = SliceCommits(home, plan, slices, consumer, SystemClock())
        with SliceRounds(plan, options_of(()), home=home) as rounds:
            InstanceLoop(
                consumer, plan.definition.digest, held, membership, slices, source, rounds, commits, progress.caught_up, Work()
            ).run()  # fmt: skip
    home.close()
    beating.close()
