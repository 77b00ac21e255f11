"""Flink's REST interface as the launcher uses it, against a server that answers like it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.jobs.flink_jobs import FlinkJobs
from transforms.core.errors import StoreUnavailable


class Cluster:
    """Two jobs of the name, one of another."""

    def __init__(self) -> None:
        self.states = {"a" * 32: "RUNNING", "b" * 32: "FINISHED", "c" * 32: "RUNNING"}
        self.names = {"a" * 32: "mine", "b" * 32: "mine", "c" * 32: "another"}
        self.stubborn = False
        self.broken = False


@pytest.fixture
def cluster() -> Iterator[tuple[Cluster, str]]:
    """It, and its address."""
    here = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/jobs/overview":
                jobs = [{"jid": job, "name": here.names[job], "state": state} for job, state in here.states.items()]
                self.answer({"jobs": jobs})
                return
            entries = [{"timestamp": at, "stacktrace": f"failure {at}"} for at in (5, 9)]
            self.answer({"exceptionHistory": {"entries": entries}})

        def do_PATCH(self) -> None:
            if not here.stubborn:
                here.states[self.path.split("/")[2].partition("?")[0]] = "CANCELED"
            self.answer({})

        def answer(self, told: object) -> None:
            body = b"<html>" if here.broken else json.dumps(told).encode()
            self.send_response(500 if here.broken else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_arguments: object) -> None:
            del format

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield here, f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_only_jobs_of_the_name_are_seen_and_ended(cluster: tuple[Cluster, str]) -> None:
    there, master = cluster
    jobs = FlinkJobs(master, "mine")
    assert jobs.running() == ["a" * 32]
    assert jobs.failures() == [(9, "failure 9"), (5, "failure 5")]
    jobs.cancel(5)
    assert there.states == {"a" * 32: "CANCELED", "b" * 32: "FINISHED", "c" * 32: "RUNNING"}
    assert (jobs.running(), jobs.failures()) == ([], [])


def test_a_job_that_does_not_end_is_not_waited_for_for_ever(cluster: tuple[Cluster, str]) -> None:
    cluster[0].stubborn = True
    with pytest.raises(StoreUnavailable, match="has not ended mine"):
        FlinkJobs(cluster[1], "mine").cancel(0.5)


def test_a_cluster_that_answers_nonsense_or_nothing(cluster: tuple[Cluster, str]) -> None:
    cluster[0].broken = True
    with pytest.raises(StoreUnavailable, match="answers 500"):
        FlinkJobs(cluster[1], "mine").running()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        FlinkJobs("http://localhost:1", "mine").running()
