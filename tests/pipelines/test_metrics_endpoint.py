"""Metrics for Prometheus: what is served, read by Prometheus' own parser; a taken port; a database that is away."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.metrics_endpoint import MetricsEndpoint
from tests.pipelines.observed_jobs import become, make_job, put_figures
from tests.pipelines.scheduler_world import make_due
from tests.pipelines.test_operational_log import end
from transforms.core.errors import ExitCode, UserError
from transforms.core.log_group import LogGroup
from transforms.jobs.job import JobState

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@contextmanager
def serving(home: Home) -> Iterator[tuple[MetricsEndpoint, str]]:
    endpoint = MetricsEndpoint(home, "127.0.0.1", 0)
    try:
        yield endpoint, endpoint.start()
    finally:
        endpoint.close()


def scraped(url: str) -> Samples:
    with urlopen(url, timeout=30) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset({"project": DEFAULT_PROJECT, **labels}.items())]


def test_what_is_served_of_jobs_and_tasks(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    store = home.open_logstore(DEFAULT_PROJECT, "web")
    for number in range(2):
        store.append([LogGroup.from_logs([{"a": "1"}], [1_795_341_601 + number], [0])], hash_key="a")
        time.sleep(0.01)
    put_figures(home, job, 1, 0, read=10, delivered=7, dropped=2, dead=1)
    put_figures(home, job, 0, 1, read=5, delivered=5)
    make_due(home, "late", 2)
    make_due(home, "early", 0)
    with serving(home) as (endpoint, url):
        endpoint.instance_ended(end(home, "late"))
        samples = scraped(url)
    assert samples["logsluice_stores_up", frozenset()] == 1
    assert {state: of(samples, "logsluice_job_state", job_name="clean", state=str(state)) for state in JobState} == {
        state: float(state is JobState.RUNNING) for state in JobState
    }
    for name, value in (("accepted", 15), ("delivered", 12), ("dropped", 2), ("failed", 1)):
        assert of(samples, f"logsluice_job_{name}_logs_total", job_name="clean") == value
    assert of(samples, "logsluice_job_lag_seconds", job_name="clean") >= 0.01
    lags = [of(samples, "logsluice_job_shard_lag_seconds", job_name="clean", shard=shard) for shard in "01"]
    assert min(lags) == 0 and max(lags) == of(samples, "logsluice_job_lag_seconds", job_name="clean")
    assert of(samples, "logsluice_job_shard_accepted_logs_total", job_name="clean", shard="1") == 5
    assert [of(samples, f"logsluice_job_{name}", job_name="clean") for name in ("instances", "active_shards")] == [0, 0]
    assert of(samples, "logsluice_task_instances_total", task="late", state="SUCCEEDED") == 1
    assert of(samples, "logsluice_task_behind_seconds", task="late") > 0
    assert of(samples, "logsluice_task_behind_seconds", task="early") == 0
    assert any(name == "process_cpu_seconds_total" for name, _ in samples)


def test_figures_are_kept_for_a_moment(home: Home, tmp_path: Path) -> None:
    make_job(home, tmp_path)
    with serving(home) as (_, url):
        first = scraped(url)
        become(home, "clean", JobState.FAILED, "broken")
        began = time.monotonic()
        for _ in range(20):
            scraped(url)
        assert time.monotonic() - began < 2, "the figures are fetched for each scrape"
        deadline = time.monotonic() + 20
        while of(scraped(url), "logsluice_job_state", job_name="clean", state="FAILED") == 0:
            assert time.monotonic() < deadline, "the figures are never fetched again"
            time.sleep(0.2)
    assert of(first, "logsluice_job_state", job_name="clean", state="RUNNING") == 1


def test_a_database_that_is_away_is_told(home: Home, tmp_path: Path) -> None:
    make_job(home, tmp_path)
    with serving(home) as (endpoint, url):
        assert scraped(url)["logsluice_stores_up", frozenset()] == 1
        with closing(sqlite3.connect(home.path / "catalogue.sqlite")) as connection, connection:
            connection.execute("alter table job rename to gone")
        deadline = time.monotonic() + 20
        while (samples := scraped(url))["logsluice_stores_up", frozenset()] == 1:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert not any(name.startswith("logsluice_job") for name, _ in samples)
        with closing(sqlite3.connect(home.path / "catalogue.sqlite")) as connection, connection:
            connection.execute("alter table gone rename to job")
        while scraped(url)["logsluice_stores_up", frozenset()] == 0:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        endpoint.close()
        with pytest.raises(OSError, match="refused"):
            urlopen(url, timeout=5)


def test_a_taken_port_is_refused_before_anything_starts(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot be served at 127.0.0.1:{port}: Address already in use"):
            MetricsEndpoint(home, "127.0.0.1", port).start()
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", "--home", str(home.path), "scheduler", "run", "--metrics-port", str(port)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert "--metrics-port" in done.stderr and "Traceback" not in done.stderr


def test_the_service_serves_while_it_runs_and_ends(home: Home) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "--home", str(home.path), "scheduler", "run", "--metrics-port", "0", "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        (url,) = (line.split()[-1] for line in lines if "metrics at" in line)
        assert scraped(url)["logsluice_stores_up", frozenset()] == 1
        process.terminate()
        assert process.wait(30) == ExitCode.DONE
    finally:
        process.kill()
        process.communicate()
