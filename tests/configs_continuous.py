"""The story of a continuous job: its scheduler runs, logs come in parts, a shard is split, the job is stopped and started; rows are exact."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.job_figures import figures_of
from tests.conftest import ROOT, Cli

__all__ = ["run_story"]

_PATIENCE = 90.0
_OF_THIS_RUN = ("__time__", "cursor", "rule")
"""What no two runs have in common, of dead letters."""


def run_story(story: Path, cli: Cli, home: Home) -> None:
    """Run the story as its README tells; ``expected/LOGSTORE.jsonl`` holds what each Logstore shows afterwards, line by line.

    ``story.json``: ``logstore`` and its ``shards``; ``setup``: command lines that come first; ``job``: its name; ``parts``: the files
    that are imported while the job runs; ``shows``: the Logstores whose expected logs are kept.
    """
    told: dict[str, Any] = json.loads((story / "story.json").read_text())
    _done(cli("logstore", "create", told["logstore"], "--shards", str(told["shards"])))
    for line in told["setup"]:
        _done(cli(*line))
    _done(cli("job", "create", str(story / "job.yaml")))
    env = {"PYTHONPATH": str(ROOT)}
    first, second, third, last = told["parts"]
    read = 0

    def come(part: str, *, waited_for: bool = True) -> None:
        nonlocal read
        _done(cli("import", told["logstore"], part, cwd=story, env=env))
        read += len((story / part).read_text().splitlines())
        if waited_for:
            _until_read(home, told["job"], read)

    with _scheduler(home) as scheduler:
        come(first)
        _done(cli("shard", "split", told["logstore"], "0"))
        come(second)
        _done(cli("job", "stop", told["job"], "--wait"))
        come(third, waited_for=False)
        assert _accepted(home, told["job"]) < read, "a stopped job reads nothing"
        _done(cli("job", "start", told["job"], "--wait"))
        come(last)
        scheduler.send_signal(signal.SIGTERM)
        assert scheduler.wait(60) == 0
    for logstore in told["shows"]:
        shown = "".join(f"{line}\n" for line in _logs(cli, logstore))
        expected = story / "expected" / f"{logstore}.jsonl"
        if os.environ.get("LOGSLUICE_WRITE_EXPECTED"):
            expected.parent.mkdir(exist_ok=True)
            expected.write_text(shown)
        assert shown == expected.read_text(), logstore


@contextmanager
def _scheduler(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "pipelines", "--home", str(home.path), "scheduler", "run", "--quiet"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_read(home: Home, job: str, logs: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _accepted(home, job) < logs:
        now = home.job_ledger().job(DEFAULT_PROJECT, job)
        assert now.state != "FAILED" and time.monotonic() < deadline, figures_of(home, now)
        time.sleep(0.1)
    assert _accepted(home, job) == logs


def _accepted(home: Home, job: str) -> int:
    ledger = home.job_ledger()
    return sum(counts.read for counts in ledger.totals(ledger.job(DEFAULT_PROJECT, job)).values())


def _logs(cli: Cli, logstore: str) -> list[str]:
    """Sorted."""
    logs = [json.loads(line) for line in _done(cli("query", logstore, "*", "--limit", "1000", "--format", "jsonl")).splitlines()]
    kept = [{name: value for name, value in log.items() if "cursor" not in log or name not in _OF_THIS_RUN} for log in logs]
    return sorted(json.dumps(log, sort_keys=True, ensure_ascii=False) for log in kept)


def _done(result: Any) -> str:
    assert result.code == 0, result.stderr
    return str(result.stdout)
