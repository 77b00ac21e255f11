"""The demo's third part: a job that never ends. Logs come for a few seconds while a scheduler runs it; a live table shows them pass.

Everything is made anew each time, so that every run of the demo gives the same counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from pipelines.cli.app import App
from pipelines.cli.job_live import draw
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.definition import new_job
from pipelines.jobs.job_figures import JobFigures, figures_of
from pipelines.jobs.job_watch import figures_lines
from pipelines.transformation.transform_job import INTERNAL_LOG, JobTarget, TransformJob
from transforms.core.errors import LogsluiceError, NotFound
from transforms.jobs.job import JobState
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["run_continuous"]

_JOB, _SOURCE = "live-game", "live_game"
_RULE = """\
e_if(e_search("operation: heartbeat"), DROP)
e_set("cents", op_mul(ct_int(v("money")), 100))
e_if(e_search("operation: buy and cents >= 50000"), e_output("big"))
"""
_TARGETS = {"main": "live_clean", "big": "live_big_spenders"}
_DEAD = "live_dead"
_EVERY = 0.25
_AT_ONCE = 500
_PATIENCE = 60.0
_SHOW_EVERY = 0.5
_SENT = "sent_us"
_SECOND = 1_000_000


def run_continuous(app: App, home: Home, seconds: int) -> None:
    """Make the job, let logs come for so many seconds while a scheduler runs, and compare the targets with what was sent."""
    app.emit(f"\nA job that never ends: logs come for {seconds} seconds while a scheduler runs it\n")
    app.emit("".join(f"  {line}\n" for line in _RULE.splitlines()))
    _make(home)
    live = _Live(app, home)
    with tempfile.TemporaryFile() as said, _scheduler(home, said) as scheduler:
        _until_running(live, scheduler, said)
        sent = _send(home, live, seconds)
        figures = _until_read(live, sent)
    _compare(home, figures, sent)
    counts = figures.counts
    app.emit(
        f"{sent:,} logs sent: {counts.delivered:,} delivered, {counts.dropped:,} dropped by the rule, {counts.dead:,} failed; "
        "each is in its place exactly once"
    )
    median, most = _latency(home)
    app.emit(f"from the sender to the target: {median:.2f} s (median), {most:.2f} s at most")


def _log(number: int) -> dict[str, str]:
    """The same log for the same number."""
    operation = ("fight", "buy", "move", "heartbeat")[number * 7 % 4]
    return {"number": str(number), "operation": operation, "money": "?" if number % 1_000 == 6 else str(number * 37 % 649)}


def _make(home: Home) -> None:
    ledger = home.job_ledger()
    with suppress(NotFound):
        ledger.delete(DEFAULT_PROJECT, _JOB)
    for name in (_SOURCE, *_TARGETS.values(), _DEAD):
        with suppress(NotFound):
            home.delete_logstore(DEFAULT_PROJECT, name)
    index = Index(fields={"operation": FieldIndex(), "cents": FieldIndex("long")})
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, _SOURCE, "", even_shards(2), index))
    targets = {name: JobTarget(DEFAULT_PROJECT, store, create=True) for name, store in _TARGETS.items()}
    dead, log = (JobTarget(DEFAULT_PROJECT, name, create=True) for name in (_DEAD, INTERNAL_LOG))
    job = TransformJob(_JOB, JobTarget(DEFAULT_PROJECT, _SOURCE), _RULE, "the demo's rule", targets, dead, log)
    ledger.create(new_job(DEFAULT_PROJECT, job, ledger.now_us()))


@contextmanager
def _scheduler(home: Home, said: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "pipelines", "--home", str(home.path)]
    command += [] if home.catalogue_url is None else ["--catalogue", home.catalogue_url]
    process = subprocess.Popen(
        [*command, "scheduler", "run", "--quiet", "--workers", "1"], stdin=subprocess.DEVNULL, stdout=said, stderr=said
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_running(live: _Live, scheduler: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    """Until an instance works: a process that imports Beam takes a moment."""
    deadline = time.monotonic() + _PATIENCE
    while not live.show().active_shards:
        if time.monotonic() > deadline or scheduler.poll() is not None:
            said.seek(0)
            raise LogsluiceError(f"the scheduler did not start the job: {said.read().decode(errors='replace')[-2_000:]}")
        time.sleep(0.1)


def _send(home: Home, live: _Live, seconds: int) -> int:
    """Append logs at an even pace; how many."""
    from transforms.core.log_group import LogGroup

    store = home.open_logstore(DEFAULT_PROJECT, _SOURCE)
    began, sent = time.monotonic(), 0
    for step in range(1, round(seconds / _EVERY) + 1):
        now = time.time_ns() // 1_000
        logs = [{**_log(sent + one), _SENT: str(now)} for one in range(_AT_ONCE)]
        store.append([LogGroup.from_logs(logs, [now // _SECOND] * _AT_ONCE, [now % _SECOND * 1_000] * _AT_ONCE)])
        sent += _AT_ONCE
        live.show()
        time.sleep(max(0.0, began + step * _EVERY - time.monotonic()))
    return sent


def _until_read(live: _Live, sent: int) -> JobFigures:
    deadline = time.monotonic() + _PATIENCE
    while live.show().counts.read < sent:
        if time.monotonic() > deadline or live.show().job.state is JobState.FAILED:
            raise LogsluiceError("\n".join(["the job does not get on", *figures_lines(live.show())]), hint="please report this")
        time.sleep(0.1)
    return live.show()


def _compare(home: Home, figures: JobFigures, sent: int) -> None:
    """Other logs, or one more or less of any, would be a defect, so they end the demo."""
    made = [_log(number) for number in range(sent)]
    good = [log for log in made if log["operation"] != "heartbeat" and log["money"] != "?"]
    expected = {
        _TARGETS["main"]: [log["number"] for log in good if not _is_big(log)],
        _TARGETS["big"]: [log["number"] for log in good if _is_big(log)],
        _DEAD: [log["number"] for log in made if log["operation"] != "heartbeat" and log["money"] == "?"],
    }
    for name, numbers in expected.items():
        groups = home.open_logstore(DEFAULT_PROJECT, name).read(fields=("number", "log"))
        logs = [log for group in groups for log in group.to_logs()]
        found = [(json.loads(log["log"]) if name == _DEAD else log)["number"] for log in logs]
        if sorted(found) != sorted(numbers):
            raise LogsluiceError(f"{name} has {len(found):,} logs, not the {len(numbers):,} that it should have", hint="please report this")
    counted = (figures.counts.read, figures.counts.dead)
    if counted != (sent, len(expected[_DEAD])):
        raise LogsluiceError(f"the job's figures say {counted}, not {sent, len(expected[_DEAD])}", hint="please report this")


def _is_big(log: dict[str, str]) -> bool:
    return log["operation"] == "buy" and int(log["money"]) >= 500


def _latency(home: Home) -> tuple[float, float]:
    """Seconds from the moment a log was made to that of its commit in the default target: the median, and the most."""
    import numpy as np

    waits = []
    for group in home.open_logstore(DEFAULT_PROJECT, _TARGETS["main"]).read(fields=(_SENT,)):
        assert group.receive_times is not None, "a Logstore's logs have been received"
        waits.append(group.receive_times.to_numpy() - np.array([int(log[_SENT]) for log in group.to_logs()]))
    seconds = np.concatenate(waits) / _SECOND
    return float(np.median(seconds)), float(seconds.max())


class _Live:
    """The table, drawn again and again; on a terminal alone."""

    def __init__(self, app: App, home: Home) -> None:
        self._app, self._home = app, home
        self._drawn = 0
        self._next = 0.0
        self._figures: JobFigures | None = None

    def show(self) -> JobFigures:
        """Of now, or of half a second ago."""
        if self._figures is None or time.monotonic() >= self._next:
            self._figures = figures_of(self._home, self._home.job_ledger().job(DEFAULT_PROJECT, _JOB))
            if self._app.stdout_is_terminal:
                self._drawn = draw(figures_lines(self._figures), self._drawn)
            self._next = time.monotonic() + _SHOW_EVERY
        return self._figures
