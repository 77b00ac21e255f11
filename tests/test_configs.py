"""Every story under `configs/` runs as its README tells, and gives the rows it promises."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from tests.configs_continuous import run_story as run_continuous_story
from tests.configs_scheduled import run_story as run_scheduled_story
from tests.configs_transform import run_story as run_transform_story
from tests.conftest import ROOT, Cli

STORIES = sorted(path.parent for path in (ROOT / "configs").glob("**/story.json"))


def test_every_folder_of_configs_is_a_story() -> None:
    leaves = {path.parent for path in (ROOT / "configs").glob("**/*") if path.is_file() and path.parent.name != "expected"}
    assert leaves == set(STORIES) and STORIES


@pytest.mark.parametrize("story", STORIES, ids=lambda path: str(path.relative_to(ROOT / "configs")))
def test_story(story: Path, cli: Cli, tmp_path: Path, home: Home) -> None:
    if story.name == "continuous":
        run_continuous_story(story, cli, home)
        return
    if story.parent.name == "data_transformation":
        run_transform_story(story, cli, tmp_path)
        return
    if story.parent.name == "scheduled_sql":
        run_scheduled_story(story, cli, tmp_path)
        return
    told: dict[str, Any] = json.loads((story / "story.json").read_text())
    logstore = told["logstore"]
    _done(cli("logstore", "create", logstore, "--index", str(story / "index.json")))
    _done(cli("import", logstore, *told["import"], cwd=story, env={"PYTHONPATH": str(ROOT)}))
    if told["external_stores"]:
        connection = sqlite3.connect(tmp_path / "tables.sqlite")
        connection.executescript((story / "tables.sql").read_text())
        connection.close()
    for name in told["external_stores"]:
        config = {"externalStoreName": name, "storeType": "sqlite", "parameter": {"db": str(tmp_path / "tables.sqlite"), "table": name}}
        _done(cli("external-store", "create", "--config", json.dumps(config)))
    statement = (story / "query.txt").read_text()
    rows = _done(cli("query", logstore, statement, "--format", "jsonl"))
    if (story / "read_back.txt").exists():
        rows += _done(cli("query", logstore, (story / "read_back.txt").read_text(), "--format", "jsonl"))
    assert rows == (story / "expected.jsonl").read_text()
    if not told["external_stores"] or "insert" not in statement:
        assert (
            _done(cli("query", logstore, statement, "--format", "jsonl", "--runner", "DirectRunner"))
            == (story / "expected.jsonl").read_text()
        )


def _done(result: Any) -> str:
    assert result.code == 0, result.stderr
    return str(result.stdout)
