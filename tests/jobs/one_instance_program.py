"""One instance of the tests' job in this process, with the real pipeline: it works until all is read that was there when it began.

For `tests.warm_crash`: ``main([HOME])``, and with a database elsewhere ``main([HOME, CATALOGUE])`` (which may be empty). With a durable
moment and a number behind them, such as ``job.intend before`` and ``0``, it makes the file ``HOME/reached`` when that moment comes, and goes
on when the file is gone; with ``kill`` behind these it dies there. (Heartbeats have moments too: the number of all would be one of chance.)
"""

from __future__ import annotations

import logging
import os
import signal
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


def _stop_at(wanted: str, number: int, reached: Path | None) -> Callable[[str, Moment], None]:
    """Waits at the moment until a file is gone again; dies there without one."""
    times = count()

    def observer(operation: str, moment: Moment) -> None:
        if f"{operation} {moment}" != wanted or next(times) != number:
            return
        if reached is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            reached.touch()
            while reached.exists():
                time.sleep(0.01)

    return observer


def main(arguments: list[str]) -> None:
    """Raises what ends an instance."""
    logging.disable(logging.WARNING)
    home, beating = (Home(Path(arguments[0]), "".join(arguments[1:2]) or None) for _ in range(2))
    if arguments[2:]:
        observe(_stop_at(arguments[2], int(arguments[3]), None if arguments[4:] == ["kill"] else home.path / "reached"))
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
