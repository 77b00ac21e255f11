"""What a running instance's process does: it is told what to work on, works until it is told to stop, and reports.

It has an inherited end of a socket pair; see `pipelines.jobs.instance_process` for what travels over it. When the other end closes,
however the scheduler ended, the process ends in the middle of what it does: the slices tell its successor what is to be done.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from pipelines.consumer_membership import Membership
from pipelines.home import Home
from pipelines.jobs.held_shards import HeldShards
from pipelines.jobs.instance_loop import InstanceLoop, Rounds, Work, ends_quietly
from pipelines.jobs.instance_process import Figures, InstanceEnded, InstanceOrder, Stop
from pipelines.jobs.job_plan import JobPlan, plan_job
from pipelines.jobs.job_reason import UNFORESEEN, reason_of
from pipelines.jobs.slice_commit import SliceCommits
from transforms.core.clock import SystemClock
from transforms.core.errors import CommitConflict, LogsluiceError, StoreUnavailable

__all__ = ["MakeRounds", "run_instance"]

MakeRounds = Callable[[Home, JobPlan], AbstractContextManager[Rounds]]
"""Makes the transformation of a plan; the home is the working thread's."""

_REPORT_SECONDS = 1.0


def run_instance(descriptor: int, make_rounds: MakeRounds) -> None:
    """Until told to stop, or the other end of the socket closes."""
    # A service manager ends a whole group of processes at once; what is running may finish until the scheduler says otherwise.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Connection(descriptor) as connection:
        session = _Session(connection, connection.recv(), make_rounds)
        connection.send(session.run())


class _Session:
    """What the threads of the process share: one works, one listens, one reports; heartbeats have another."""

    def __init__(self, connection: Connection, order: InstanceOrder, make_rounds: MakeRounds) -> None:
        self._connection = connection
        self._order = order
        self._make_rounds = make_rounds
        self._stopping = False
        self._work = Work()
        self._membership: Membership | None = None
        self._over = threading.Event()
        self._reports = threading.Thread(target=self._report, name="reports", daemon=True)

    def run(self) -> InstanceEnded:
        """Work; why that ended."""
        threading.Thread(target=self._listen, name="orders", daemon=True).start()
        try:
            self._transform()
        except LogsluiceError as error:
            if ends_quietly(error):
                return InstanceEnded()
            return InstanceEnded(error.code, reason_of(error), lasting=not isinstance(error, StoreUnavailable | CommitConflict))
        except Exception as error:  # noqa: BLE001 (whatever it is, the scheduler is told and replaces this process)
            return InstanceEnded(UNFORESEEN, reason_of(error))
        finally:
            self._over.set()
            if self._reports.is_alive():
                self._reports.join()  # the last word is the answer
        return InstanceEnded()

    def _transform(self) -> None:
        order = self._order
        job = order.job
        own, background = (Home(Path(order.home), order.catalogue_url) for _ in range(2))
        try:
            plan = plan_job(own, job, order.definition)
            groups, slices, source = own.consumer_groups(*job.source), own.job_ledger().slices(job), own.open_logstore(*job.source)
            beats = background.consumer_groups(*job.source)
            with Membership(beats, job.group, order.consumer, None, lambda: self._stopping, order.incarnation) as membership:
                self._membership = membership
                commits = SliceCommits(own, plan, slices, order.consumer, SystemClock())
                held = HeldShards(job, order.consumer, membership, groups, slices, source, SystemClock())
                with self._make_rounds(own, plan) as rounds:
                    self._reports.start()  # from now on: what is imported before holds threads up
                    InstanceLoop(
                        order.consumer, plan.definition.digest, held, membership, slices, source, rounds, commits,
                        lambda: self._stopping, self._work,
                    ).run()  # fmt: skip
        finally:
            own.close()
            background.close()

    def _listen(self) -> None:
        """Do as told; end the process with the other end."""
        try:
            while True:
                if isinstance(self._connection.recv(), Stop):
                    self._stopping = True
                    if self._membership is not None:
                        self._membership.changed.set()
        except (EOFError, OSError):
            os._exit(0)

    def _report(self) -> None:
        """In long rounds too: who is silent is taken for stuck."""
        with suppress(OSError):  # nobody wants to know any more
            while True:
                work = self._work
                self._connection.send(Figures(work.rounds, work.logs, work.busy_now(time.monotonic()), work.lags_us, _memory_mb()))
                if self._over.wait(_REPORT_SECONDS):
                    return


def _memory_mb() -> float:
    """What the process takes now, where the system tells; else the most it ever took."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return pages * os.sysconf("SC_PAGE_SIZE") / (1024 * 1024)
