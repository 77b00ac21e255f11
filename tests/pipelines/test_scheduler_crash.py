"""A scheduler that is killed before and after each durable step of its own; what workers write is killed in other tests."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.schedule.instance_reports import InstanceReports
from pipelines.schedule.operational_log import OPERATIONAL_LOG
from tests.pipelines.once_program import LEASE_SECONDS
from tests.pipelines.scheduler_world import attempts, instances, make_due
from tests.warm_crash import WarmProgram, chosen_moments


def test_wherever_the_scheduler_is_killed_each_instance_succeeds_and_is_told_of_once(home: Home, request: pytest.FixtureRequest) -> None:
    names = ["first", "second", "third"]
    with WarmProgram("tests.pipelines.once_program", str(home.path)) as program:
        make_due(home, "first", 1)
        program.run()
        make_due(home, "second", 1)
        second = program.run()
        make_due(home, "third", 1)
        # On a slow machine a lease is renewed in between.
        moments = min(second, program.run(), key=len)
        assert moments[0] == "catalogue.commit before" and "logstore.commit after" in moments, moments
        for number in chosen_moments(moments, request.config.getoption("--soak"), most=4):
            name = f"killed-{number}"
            names.append(name)
            make_due(home, name, 1)
            program.killed_at(number)
            time.sleep(LEASE_SECONDS)
            program.run()
            (entry,) = instances(home, name)
            assert str(entry.instance.state) == "SUCCEEDED", moments[number]
    found = attempts(home)
    assert all(1 <= sum(one.task == name for one in found) <= 2 for name in names)
    # Ends that a killed scheduler did not tell of are told by others after a while; here by one to whom they are its own.
    reports = InstanceReports(home, True, None, print)
    for entry in home.schedule_ledger().unreported():
        reports.ended(entry)
    reports.start()
    reports.close()
    assert home.schedule_ledger().unreported() == ()
    told = Counter(log["job_name"] for group in home.open_logstore(DEFAULT_PROJECT, OPERATIONAL_LOG).read() for log in group.to_logs())
    assert told == Counter(names)
