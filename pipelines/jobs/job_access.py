"""How the workers of a streaming runner reach what a continuous job needs: its ledger, its consumer group, its source, its targets."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from pipelines.home import Home
from pipelines.jobs.job_plan import JobPlan
from pipelines.jobs.slice_commit import SliceCommits
from transforms.core.clock import SystemClock
from transforms.core.errors import ParameterInvalid
from transforms.jobs.ledger import JobLedger
from transforms.stores.consumer_group import ConsumerGroups
from transforms.stores.control_database import ControlDatabase
from transforms.stores.logstore import Logstore
from transforms.stores.slice import SliceLedger

__all__ = ["JobAccess", "OpenJob", "database_of"]

_FILE = "catalogue.sqlite"


@dataclass(frozen=True)
class OpenJob:
    """A job within reach; of one thread."""

    plan: JobPlan
    home: Home
    ledger: JobLedger
    slices: SliceLedger
    groups: ConsumerGroups
    source: Logstore

    def commits(self, consumer: str) -> SliceCommits:
        """What a consumer of the job makes visible."""
        return SliceCommits(self.home, self.plan, self.slices, consumer, SystemClock())

    def close(self) -> None:
        """Let go of the database."""
        self.home.close()


@dataclass(frozen=True)
class JobAccess:
    """Travels to workers; holds no secret. The job is as it was when the pipeline was started."""

    database: ControlDatabase
    plan: JobPlan

    def open(self) -> OpenJob:
        """Open all of it. Raises StoreUnavailable, StoreRejected, NotFound."""
        where, job = self.database.where(), self.plan.job
        home = Home(where.parent) if isinstance(where, Path) else Home(Path(), where)
        with _opening:  # several at once would migrate the same tables
            ledger = home.job_ledger()
            return OpenJob(self.plan, home, ledger, ledger.slices(job), home.consumer_groups(*job.source), home.open_logstore(*job.source))


_opening = threading.Lock()


def database_of(home: Home, reference: str | None) -> ControlDatabase:
    """Where workers find a home's control state: by ``reference`` (``env:NAME``, ``file:PATH``), or as the launcher does.

    Raises ParameterInvalid when the launcher's way has a password in it.
    """
    if reference:
        if not reference.startswith(("env:", "file:")):
            raise ParameterInvalid("--worker_catalogue is a reference, env:NAME or file:PATH", hint="to a URL such as --catalogue takes")
        return ControlDatabase(reference)
    return ControlDatabase(home.catalogue_url or str(home.path / _FILE))
