"""A program for `tests.warm_crash`: looks at the jobs of a home once, as a scheduler's observer does, with a rule of alerts."""

from __future__ import annotations

import re
from pathlib import Path

import transforms.connectors.delta.logstore
import transforms.connectors.sql_job_ledger
import transforms.core.log_group  # noqa: F401 (imported once for all runs)
from pipelines.alert_rules import AlertRule
from pipelines.alerts import Alerts
from pipelines.home import Home
from pipelines.jobs.job_conditions import JobCondition
from pipelines.jobs.job_observer import JobObserver


def main(arguments: list[str]) -> None:
    home = Home(Path(arguments[0]))
    everything = re.compile(".*")
    command = ("sh", "-c", f"cat >> {arguments[1]}; echo >> {arguments[1]}")
    rule = AlertRule("broken", everything, everything, "errors", 0, "low", command, condition=JobCondition("errors", 0, 60))
    alerts = Alerts(home.path / "alerts", [rule], print)
    alerts.start()
    observer = JobObserver(home, "test", alerts, print, every=3_600)
    observer.start()
    observer.close()
    alerts.close()
    home.close()
