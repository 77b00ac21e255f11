"""One instance of the tests' job in this process, with the real pipeline: it works until all is read that was there when it began.

For `tests.warm_crash`: ``main([HOME])`` and, with a database elsewhere, ``main([HOME, CATALOGUE])``. With a durable moment behind them
(CATALOGUE may be empty), such as ``job.intend before``, the file ``HOME/reached`` is made when that comes first, and the instance goes on when it is gone.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable
from itertools import count
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
from transforms.core.durable import Moment, observe
from transforms.core.errors import StoreUnavailable


def _wait_at(wanted: str, reached: Path) -> Callable[[str, Moment], None]:
    times = count()

    def observer(operation: str, moment: Moment) -> None:
        if f"{operation} {moment}" == wanted and not next(times):
            reached.touch()
            while reached.exists():
                time.sleep(0.01)

    return observer


def main(arguments: list[str]) -> None:
    """Raises what ends an instance."""
    logging.disable(logging.WARNING)
    home, beating = (Home(Path(arguments[0]), "".join(arguments[1:2]) or None) for _ in range(2))
    if arguments[2:]:
        observe(_wait_at(arguments[2], home.path / "reached"))
    job = home.job_ledger().job(DEFAULT_PROJECT, JOB)
    plan = plan_job(home, job, home.job_ledger().definition(job, job.running_version))
    groups, source, slices = home.consumer_groups(*job.source), home.open_logstore(*job.source), home.job_ledger().slices(job)
    progress = JobProgress(job, groups, source)

    def done() -> bool:
        try:
            return progress.caught_up()
        except StoreUnavailable:
            return False

    consumer = f"instance-{os.getpid()}"
    with Membership(beating.consumer_groups(*job.source), job.group, consumer, 0.3, lambda: False, uuid.uuid4().hex) as membership:
        held = HeldShards(job, consumer, membership, groups, slices, source, SystemClock())
        commits = SliceCommits(home, plan, slices, consumer, SystemClock())
        with SliceRounds(plan, options_of(()), home=home) as rounds:
            InstanceLoop(
                consumer, plan.definition.digest, held, membership, slices, source, rounds, commits, done, Work()
            ).run()  # fmt: skip
    home.close()
    beating.close()
