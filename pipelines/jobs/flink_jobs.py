"""A Flink cluster as its REST interface tells: the jobs of a name, what went wrong in them, an end to them. Every call has a time limit."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from transforms.core.errors import StoreUnavailable

__all__ = ["FlinkJobs"]

_CALL_SECONDS = 10.0
_OVER = ("FINISHED", "CANCELED", "FAILED")


class FlinkJobs:
    """The jobs of one name on a cluster.

    Args:
        master: ``http://HOST:PORT``.
    """

    def __init__(self, master: str, name: str) -> None:
        self._master = master.rstrip("/")
        self._name = name

    def running(self) -> list[str]:
        """Ids. Raises StoreUnavailable, as all methods do, when the cluster does not answer."""
        jobs = self._ask("/jobs/overview").get("jobs", [])
        return [job["jid"] for job in jobs if job["name"] == self._name and job["state"] not in _OVER]

    def failures(self) -> list[tuple[int, str]]:
        """(milliseconds, text) of what made the running jobs start again, the newest first."""
        found = {}
        for job in self.running():
            told = self._ask(f"/jobs/{job}/exceptions")
            for entry in told.get("exceptionHistory", {}).get("entries", []):
                found[int(entry["timestamp"])] = str(entry.get("stacktrace", ""))
        return sorted(found.items(), reverse=True)

    def cancel(self, seconds: float = 60.0) -> None:
        """End the running jobs, and wait until they have. Raises StoreUnavailable when that takes longer."""
        deadline = time.monotonic() + seconds
        for job in self.running():
            self._ask(f"/jobs/{job}?mode=cancel", "PATCH")
        while self.running():
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"Flink has not ended {self._name} within {seconds:.0f} s", hint="look at the cluster's own page")
            time.sleep(0.3)

    def _ask(self, path: str, method: str = "GET") -> dict[str, Any]:
        request = urllib.request.Request(self._master + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:
                told: dict[str, Any] = json.loads(answer.read() or b"{}")
                return told
        except urllib.error.HTTPError as error:
            if error.code in (404, 409):
                return {}  # it is over already
            raise StoreUnavailable(f"Flink at {self._master} answers {error.code}", hint="is it the address of the JobManager?") from error
        except (OSError, ValueError) as error:
            raise StoreUnavailable(f"Flink at {self._master} does not answer: {error}", hint="check --flink_master") from error
