"""Several apps' steps in one commit: each there once, whoever commits which of them when, killed anywhere."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.connectors.logstore_rows import Open, numbered, values
from tests.crash import count_moments, run, run_killed_after, run_killed_at, start
from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, open_delta_logstore
from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.stores.logstore import AppTransaction, CommitStep, DataFile, Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards

LANES = "abcd"

# Commits the next step of some lanes, all in one, until each has ``steps``; the files of a step are written before, like an intent's.
_COMMIT = """
import json
from pathlib import Path
from transforms.connectors.delta import open_delta_logstore
from transforms.stores.commit_intent import files_from_json
from transforms.stores.logstore import AppTransaction, CommitStep, LogstoreDescriptor
from transforms.stores.shard import even_shards

store = open_delta_logstore(LogstoreDescriptor("demo", "steps", {location!r}, even_shards(2)))
written = [files_from_json(one) for one in json.loads(Path({location!r} + ".json").read_text())]
lanes = {lanes!r}
first = min(store.app_version(lane) or 0 for lane in lanes) + 1
for number in range(first, len(written) + 1):
    store.commit_steps([CommitStep(written[number - 1][lane], AppTransaction(lane, number)) for lane in lanes])
"""


def make(location: Path, steps: int) -> DeltaLogstore:
    import json

    from transforms.stores.commit_intent import files_to_json

    descriptor = LogstoreDescriptor("demo", "steps", str(location), even_shards(2))
    create_delta_logstore(descriptor)
    store = open_delta_logstore(descriptor)
    written = [{lane: step_files(store, lane, number) for lane in LANES} for number in range(1, steps + 1)]
    Path(f"{location}.json").write_text(json.dumps([files_to_json(files) for files in written]))
    return store


def step_files(store: Logstore, lane: str, number: int) -> list[DataFile]:
    return store.write_files([numbered([10 * number + LANES.index(lane)])], origin=f"lane/{lane}")


def step(store: Logstore, lane: str, number: int) -> CommitStep:
    return CommitStep(step_files(store, lane, number), AppTransaction(lane, number))


def expected(steps: int) -> Counter[str]:
    return Counter(str(10 * number + at) for number in range(1, steps + 1) for at in range(len(LANES)))


def test_steps_of_several_apps_are_one_version_and_one_receive_time(open_store: Open) -> None:
    store = open_store(shards=2)
    before = store.version()
    done = store.commit_steps([step(store, "a", 1), step(store, "b", 7), CommitStep((), AppTransaction("c", 3))])
    assert [commit.applied for commit in done] == [True, True, True]
    assert len({commit.version for commit in done} | {store.version()}) == 1
    assert [store.app_version(lane) for lane in "abc"] == [1, 7, 3]
    assert len(list(store.tail(before))) == 1 and {file.receive_time for file in store.snapshot().files} == {done[0].receive_time}
    assert sorted(values(store.read())) == ["10", "71"]


def test_only_the_steps_that_are_not_there_yet_are_committed(open_store: Open) -> None:
    store, other = open_store(), open_store()
    steps = [step(store, lane, 1) for lane in LANES]
    assert other.commit_steps([steps[1], steps[3]])[0].applied
    done = store.commit_steps(steps)
    assert [(commit.applied, commit.previous_app_version) for commit in done] == [(True, None), (False, 1), (True, None), (False, 1)]
    assert sorted(values(store.read())) == ["10", "11", "12", "13"]
    version = store.version()
    assert [commit.applied for commit in store.commit_steps(steps)] == [False] * 4
    assert [commit.applied for commit in store.commit_steps([CommitStep((), AppTransaction("a", 0)), steps[2]])] == [False, False]
    assert store.version() == version and store.app_version("a") == 1
    assert store.commit_steps([]) == [] and store.version() == version


def test_files_of_a_step_that_is_there_may_be_gone_and_those_of_one_that_is_not_may_not(open_store: Open) -> None:
    store = open_store()
    first, second = step(store, "a", 1), step(store, "b", 1)
    store.commit_steps([first])
    store.append([numbered([5])])
    store.compact(min_files=2)
    store.vacuum(older_than_hours=0)
    assert not Path(first.files[0].path).exists()
    second = step(store, "b", 1)
    assert [commit.applied for commit in store.commit_steps([first, second])] == [False, True]
    assert not store.commit(first.files, app=first.app).applied
    third, fourth = step(store, "c", 1), step(store, "d", 1)
    Path(fourth.files[0].path).unlink()
    with pytest.raises(StoreRejected, match="gone"):
        store.commit_steps([third, fourth])
    assert store.app_version("c") is None and sorted(values(store.read())) == ["10", "11", "5"]


def test_each_step_replaces_its_own_origins(open_store: Open) -> None:
    store = open_store()
    for lane in LANES:
        store.commit_steps([step(store, lane, 1)])
    steps = [CommitStep(step_files(store, lane, 2), AppTransaction(lane, 2), (f"lane/{lane}", "lane/none")) for lane in "abc"]
    store.commit_steps(steps[1:2])
    done = store.commit_steps(steps)
    assert [(commit.applied, commit.replaced) for commit in done] == [(True, ("lane/a",)), (False, ()), (True, ("lane/c",))]
    assert sorted(values(store.read())) == ["13", "20", "21", "22"]


def test_two_steps_of_one_app_and_senseless_apps_are_refused(open_store: Open) -> None:
    store = open_store()
    with pytest.raises(ParameterInvalid, match="two steps"):
        store.commit_steps([step(store, "a", 1), step(store, "b", 1), step(store, "a", 2)])
    with pytest.raises(ParameterInvalid):
        store.commit_steps([step(store, "a", 1), CommitStep((), AppTransaction("", 2))])
    assert store.app_version("a") is None and list(store.read()) == []


def test_files_of_a_shard_that_was_split_meanwhile_move(open_store: Open) -> None:
    store = open_store()
    steps = [step(store, lane, 1) for lane in LANES]
    low, high = store.split_shard(0)
    assert all(commit.applied for commit in store.commit_steps(steps))
    assert {file.shard for file in store.snapshot().files} <= {low, high}
    assert sorted(values(store.read())) == ["10", "11", "12", "13"]


# ── killed, racing ───────────────────────────────────────────────────────────


def test_a_commit_of_several_steps_killed_before_or_after_is_all_or_nothing(tmp_path: Path) -> None:
    make(tmp_path / "prepared", 1)

    def copy(name: str) -> str:
        shutil.copytree(tmp_path / "prepared", tmp_path / name)
        text = (tmp_path / "prepared.json").read_text().replace(str(tmp_path / "prepared"), str(tmp_path / name))
        (tmp_path / f"{name}.json").write_text(text)
        return str(tmp_path / name)

    moments = count_moments(_COMMIT.format(location=copy("counted"), lanes=LANES))
    assert moments == ["logstore.commit before", "logstore.commit after"]
    for n, moment in enumerate(moments):
        location = copy(f"killed {n}")
        run_killed_at(_COMMIT.format(location=location, lanes=LANES), n)
        store = open_delta_logstore(LogstoreDescriptor("demo", "steps", location, even_shards(2)))
        assert Counter(values(store.read())) == (expected(1) if n else Counter()), moment
        assert [store.app_version(lane) for lane in LANES] == [n or None] * 4
        run(_COMMIT.format(location=location, lanes=LANES))
        assert Counter(values(store.read())) == expected(1), moment


def race(location: Path, steps: int, kills: int) -> None:
    """Processes that commit overlapping sets of lanes' steps, some killed at any time, while this one compacts."""
    store = make(location, steps)
    sets = ["abc", "bcd", "abcd"]
    codes = [_COMMIT.format(location=str(location), lanes=lanes) for lanes in sets]
    for kill in range(kills):
        others = [start(code) for n, code in enumerate(codes) if n != kill % 3]
        run_killed_after(codes[kill % 3], 0.6 + 0.1 * (kill % 5))
        for other in others:
            other.kill()
            other.communicate()
        assert set(Counter(values(store.read())).values()) <= {1}
    writers = [start(code) for code in codes]
    while any(writer.poll() is None for writer in writers):
        store.compact(min_files=4)
        assert set(Counter(values(store.read())).values()) <= {1}
    for writer in writers:
        out, err = writer.communicate()
        assert writer.returncode == 0, f"{out}\n{err}"
    assert Counter(values(store.read())) == expected(steps)
    assert Counter(value for batch in store.tail(-1) for value in values(batch.groups)) == expected(steps)
    assert [store.app_version(lane) for lane in LANES] == [steps] * 4


def test_processes_with_overlapping_sets_of_steps_race_and_are_killed(tmp_path: Path) -> None:
    race(tmp_path / "store", steps=12, kills=3)


@pytest.mark.soak
def test_soak_overlapping_sets_of_steps(tmp_path: Path) -> None:
    race(tmp_path / "store", steps=150, kills=30)
