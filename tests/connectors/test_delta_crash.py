"""Killed and racing writers of a Delta Logstore: nothing is lost, nothing is doubled."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.crash import count_moments, run, run_killed_after, run_killed_at, start
from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, open_delta_logstore
from transforms.core.log_group import LogGroup
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

_OPENING = """

from transforms.connectors.delta import open_delta_logstore
from transforms.core.log_group import LogGroup
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

index = Index(None, {{"n": FieldIndex("long")}})
store = open_delta_logstore(LogstoreDescriptor("demo", "crash", {location!r}, even_shards(2), index))


def logs(lane, step):
    return [LogGroup.from_logs([{{"lane": str(lane), "n": str(10 * step + i), f"field {{step % 2}}": "x"}}], [step]) for i in range(2)]
"""

_APPEND = _OPENING + 'store.append(logs("a", {step}), hash_key="k", app=AppTransaction("a", {step}))\n'
_COMPACT = _OPENING + "store.compact(min_files=2)\n"
_APPEND_MANY = (
    _OPENING
    + """
for step in range((store.app_version({lane!r}) or 0) + 1, {steps} + 1):
    store.append(logs({lane!r}, step), hash_key="k", app=AppTransaction({lane!r}, step))
"""
)


def make(location: Path, steps: int = 0) -> DeltaLogstore:
    descriptor = LogstoreDescriptor("demo", "crash", str(location), even_shards(2), Index(None, {"n": FieldIndex("long")}))
    create_delta_logstore(descriptor)
    store = open_delta_logstore(descriptor)
    for step in range(1, steps + 1):
        store.append(groups("a", step), hash_key="k", app=AppTransaction("a", step))
    return store


def groups(lane: str, step: int) -> list[LogGroup]:
    return [LogGroup.from_logs([{"lane": lane, "n": str(10 * step + i), f"field {step % 2}": "x"}], [step]) for i in range(2)]


def found(store: DeltaLogstore) -> Counter[tuple[str, int]]:
    """Each log that a reader sees, and how often."""
    return Counter((log["lane"], int(log["n"])) for one in store.read() for log in one.to_logs())


def followed(store: DeltaLogstore) -> Counter[tuple[str, int]]:
    """Each log that a tail sees, and how often."""
    return Counter((log["lane"], int(log["n"])) for batch in store.tail(-1) for one in batch.groups for log in one.to_logs())


def expected(*lanes: str, steps: int) -> Counter[tuple[str, int]]:
    return Counter((lane, 10 * step + i) for lane in lanes for step in range(1, steps + 1) for i in range(2))


def each_moment(tmp_path: Path, code: str, steps: int, only: str = "") -> list[tuple[str, DeltaLogstore]]:
    """For every moment of a program (that ``only`` names), a store in which the program was killed there."""
    make(tmp_path / "prepared", steps)

    def copy(name: str) -> str:
        return str(shutil.copytree(tmp_path / "prepared", tmp_path / name))

    moments = count_moments(code.format(location=copy("counted"), step=2))
    killed = []
    for n, moment in enumerate(moments):
        if only in moment:
            run_killed_at(code.format(location=copy(f"killed {n}"), step=2), n)
            killed.append((moment, make(tmp_path / f"killed {n}")))
    return killed


def test_an_append_killed_anywhere_and_repeated_is_there_once(tmp_path: Path) -> None:
    killed = each_moment(tmp_path, _APPEND, 1)
    names = [moment for moment, _ in killed]
    assert names == [f"logstore.{what} {when}" for what in ("add-columns", "write-file", "commit") for when in ("before", "after")]
    for moment, store in killed:
        seen = found(store)
        done = moment == "logstore.commit after"
        assert seen == expected("a", steps=2 if done else 1), moment  # all of the commit or nothing
        again = store.append(groups("a", 2), app=AppTransaction("a", 2))
        assert again.applied != done, moment
        assert found(store) == followed(store) == expected("a", steps=2), moment
        orphans = 1 if moment in ("logstore.write-file after", "logstore.commit before") else 0
        assert store.vacuum(older_than_hours=0).files_removed == orphans, moment
        assert found(store) == expected("a", steps=2), moment


def test_a_compaction_killed_anywhere_changes_no_log(tmp_path: Path) -> None:
    killed = each_moment(tmp_path, _COMPACT, 6)
    assert {moment for moment, _ in killed} == {
        f"logstore.{what} {when}" for what in ("write-file", "commit") for when in ("before", "after")
    }
    for moment, store in killed:
        assert found(store) == followed(store) == expected("a", steps=6), moment
        store.compact(min_files=2)
        assert found(store) == followed(store) == expected("a", steps=6), moment
        assert store.snapshot().files_total == 1, moment
        store.vacuum(older_than_hours=0)
        assert found(store) == expected("a", steps=6), moment


def test_a_checkpoint_killed_before_or_after_leaves_a_table_that_opens(tmp_path: Path) -> None:
    # Version 32 is the first that writes a checkpoint; two changes of columns come before it.
    code = _APPEND_MANY.replace("{steps}", "30").replace("{lane!r}", "'a'")
    killed = each_moment(tmp_path, code, 27, only="checkpoint")
    assert [moment for moment, _ in killed] == ["logstore.checkpoint before", "logstore.checkpoint after"]
    for _, store in killed:
        for step in range((store.app_version("a") or 0) + 1, 31):
            store.append(groups("a", step), app=AppTransaction("a", step))
        assert found(store) == followed(store) == expected("a", steps=30)


def kill_at_random_times(location: Path, seed: int, kills: int, steps: int) -> None:
    """Lanes a and b, one after the other killed at any time and started again, until both are through."""
    store = make(location)
    chance = random.Random(seed)
    codes = [_APPEND_MANY.format(location=str(location), lane=lane, steps=steps) for lane in "ab"]
    for kill in range(kills):
        run_killed_after(codes[kill % 2], 0.3 + 1.2 * chance.random())
        seen = found(store)
        assert set(seen.values()) <= {1} and seen.total() % 2 == 0
    for code in codes:
        run(code)
    assert found(store) == followed(store) == expected("a", "b", steps=steps)
    store.vacuum(older_than_hours=0)
    assert found(store) == expected("a", "b", steps=steps)


def race(location: Path, lanes: str, steps: int) -> DeltaLogstore:
    """Writers append at once while this process compacts all the while."""
    store = make(location)
    writers = [start(_APPEND_MANY.format(location=str(location), lane=lane, steps=steps)) for lane in lanes]
    compactions = 0
    while any(writer.poll() is None for writer in writers):
        compactions += store.compact(min_files=4).files_added
        seen = found(store)
        assert set(seen.values()) <= {1}
    for writer in writers:
        out, err = writer.communicate()
        assert writer.returncode == 0, f"{out}\n{err}"
        assert err == ""  # a failed side job would be logged
    assert compactions > 0
    assert found(store) == followed(store) == expected(*lanes, steps=steps)
    times = [batch.receive_time for batch in store.tail(-1)]
    assert times == sorted(set(times))
    assert all(store.app_version(lane) == steps for lane in lanes)
    return store


def test_writers_killed_at_random_times(tmp_path: Path) -> None:
    kill_at_random_times(tmp_path / "store", seed=7, kills=4, steps=25)


def test_four_writers_race_with_a_compactor(tmp_path: Path) -> None:
    store = race(tmp_path / "store", "abcd", 15)
    store.compact(min_files=2)
    store.vacuum(older_than_hours=0)
    assert found(store) == expected(*"abcd", steps=15)


def test_writers_of_one_lane_commit_each_step_once(tmp_path: Path) -> None:
    store = make(tmp_path / "store")
    code = _APPEND_MANY.format(location=str(tmp_path / "store"), lane="a", steps=20)
    writers = [start(code) for _ in range(2)]
    for writer in writers:
        out, err = writer.communicate()
        assert writer.returncode == 0, f"{out}\n{err}"
    assert found(store) == followed(store) == expected("a", steps=20)


@pytest.mark.soak
def test_soak_fifty_random_kills(tmp_path: Path) -> None:
    kill_at_random_times(tmp_path / "store", seed=11, kills=50, steps=400)


@pytest.mark.soak
def test_soak_four_writers_of_two_hundred_commits(tmp_path: Path) -> None:
    race(tmp_path / "store", "abcd", 200)
