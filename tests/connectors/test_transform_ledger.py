"""The ledger of transformation jobs in SQLite and MariaDB: numbers, who may commit, what two launchers see of each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from transforms.connectors import open_catalogue
from transforms.core.errors import CommitConflict, NotFound
from transforms.core.interval import Interval
from transforms.stores.catalogue import Catalogue
from transforms.stores.transform_ledger import TransformRun


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    database = request.getfixturevalue("mariadb").database()
    return f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"


@pytest.fixture
def catalogue(place: str) -> Iterator[Catalogue]:
    opened = open_catalogue(place)
    opened.create_project("shop")
    yield opened
    opened.close()


def new_run(job: str = "clean", **changes: object) -> TransformRun:
    run = TransformRun(job, 0, "running", (Interval(0, 10),), "digest", "why – 理由", started_us=5)
    return dataclasses.replace(run, **changes)  # type: ignore[arg-type]


def states(catalogue: Catalogue) -> list[str]:
    return [run.state for run in catalogue.list_transforms("shop", "clean")]


def test_a_run_is_kept_as_it_was_recorded(catalogue: Catalogue) -> None:
    first = catalogue.start_transform("shop", new_run(pieces=tuple(Interval(n, n + 1) for n in range(20_000))))
    assert first.number == 1 and catalogue.list_transforms("shop", "clean") == (first,)
    committing = dataclasses.replace(first, state="committing", intent={"files": {"shop/main": ["x" * 200_000]}}, summary={"read": 7})
    catalogue.record_transform("shop", committing)
    assert catalogue.list_transforms("shop", "clean") == (committing,)
    finished = dataclasses.replace(committing, state="finished", intent={}, ended_us=9)
    catalogue.record_transform("shop", finished)
    assert catalogue.list_transforms("shop", "clean") == (finished,)
    assert catalogue.start_transform("shop", new_run("other")).number == 1
    assert list(catalogue.list_transform_jobs("shop")) == ["clean", "other"]


def test_an_older_run_cannot_commit_once_a_newer_one_began(catalogue: Catalogue) -> None:
    first = catalogue.start_transform("shop", new_run())
    second = catalogue.start_transform("shop", new_run())
    assert second.number == 2 and states(catalogue) == ["failed", "running"]
    assert catalogue.list_transforms("shop", "clean")[0].summary == {"error": "run 2 took over"}
    with pytest.raises(CommitConflict) as refused:
        catalogue.record_transform("shop", dataclasses.replace(first, state="committing"))
    assert refused.value.code == "TransformTakenOver" and refused.value.hint
    # What stopped the older one itself is no news.
    catalogue.record_transform("shop", dataclasses.replace(first, state="failed", summary={"error": "interrupted"}))
    assert states(catalogue) == ["failed", "running"]


def test_nobody_begins_while_a_run_is_committing_and_many_may_finish_it(catalogue: Catalogue) -> None:
    first = catalogue.start_transform("shop", new_run())
    committing = dataclasses.replace(first, state="committing")
    catalogue.record_transform("shop", committing)
    with pytest.raises(CommitConflict) as refused:
        catalogue.start_transform("shop", new_run())
    assert refused.value.code == "TransformCommitting"
    with pytest.raises(CommitConflict):
        catalogue.record_transform("shop", dataclasses.replace(committing, state="failed"))
    for ended in (7, 8):  # who committed, and who rolled it forward
        catalogue.record_transform("shop", dataclasses.replace(committing, state="finished", ended_us=ended))
    assert catalogue.list_transforms("shop", "clean")[0].ended_us == 7
    with pytest.raises(CommitConflict):
        catalogue.record_transform("shop", committing)


def test_a_plan_that_another_run_has_overtaken_is_refused(catalogue: Catalogue) -> None:
    first = catalogue.start_transform("shop", new_run(), finished=0)
    catalogue.record_transform("shop", dataclasses.replace(first, state="committing"))
    catalogue.record_transform("shop", dataclasses.replace(first, state="finished"))
    with pytest.raises(CommitConflict) as refused:
        catalogue.start_transform("shop", new_run(), finished=0)
    assert refused.value.code == "TransformPlanOutdated" and states(catalogue) == ["finished"]
    assert catalogue.start_transform("shop", new_run(), finished=1).number == 2


def test_an_unknown_run_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound):
        catalogue.record_transform("shop", new_run(number=3))
    assert list(catalogue.list_transforms("shop", "nobody")) == []


def test_launchers_that_begin_together_get_numbers_of_their_own(catalogue: Catalogue, place: str) -> None:
    def begin(_number: int) -> int:
        own = open_catalogue(place)
        try:
            return own.start_transform("shop", new_run()).number
        finally:
            own.close()

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(begin, range(8))) == list(range(1, 9))
    assert states(catalogue).count("running") == 1
