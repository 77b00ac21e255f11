"""A story of the kind ``data_transformation``: import its logs, run its job, compare every target, backfill and compare again."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.conftest import Cli

__all__ = ["run_story", "targets_of"]


def run_story(story: Path, cli: Cli, folder: Path) -> None:
    """Run a story as its README tells; ``expected/LOGSTORE.jsonl`` holds what each Logstore shows afterwards, line by line.

    ``story.json``: ``logstore`` and ``import`` (arguments) of the source; ``setup``: command lines that come first; ``sqlite``: script
    of the database that the job reads, whose address is in ``USERS_DATABASE``; ``environment``; ``exit``: the job's exit code (1: some
    logs fail); ``shows``: the Logstores whose expected logs are kept.
    """
    told: dict[str, Any] = json.loads((story / "story.json").read_text())
    env = {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), **told.get("environment", {})}
    if "sqlite" in told:
        with closing(sqlite3.connect(folder / "tables.sqlite")) as connection:
            connection.executescript((story / told["sqlite"]).read_text())
        env["USERS_DATABASE"] = f"sqlite:{folder / 'tables.sqlite'}"
    _done(cli("logstore", "create", told["logstore"]))
    _done(cli("import", told["logstore"], *told["import"], cwd=story, env=env))
    for line in told.get("setup", []):
        _done(cli(*line, cwd=story, env=env))
    job = str(story / "job.yaml")
    for verb in (("transform", job), ("transform", job), ("backfill", job, "--reason", "the same again")):
        result = cli(*verb, env=env)
        allowed = (0, told.get("exit", 0))
        assert result.code in allowed, result.stderr
        for logstore, expected in targets_of(story).items():
            shown = _done(cli("query", logstore, "*", "--limit", "1000", "--format", "jsonl"))
            if os.environ.get("LOGSLUICE_WRITE_EXPECTED"):
                (story / "expected").mkdir(exist_ok=True)
                (story / "expected" / f"{logstore}.jsonl").write_text(shown)
                continue
            assert shown.splitlines() == expected.splitlines(), (story.name, verb[0], logstore)


def targets_of(story: Path) -> dict[str, str]:
    """Logstore → what it is expected to show."""
    if os.environ.get("LOGSLUICE_WRITE_EXPECTED"):
        told = json.loads((story / "story.json").read_text())
        return dict.fromkeys(told["shows"], "")
    return {path.stem: path.read_text() for path in sorted((story / "expected").glob("*.jsonl"))}


def _done(result: Any) -> str:
    assert result.code == 0, result.stderr
    return str(result.stdout)
