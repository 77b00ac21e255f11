"""A story of the kind ``scheduled_sql``: import its logs, let its task catch up, compare the destination, run all again and compare again."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.conftest import Cli

__all__ = ["run_story"]

_OF_THIS_RUN = ("__tag__:__instance_id__", "__tag__:__trigger_time__")


def run_story(story: Path, cli: Cli, folder: Path) -> None:
    """Run a story as its README tells; ``expected/NAME.jsonl`` holds what the destination shows afterwards.

    ``story.json``: ``logstore`` and ``import`` (arguments) of the source; ``setup``: command lines that come first; ``sqlite``: script
    of the database behind the ``external_stores``; ``task`` and how many ``instances`` its schedule makes; ``backfill``: its range and
    how many instances there are afterwards; ``shows``: the destinations that are queried; ``shows_table``: a statement to the database.
    """
    told: dict[str, Any] = json.loads((story / "story.json").read_text())
    database, task = folder / "tables.sqlite", told["task"]
    _done(cli("logstore", "create", told["logstore"], "--index", str(story / "index.json")))
    _done(cli("import", told["logstore"], *told["import"], cwd=story, env={"PYTHONPATH": str(Path(__file__).resolve().parents[1])}))
    for line in told.get("setup", []):
        _done(cli(*line))
    if "sqlite" in told:
        with closing(sqlite3.connect(database)) as connection:
            connection.executescript((story / told["sqlite"]).read_text())
    for name in told.get("external_stores", []):
        config = {"externalStoreName": name, "storeType": "sqlite", "parameter": {"db": str(database), "table": name}}
        _done(cli("external-store", "create", "--config", json.dumps(config)))
    _done(cli("task", "create", str(story / "task.yaml")))
    _done(cli("scheduler", "run", "--once"))
    assert _states(cli, task) == ["SUCCEEDED"] * told["instances"]
    if "backfill" in told:
        asked = told["backfill"]
        _backfill(cli, task, 1, asked["from"], asked["to"])
        assert _states(cli, task) == ["SUCCEEDED"] * asked["instances"]
    shown = _shown(told, cli, database)
    for name, text in shown.items():
        expected = story / "expected" / f"{name}.jsonl"
        if os.environ.get("LOGSLUICE_WRITE_EXPECTED"):
            expected.parent.mkdir(exist_ok=True)
            expected.write_text(text)
        assert text == expected.read_text(), (story.name, name)
    _done(cli("instance", "retry", task, *(instance["instanceId"] for instance in _instances(cli, task))))
    _done(cli("scheduler", "run", "--once"))
    assert _shown(told, cli, database) == shown, "running every instance again must replace its rows"
    if "backfill" in told:
        _backfill(cli, task, 2, told["backfill"]["from"], told["backfill"]["to"], "--again")
        assert _shown(told, cli, database) == shown, "a backfill of the same range must replace its rows"


def _backfill(cli: Cli, task: str, number: int, start: str, end: str, *more: str) -> None:
    _done(cli("backfill", "create", "--task", task, "--from", start, "--to", end, "--reason", "the story", *more))
    _done(cli("backfill", "show", task, str(number)))
    _done(cli("backfill", "apply", task, str(number)))


def _instances(cli: Cli, task: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _done(cli("instance", "list", task, "--format", "jsonl")).splitlines()]


def _states(cli: Cli, task: str) -> list[str]:
    return [instance["state"] for instance in _instances(cli, task)]


def _shown(told: dict[str, Any], cli: Cli, database: Path) -> dict[str, str]:
    """Destination → its rows as text, without what no two runs have in common."""
    shown = {}
    for name in told.get("shows", []):
        lines = _done(cli("query", name, "*", "--limit", "1000", "--format", "jsonl")).splitlines()
        shown[name] = "".join(f"{line}\n" for line in sorted(map(_without_run, lines)))
    if "shows_table" in told:
        with closing(sqlite3.connect(database)) as connection:
            shown["table"] = "".join(json.dumps(row) + "\n" for row in connection.execute(told["shows_table"]))
    return shown


def _without_run(line: str) -> str:
    log = {name: value for name, value in json.loads(line).items() if name not in _OF_THIS_RUN}
    return json.dumps(log, sort_keys=True, ensure_ascii=False)


def _done(result: Any) -> str:
    assert result.code == 0, result.stderr
    return str(result.stdout)
