"""A program for `tests.warm_crash`: tells of the instances of a home that have ended, once, with a rule of alerts."""

from __future__ import annotations

import re
from pathlib import Path

import transforms.connectors.delta.logstore
import transforms.connectors.sql_schedule_ledger
import transforms.core.log_group  # noqa: F401 (imported once for all runs)
from pipelines.alert_rules import AlertRule
from pipelines.alerts import Alerts
from pipelines.home import Home
from pipelines.schedule.instance_reports import InstanceReports


def main(arguments: list[str]) -> None:
    home = Home(Path(arguments[0]))
    rule = AlertRule(
        "all", re.compile(".*"), re.compile(".*"), "fallbehind", -1, "low", ("sh", "-c", f"cat >> {arguments[1]}; echo >> {arguments[1]}")
    )
    alerts = Alerts(home.path / "alerts", [rule], print)
    reports = InstanceReports(home, True, alerts, print)
    for entry in home.schedule_ledger().unreported():
        reports.ended(entry)
    alerts.start()
    reports.start()
    reports.close()
    alerts.close()
    home.close()
