"""The scheduler with all that goes along with it: worker processes, continuous jobs, reports of what ended, alerts, late logs. Imports no
Beam."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from pipelines.alert_rules import AlertRule
from pipelines.alerts import Alerts
from pipelines.home import Home
from pipelines.jobs.job_observer import JobObserver
from pipelines.jobs.led_job import SupervisorSettings
from pipelines.jobs.supervisor import Supervisor
from pipelines.metrics_endpoint import MetricsEndpoint
from pipelines.schedule.instance_reports import InstanceReports
from pipelines.schedule.late_logs import LateLogWatch
from pipelines.schedule.scheduled_tasks import worker_name
from pipelines.schedule.scheduler import Scheduler, SchedulerSettings, Tally
from pipelines.schedule.worker_pool import WORKER_PROGRAM, WorkerPool
from pipelines.stop_signals import StopSignals
from transforms.core.collector import collecting_regularly
from transforms.schedule.ledger import InstanceEntry

__all__ = ["ServiceSettings", "run_service"]


@dataclass(frozen=True)
class ServiceSettings:
    """What a service does beside the schedule.

    Attributes:
        scheduler: see there.
        workers: processes at most.
        operational_log: whether each end of an instance becomes a log.
        alerts: rules.
        late_every: seconds between two looks for late logs.
        worker_program: the module that worker processes run.
        flags: of the pipelines, as `pipelines.scheduled_sql` takes them: the runner, the SQL engine.
        metrics: host and port that metrics are served at; None: nowhere.
        jobs: how continuous jobs are led; None leaves them to other services.
    """

    scheduler: SchedulerSettings
    workers: int
    operational_log: bool = True
    alerts: Sequence[AlertRule] = ()
    late_every: float = 60.0
    worker_program: str = WORKER_PROGRAM
    flags: Sequence[str] = ()
    metrics: tuple[str, int] | None = None
    jobs: SupervisorSettings | None = None


def run_service(home: Home, settings: ServiceSettings, ended: Callable[[InstanceEntry, float], None], say: Callable[[str], None]) -> Tally:
    """Until told to stop, or with ``once`` until nothing is due and jobs have caught up; in the main thread. ``ended`` and ``say`` as for `Scheduler`.

    Raises StoreError when the ledger cannot be read at the start, UserError when metrics cannot be served there.
    """
    ledger = home.schedule_ledger()
    with collecting_regularly(), StopSignals() as stop, ExitStack() as stack:
        metrics = None if settings.metrics is None else MetricsEndpoint(home, *settings.metrics)
        if metrics is not None:
            stack.callback(metrics.close)
            say(f"metrics at {metrics.start()}")
        alerts = Alerts(home.path / "alerts", settings.alerts, say) if settings.alerts else None
        if alerts is not None:
            alerts.start()
            stack.callback(alerts.close)
        reports = InstanceReports(home, settings.operational_log, alerts, say)
        reports.start()
        stack.callback(reports.close)
        late = LateLogWatch(home, alerts, say, settings.late_every)
        stack.callback(late.close)
        if settings.scheduler.once:
            late.round()  # what has to run again is due
        else:
            late.start()

        def tell(entry: InstanceEntry, seconds: float) -> None:
            reports.ended(entry)
            if metrics is not None:
                metrics.instance_ended(entry)
            ended(entry, seconds)

        pool = WorkerPool(home, settings.workers, settings.worker_program, flags=settings.flags)
        supervisor = None
        if settings.jobs is not None:
            name = f"{worker_name()}/{uuid.uuid4().hex[:8]}"
            observer = JobObserver(home, name, alerts, say)
            observer.start()
            stack.callback(observer.close)  # it tells how the jobs ended
            supervisor = Supervisor(home, settings.jobs, name, say, lambda: stop.count, _end_service)
            supervisor.start()
            stack.callback(supervisor.stop)
        tally = Scheduler(ledger, pool, tell, say, settings.scheduler).run(stop)
        if supervisor is not None:
            supervisor.join()
            tally.failed += supervisor.failed
        return tally


def _end_service() -> None:
    """As if told to, so that all ends in order and the error is told: a service that leads no jobs any more would only look alive."""
    os.kill(os.getpid(), signal.SIGTERM)
