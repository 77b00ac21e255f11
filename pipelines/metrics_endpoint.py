"""Prometheus' view of a scheduler: continuous jobs, tasks and their instances, in its text format at ``/metrics``.

What is served comes from the ledgers and stores and is kept for a few seconds, so that scraping costs little, however often it is done.
A thread of its own fetches it, with a home of its own.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FetchTimeout
from typing import TYPE_CHECKING, Any

from pipelines.jobs.job_figures import JobFigures, figures_of
from transforms.core.errors import LogsluiceError, NotFound, UserError
from transforms.jobs.job import JobState
from transforms.schedule.plan import next_schedule_time

if TYPE_CHECKING:
    from pipelines.home import Home
    from transforms.schedule.ledger import InstanceEntry

__all__ = ["MetricsEndpoint"]

_KEPT_SECONDS = 3.0
_FETCH_SECONDS = 8.0
_SECOND = 1_000_000
_JOB = ("project", "job_name")
_SHARD = (*_JOB, "shard")
_TASK = ("project", "task")
_Fetched = tuple[list[JobFigures], list[tuple[str, str, float]]]
"""Jobs; project, task and the seconds it is behind."""


class MetricsEndpoint:
    """Serves from `start` to `close`."""

    def __init__(self, home: Home, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._figures = _Figures(home)
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Where it is served, as a URL; port 0 is any that is free. Raises UserError when the port cannot be had."""
        from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(self._figures)
        try:
            self._server, self._thread = start_http_server(self._port, self._host, registry)
        except OSError as error:
            raise UserError(
                f"metrics cannot be served at {self._host}:{self._port}: {error.strerror or error}",
                hint="choose another --metrics-port, or --metrics-host",
                code="MetricsPortTaken",
            ) from error
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.server_port}/metrics"

    def instance_ended(self, entry: InstanceEntry) -> None:
        """An instance of a task ended in this scheduler."""
        self._figures.ended[entry.project, entry.task, str(entry.instance.state)] += 1

    def close(self) -> None:
        """Serve no more; once is enough."""
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()
        self._figures.close()


class _Figures:
    """What a registry collects. Scrapes come in threads of their own; one of ours fetches."""

    def __init__(self, home: Home) -> None:
        self._home = home.once_more()
        self._fetcher = ThreadPoolExecutor(1, "metrics")
        self._lock = threading.Lock()
        self._fetched: _Fetched | None = None
        self._fetching: Future[_Fetched] | None = None
        self._until = 0.0
        self.ended: Counter[tuple[str, str, str]] = Counter()

    def describe(self) -> list[Any]:
        """Nothing beforehand: it would be a scrape."""
        return []

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found = self._now()
        up = GaugeMetricFamily("logsluice_stores_up", "Whether the figures of jobs and tasks could be fetched.")
        up.add_metric((), float(found is not None))
        yield up
        ended = CounterMetricFamily("logsluice_task_instances", "Instances that ended in this scheduler.", labels=(*_TASK, "state"))
        for labels, count in sorted(self.ended.items()):
            ended.add_metric(labels, count)
        yield ended
        if found is None:
            return
        jobs, behind = found
        late = GaugeMetricFamily("logsluice_task_behind_seconds", "Since when the next instance is due; 0 when none is.", labels=_TASK)
        for project, task, seconds in behind:
            late.add_metric((project, task), seconds)
        yield late
        yield from _of_jobs(jobs)

    def close(self) -> None:
        self._fetcher.shutdown()
        self._home.close()

    def _now(self) -> _Fetched | None:
        """Of now, or of a few seconds ago; None when they cannot be had."""
        with self._lock:
            if time.monotonic() >= self._until:
                # One that takes too long goes on, and is waited for again at the next scrape.
                self._fetching = self._fetching or self._fetcher.submit(self._fetch)
                try:
                    self._fetched = self._fetching.result(_FETCH_SECONDS)
                except (LogsluiceError, FetchTimeout):
                    self._fetched = None
                if self._fetching.done():
                    self._fetching = None
                self._until = time.monotonic() + _KEPT_SECONDS
            return self._fetched

    def _fetch(self) -> _Fetched:
        jobs, schedule = self._home.job_ledger(), self._home.schedule_ledger()
        figures: list[JobFigures] = []
        behind: list[tuple[str, str, float]] = []
        for project in self._home.catalogue().list_projects():
            try:
                figures += [figures_of(self._home, job, minutes=1) for job in jobs.jobs(project)]
                now = schedule.now_us() / _SECOND
                for entry in schedule.list_tasks(project):
                    due = next_schedule_time(entry.task, schedule.progress(project, entry.task.name)) if entry.enabled else None
                    behind.append((project, entry.task.name, 0.0 if due is None else max(0.0, now - due - entry.task.delay)))
            except NotFound:
                continue  # deleted while it was looked at
        return figures, behind


def _of_jobs(jobs: list[JobFigures]) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    state = GaugeMetricFamily("logsluice_job_state", "1 for the state a job is in.", labels=(*_JOB, "state"))
    lag = GaugeMetricFamily("logsluice_job_lag_seconds", "How far a job is behind: the largest of its shards.", labels=_JOB)
    instances = GaugeMetricFamily("logsluice_job_instances", "Running instances.", labels=_JOB)
    active = GaugeMetricFamily("logsluice_job_active_shards", "Shards that an instance reads.", labels=_JOB)
    counters = {
        "read": CounterMetricFamily("logsluice_job_accepted_logs", "Logs read and committed, since the job's last rerun.", labels=_JOB),
        "delivered": CounterMetricFamily("logsluice_job_delivered_logs", "Logs that went to targets.", labels=_JOB),
        "dropped": CounterMetricFamily("logsluice_job_dropped_logs", "Logs that the rule dropped.", labels=_JOB),
        "dead": CounterMetricFamily("logsluice_job_failed_logs", "Logs that went to the dead letters.", labels=_JOB),
    }
    shard_lag = GaugeMetricFamily("logsluice_job_shard_lag_seconds", "How far a job is behind in a shard.", labels=_SHARD)
    shard_read = CounterMetricFamily("logsluice_job_shard_accepted_logs", "Logs of a shard read and committed.", labels=_SHARD)
    for figures in jobs:
        labels = figures.job.project, figures.job.name
        for each in JobState:
            state.add_metric((*labels, str(each)), float(each is figures.job.state))
        lag.add_metric(labels, _seconds(figures.lag_us))
        instances.add_metric(labels, len(figures.instances))
        active.add_metric(labels, figures.active_shards)
        for name, counter in counters.items():
            counter.add_metric(labels, getattr(figures.counts, name))
        for shard in figures.shards:
            shard_lag.add_metric((*labels, str(shard.shard)), _seconds(shard.lag_us))
            shard_read.add_metric((*labels, str(shard.shard)), shard.counts.read)
    yield from (state, lag, instances, active, *counters.values(), shard_lag, shard_read)


def _seconds(lag_us: int | None) -> float:
    """What cannot be read any more is infinitely far behind: an alert on lag fires."""
    return float("inf") if lag_us is None else lag_us / _SECOND
