"""What a continuous job is planned to do: its rule and targets checked, its Logstores made, those of later found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.job_plan import LOOK_SECONDS, ReachableStores, plan_job
from pipelines.transformation.transform_plan import DEAD_LETTERS
from tests.pipelines.slice_world import job_of_file, make_sharded_source
from tests.pipelines.transform_world import write_job
from transforms.core.errors import NotFound
from transforms.rules.problems import RuleInvalid
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.create(tmp_path / "home")
    make_sharded_source(home, 5)
    yield home
    home.close()


def make(home: Home, name: str) -> None:
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(1)))


def test_logstores_that_may_be_made_are_made(home: Home, tmp_path: Path) -> None:
    plan = plan_job(home, *job_of_file(write_job(tmp_path)))
    names = {"source", "main", "errors", "source-dead-letters", "internal-etl-log"}
    assert set(home.catalogue().list_logstores(DEFAULT_PROJECT).names) == names
    assert set(plan.stores) == {f"default/{name}" for name in names}
    assert plan.targets == {"main": "default/main", "errors": "default/errors", DEAD_LETTERS: "default/source-dead-letters"}
    assert plan.named == ("default/main", "default/errors", "default/source-dead-letters")
    assert plan.source.name == "source" and plan.project == DEFAULT_PROJECT and plan.rule.steps
    assert plan_job(home, *job_of_file(write_job(tmp_path))).stores == plan.stores


def test_everything_that_is_missing_is_told_at_once_and_nothing_is_made(home: Home, tmp_path: Path) -> None:
    path = write_job(tmp_path)
    path.write_text(path.read_text().replace("main, create: true", "main").replace("errors, create: true", "errors"))
    with pytest.raises(NotFound, match="default/main, default/errors") as error:
        plan_job(home, *job_of_file(path))
    assert error.value.code == "LogStoreNotExist" and "create: true" in (error.value.hint or "")
    assert home.catalogue().list_logstores(DEFAULT_PROJECT).names == ("source",)
    with pytest.raises(RuleInvalid) as invalid:
        plan_job(home, *job_of_file(write_job(tmp_path, 'e_sett("a", "b")\ne_coutput("nowhere")\ne_set(\n')))
    assert invalid.value.problems
    with pytest.raises(RuleInvalid, match="nowhere"):
        plan_job(home, *job_of_file(write_job(tmp_path, 'e_coutput("nowhere")\n')))
    assert home.catalogue().list_logstores(DEFAULT_PROJECT).names == ("source",)
    home.delete_logstore(DEFAULT_PROJECT, "source")
    with pytest.raises(NotFound):
        plan_job(home, *job_of_file(write_job(tmp_path)))


def test_a_plan_is_kept_up_with_the_catalogue_every_few_seconds(home: Home, tmp_path: Path) -> None:
    now = 100.0
    plan = plan_job(home, *job_of_file(write_job(tmp_path)))
    reachable = ReachableStores(home, plan, lambda: now)
    make(home, "later")
    assert reachable.plan() is plan
    now += LOOK_SECONDS
    later = reachable.plan()
    assert set(later.stores) - set(plan.stores) == {"default/later"} and later.targets == plan.targets
    now += LOOK_SECONDS
    assert reachable.plan() is later  # nothing changed: the same object
    home.delete_logstore(DEFAULT_PROJECT, "later")
    assert reachable.plan() is later
    assert reachable.plan(fresh=True).stores == plan.stores
