"""The lead of a job, held for as long as a block lasts: a thread renews it, and tells what has become of the job meanwhile."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType

from pipelines.home import Home
from transforms.core.errors import LogsluiceError, StoreError
from transforms.jobs.job import Job
from transforms.jobs.ledger import Lead

__all__ = ["KeptLead"]


class KeptLead:
    """Held while the block lasts, and released at its end."""

    def __init__(self, home: Home, lead: Lead, lease_seconds: float) -> None:
        self._home = home.once_more()
        self._lead = lead
        self._lease_seconds = lease_seconds
        self._renewed = time.monotonic()
        self._lost: LogsluiceError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lead", daemon=True)

    def __enter__(self) -> KeptLead:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        # A lease that cannot be given back runs out.
        with suppress(LogsluiceError):
            self._home.job_ledger().release(self._lead)
        self._home.close()

    @property
    def lead(self) -> Lead:
        """As it was renewed last. Raises CommitConflict with code ``LeadLost``, NotFound for a job that was deleted."""
        if self._lost is not None:
            raise self._lost
        return self._lead

    @property
    def job(self) -> Job:
        """As it was when the lead was renewed last; raises like `lead`."""
        return self.lead.job

    def _run(self) -> None:
        while not self._over.wait(min(1.0, self._lease_seconds / 3)):
            try:
                self._lead = self._home.job_ledger().renew(self._lead, self._lease_seconds)
            except StoreError as failure:
                if failure.code == "LeadLost":
                    self._lost = failure
                    return
            except LogsluiceError as gone:
                self._lost = gone
                return
