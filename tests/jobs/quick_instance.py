"""`python -m tests.jobs.quick_instance FD`: an instance that imports no Beam and does by hand what the tests' rule does, with the version
that the rule's text names. ``HOME/slow`` holds seconds that each computation takes longer, which touches ``HOME/computing`` then; ``HOME/fault`` what it fails with;
with ``HOME/lock`` one computation stops its process in the middle of a transaction."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import nullcontext

from pipelines.home import Home
from pipelines.jobs.computed_slice import ComputedSlice
from pipelines.jobs.instance_session import run_instance
from pipelines.jobs.job_plan import JobPlan
from tests.jobs.job_rule import DEAD, ERRORS, MAIN
from transforms.core.errors import ParameterInvalid, StoreUnavailable
from transforms.core.log_group import LogGroup
from transforms.jobs.job import lane_app
from transforms.rules.report import RuleReport
from transforms.stores.cursor import Cursor
from transforms.stores.logstore import Logstore


class ByHand:
    def __init__(self, home: Home, plan: JobPlan) -> None:
        self._home, self._plan = home, plan
        self._version = re.findall(r'"rule", "(\w+)"', plan.definition.rule_text)[0]

    def run(self, ranges: Mapping[int, tuple[Cursor, Cursor]]) -> dict[int, ComputedSlice]:
        if (slow := self._home.path / "slow").exists():
            (self._home.path / "computing").touch()
            time.sleep(float(slow.read_text()))
        if (lock := self._home.path / "lock").exists():
            lock.unlink()
            database = sqlite3.connect(self._home.path / "catalogue.sqlite")
            database.execute("begin immediate")
            os.kill(os.getpid(), signal.SIGSTOP)
        if (fault := self._home.path / "fault").exists():
            kind = {"down": StoreUnavailable, "bad": ParameterInvalid}.get(fault.read_text(), ZeroDivisionError)
            raise kind("as it was told")
        return {shard: self._computed(shard, *place) for shard, place in ranges.items()}

    def _computed(self, shard: int, begin: Cursor, end: Cursor) -> ComputedSlice:
        source: Logstore = self._home.open_logstore(*self._plan.job.source)
        routed: dict[str, list[dict[str, str]]] = defaultdict(list)
        read, place = 0, begin
        while place < end:
            pulled = source.pull(shard, place, until=end)
            place = pulled.cursor
            for log in [] if pulled.group is None else pulled.group.to_logs():
                read += 1
                self._route(log, routed)
        lane = lane_app(self._plan.job.id, self._plan.job.generation, shard)
        files = {
            f"default/{name}": self._home.open_logstore("default", name).write_files(
                [LogGroup.from_logs(logs, [1_700_000_000] * len(logs))], origin=lane
            )
            for name, logs in routed.items()
        }
        dead = len(routed[DEAD])
        dropped = read - dead - sum(len(logs) for name, logs in routed.items() if name not in (DEAD, ERRORS))
        return ComputedSlice(files, RuleReport(read, read - dead - dropped, dropped, dead))

    def _route(self, log: dict[str, str], routed: dict[str, list[dict[str, str]]]) -> None:
        level, made = log["level"], {**log, "rule": self._version}
        if level == "bad":
            routed[DEAD].append({"log": json.dumps(log)})
            return
        if level == "error":
            routed[ERRORS].append(made)
        if level == "tenant":
            routed[f"tenant-{log['tenant']}"].append(made)
        elif level != "debug":
            routed[MAIN].append(made)


if __name__ == "__main__":
    run_instance(int(sys.argv[1]), lambda home, plan: nullcontext(ByHand(home, plan)))
