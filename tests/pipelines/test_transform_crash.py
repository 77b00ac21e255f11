"""Transformation jobs killed with -9 at every durable moment: nothing lost, nothing doubled, in no target."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.home import Home
from tests.pipelines.transform_world import RULE, check_whole, make_source, rows_of, write_job
from tests.warm_crash import WarmProgram

ALL = range(40)


@pytest.fixture(scope="module")
def program() -> Iterator[WarmProgram]:
    with WarmProgram("tests.pipelines.transform_program") as started:
        yield started


def _made(folder: Path) -> Home:
    folder.mkdir()
    home = Home.create(folder / "home")
    make_source(home, logs=20)
    write_job(folder)
    return home


def _arguments(folder: Path, verb: str, *more: str) -> list[str]:
    return [str(folder / "home"), verb, str(write_job(folder, *more[:1])), *more[1:]]


def _chosen(moments: list[str], request: pytest.FixtureRequest, most: int) -> list[int]:
    """All moments, or those of the job's own ledger and a seeded sample of the others."""
    if request.config.getoption("--soak"):
        return list(range(len(moments)))
    own = [number for number, moment in enumerate(moments) if moment.startswith("transform.")]
    others = [number for number in range(len(moments)) if number not in own]
    return sorted({*own, *random.Random(len(moments)).sample(others, min(most, len(others)))})


@pytest.mark.timeout(1_200)
def test_a_run_killed_at_every_durable_moment(tmp_path: Path, program: WarmProgram, request: pytest.FixtureRequest) -> None:
    _made(tmp_path / "counted").close()
    moments = program.run(*_arguments(tmp_path / "counted", "transform"))
    assert {"transform.begin before", "transform.intent after", "transform.finish before"} <= set(moments)
    for number in _chosen(moments, request, 3):
        folder = tmp_path / str(number)
        _made(folder).close()
        arguments = _arguments(folder, "transform")
        program.killed_at(number, *arguments)
        program.run(*arguments)
        home = Home(folder / "home")
        check_whole(home, ALL)
        home.close()


@pytest.mark.timeout(1_200)
def test_a_backfill_killed_shows_the_old_or_the_new(tmp_path: Path, program: WarmProgram, request: pytest.FixtureRequest) -> None:
    again = (RULE.replace('"access"', '"new"'), "--reason", "kind")
    _made(tmp_path / "counted").close()
    program.run(*_arguments(tmp_path / "counted", "transform"))
    moments = program.run(*_arguments(tmp_path / "counted", "backfill", *again))
    assert "transform.intent after" in moments
    for number in _chosen(moments, request, 2):
        folder = tmp_path / str(number)
        home = _made(folder)
        program.run(*_arguments(folder, "transform"))
        arguments = _arguments(folder, "backfill", *again)
        program.killed_at(number, *arguments)
        rows = rows_of(home, "main")
        assert {log["kind"] for log in rows} in ({"access"}, {"new"}), moments[number]
        assert len(rows) == 48, moments[number]
        program.run(*arguments)
        check_whole(home, ALL)
        assert {log["kind"] for log in rows_of(home, "main")} == {"new"}
        home.close()
