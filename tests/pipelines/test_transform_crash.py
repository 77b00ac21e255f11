"""Transformation jobs killed with -9 at every durable moment: nothing lost, nothing doubled, in no target."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipelines.home import Home
from tests.crash import count_moments, start
from tests.pipelines.transform_world import RULE, check_whole, make_source, rows_of, write_job

ALL = range(40)


def _moments(tmp_path: Path) -> list[str]:
    folder = tmp_path / "counted"
    folder.mkdir()
    home = Home.create(folder / "home")
    make_source(home, logs=20)
    home.close()
    return count_moments(_program(folder / "home", "transform", str(write_job(folder))))


def _program(home: Path, *arguments: str) -> list[str]:
    # A job some of whose logs fail ends with 1, which here is no failure.
    return ["tests.pipelines.transform_program", str(home), *arguments]


def _killed(program: list[str], moment: int) -> None:
    process = start(program, kill_at=moment)
    process.communicate(timeout=120)
    assert process.returncode == -9


def _sample(moments: list[str], request: pytest.FixtureRequest, most: int) -> list[int]:
    if request.config.getoption("--soak"):
        return list(range(len(moments)))
    seeded = random.Random(len(moments))
    own = [number for number, moment in enumerate(moments) if moment.startswith("transform.")]
    others = [number for number in range(len(moments)) if number not in own]
    return sorted({*own, *seeded.sample(others, min(most, len(others)))})


def test_a_run_killed_at_every_durable_moment(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    moments = _moments(tmp_path)
    assert {"transform.begin before", "transform.intent after", "transform.finish before"} <= set(moments)
    for number in _sample(moments, request, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        home = Home.create(folder / "home")
        make_source(home, logs=20)
        home.close()
        program = _program(folder / "home", "transform", str(write_job(folder)))
        _killed(program, number)
        _finish(program)
        home = Home(folder / "home")
        check_whole(home, ALL)
        home.close()


def test_a_backfill_killed_shows_the_old_or_the_new(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for number in range(0, 60, 4 if request.config.getoption("--soak") else 13):
        folder = tmp_path / str(number)
        folder.mkdir()
        home = Home.create(folder / "home")
        make_source(home, logs=20)
        job = write_job(folder)
        _finish(_program(folder / "home", "transform", str(job)))
        write_job(folder, RULE.replace('"access"', '"new"'))
        backfill = _program(folder / "home", "backfill", str(job), "--reason", "kind")
        process = start(backfill, kill_at=number)
        process.communicate(timeout=120)
        kinds = {log["kind"] for log in rows_of(home, "main")}
        assert kinds in ({"access"}, {"new"})
        check_whole_of_one_kind = len(rows_of(home, "main"))
        assert check_whole_of_one_kind == 48
        _finish(backfill)
        check_whole(home, ALL)
        assert {log["kind"] for log in rows_of(home, "main")} == {"new"}
        home.close()


def _finish(program: list[str]) -> None:
    process = start(program)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, f"{out}\n{err}"
