"""The stories of scheduled SQL on both engines: every instance gives the same rows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.query import run_to_table
from pipelines.schedule.instance_plan import plan_window
from pipelines.schedule.scheduled_tasks import load_task
from tests.conftest import ROOT, Cli
from transforms.schedule.task import Task
from transforms.sql.values import plain_rows
from transforms.stores.external_store import ExternalStoreDescriptor

STORIES = sorted(path.parent for path in (ROOT / "configs" / "scheduled_sql").glob("*/task.yaml"))


def make_stores(story: Path, told: dict[str, Any], home: Home, cli: Cli, folder: Path) -> None:
    """The source with its logs, and the tables."""
    for line in (
        ("logstore", "create", told["logstore"], "--index", str(story / "index.json")),
        ("import", told["logstore"], *told["import"]),
    ):
        done = cli(*line, cwd=story, env={"PYTHONPATH": str(ROOT)})
        assert done.code == 0, done.stderr
    if "sqlite" in told:
        with closing(sqlite3.connect(folder / "tables.sqlite")) as connection:
            connection.executescript((story / told["sqlite"]).read_text())
    for name in told.get("external_stores", []):
        descriptor = ExternalStoreDescriptor(name, "sqlite", {"db": str(folder / "tables.sqlite"), "table": name})
        home.catalogue().create_external_store(DEFAULT_PROJECT, descriptor)


def schedule_times(task: Task, whole: bool) -> list[int]:
    """Those that the story's task makes: all, or the first."""
    first = task.first_schedule_time()
    assert first is not None
    return list(task.rule.times(task.range, first))[: None if whole else 1]


@pytest.mark.parametrize("story", STORIES, ids=lambda path: str(path.name))
def test_both_engines_give_the_same_rows(
    story: Path, home: Home, cli: Cli, tmp_path: Path, beam_sql_jar: str, request: pytest.FixtureRequest
) -> None:
    from pipelines.association_query import run_plan
    from pipelines.launch import options_of

    make_stores(story, json.loads((story / "story.json").read_text()), home, cli, tmp_path)
    task = load_task(story / "task.yaml", DEFAULT_PROJECT)
    options = options_of(["--sql_engine", "beam-sql", "--beam_sql_jar", beam_sql_jar, "--beam_sql_timeout", "100"])
    for at in schedule_times(task, request.config.getoption("--soak")):
        window = task.window_at(at)
        expected = list(plain_rows(run_to_table(plan_window(home, task, at, window, 0))))
        plan = plan_window(home, task, at, window, 0, engine="beam-sql")
        found = list(run_plan(plan, options, now_seconds=0).rows.plain())
        assert expected, "a story's window has rows"
        if "order by" in task.script:
            assert found == expected
        else:
            assert sorted(map(repr, found)) == sorted(map(repr, expected))
