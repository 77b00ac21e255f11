"""Killed and racing splits and merges of a Delta Logstore: nothing is lost, nothing doubled, nothing lands behind an end."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.connectors.test_shard_walks import everything, from_the_beginning, visible
from tests.crash import count_moments, run, run_killed_after, run_killed_at, start
from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, open_delta_logstore
from transforms.core.errors import ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards, shard_of_key

_OPENING = """
import random, sys
from transforms.connectors.delta import open_delta_logstore
from transforms.core.errors import ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

store = open_delta_logstore(LogstoreDescriptor("demo", "crash", {location!r}, even_shards(2)))


def logs(lane, step):
    return [LogGroup.from_logs([{{"n": str(1000 * lane + 10 * step + i), "user": "user " + str(i)}} for i in range(4)], [step] * 4)]


def write(lane, step):
    return [
        *store.write_files(logs(lane, 2 * step), hash_field="user"),
        *store.write_files(logs(lane, 2 * step + 1), hash_key="user 2"),
    ]
"""
_SPLIT = _OPENING + "store.split_shard(0)\n"
_MERGE = _OPENING + "store.merge_shards(0)\n"
_MOVE = _OPENING + "files = write(1, 1)\nstore.split_shard(0)\nstore.split_shard(1)\nstore.commit(files, app=AppTransaction('a', 1))\n"
_APPEND = (
    _OPENING
    + """
for step in range((store.app_version("lane {lane}") or 0) + 1, {steps} + 1):
    store.commit(write({lane}, step), app=AppTransaction("lane {lane}", step))
"""
)
_RESHAPE = (
    _OPENING
    + """
chance = random.Random({lane})
for _ in range({steps}):
    writable = store.shard_map().writable
    try:
        if len(writable) < 6 and (len(writable) < 3 or chance.random() < 0.6):
            store.split_shard(chance.choice(writable).id)
        else:
            store.merge_shards(chance.choice(writable[:-1]).id)
    except ParameterInvalid:
        pass  # another splitter had it first
"""
)


def make(location: Path) -> DeltaLogstore:
    descriptor = LogstoreDescriptor("demo", "crash", str(location), even_shards(2))
    create_delta_logstore(descriptor)
    return open_delta_logstore(descriptor)


def expected(lanes: int, steps: int) -> Counter[int]:
    numbers = (1000 * lane + 10 * step + i for lane in range(lanes) for step in range(2, 2 * steps + 2) for i in range(4))
    return Counter(numbers)


def check(store: DeltaLogstore) -> None:
    """Every log in a shard that held its key when it was committed, no log behind the end of a retired one, shards without gaps."""
    shards = store.shard_map()
    edges = [(shard.begin, shard.end) for shard in shards.writable]
    assert edges[0][0] == 0 and edges[-1][1] == 1 << 128
    assert [end for _, end in edges[:-1]] == [begin for begin, _ in edges[1:]]
    assert [record.shard.id for record in shards.records] == list(range(len(shards.records)))
    for record in shards.records:
        for log in from_the_beginning(store, record.shard.id):
            step = int(log["n"]) % 1000 // 10
            key = log["user"] if step % 2 == 0 else "user 2"
            assert shard_of_key((record.shard,), key).id == record.shard.id
        for file in store.snapshot().files:
            assert file.shard in {known.shard.id for known in shards.records}


@pytest.mark.parametrize(("code", "made"), [(_SPLIT, 2), (_MERGE, 1)], ids=["split", "merge"])
def test_a_change_of_shards_killed_anywhere_is_made_whole_or_not(tmp_path: Path, code: str, made: int) -> None:
    store = make(tmp_path / "prepared")
    for n in range(3):
        store.commit(store.write_files([LogGroup.from_logs([{"n": str(n)}], [n])], shard=0))
    before = store.shard_map()

    def copy(name: str) -> str:
        return str(shutil.copytree(tmp_path / "prepared", tmp_path / name))

    moments = count_moments(code.format(location=copy("counted")))
    verb = "split-shard" if made == 2 else "merge-shards"
    assert moments == [f"logstore.{verb} before", f"logstore.{verb} after"]
    for n, moment in enumerate(moments):
        run_killed_at(code.format(location=copy(f"killed {n}")), n)
        found = make(tmp_path / f"killed {n}")
        shards = found.shard_map()
        if moment.endswith("before"):
            assert shards == before
            run(code.format(location=str(tmp_path / f"killed {n}")))
            shards = make(tmp_path / f"killed {n}").shard_map()
        else:
            with pytest.raises(ParameterInvalid):  # it is made: nobody can make it again
                found.split_shard(0)
        assert len(shards.records) == 2 + made
        assert shards.records[0].end == store.end_cursor(0)
        assert everything(make(tmp_path / f"killed {n}")) == Counter(range(3))


def test_a_commit_whose_files_move_is_made_whole_or_not(tmp_path: Path) -> None:
    make(tmp_path / "prepared")

    def copy(name: str) -> str:
        return str(shutil.copytree(tmp_path / "prepared", tmp_path / name))

    moments = count_moments(_MOVE.format(location=copy("counted")))
    last_split = max(n for n, moment in enumerate(moments) if moment == "logstore.split-shard after")
    assert moments[last_split + 1 :].count("logstore.write-file before") >= 2, "nothing was divided again"
    count = len(moments)
    for n in (last_split + 1, last_split + 2, count - 3, count - 2, count - 1):  # the first file, the last one, the commit
        run_killed_at(_MOVE.format(location=copy(f"killed {n}")), n)
        store = make(tmp_path / f"killed {n}")
        done = moments[n] == "logstore.commit after"
        assert everything(store) == (expected(2, 1) - expected(1, 1) if done else Counter())
        again = _OPENING + "store.commit(write(1, 1), app=AppTransaction('a', 1))\n"
        run(again.format(location=str(tmp_path / f"killed {n}")))
        assert everything(make(tmp_path / f"killed {n}")) == expected(2, 1) - expected(1, 1)
        check(make(tmp_path / f"killed {n}"))


def race(location: Path, lanes: int, steps: int, kills: int, seed: int) -> DeltaLogstore:
    """Writers and splitters in processes of their own, some killed and started again, while this one compacts and reads every shard."""
    chance = random.Random(seed)
    store = make(location)
    programs = [_APPEND.format(location=str(location), lane=lane, steps=steps) for lane in range(lanes)]
    splitters = [_RESHAPE.format(location=str(location), lane=lane, steps=steps // 2) for lane in range(2)]
    running = [start(program) for program in [*programs, *splitters]]
    places: dict[int, Cursor] = {}
    seen: Counter[int] = Counter()

    def read_on() -> bool:
        more = False
        for shard in store.extents().shards:
            answer = store.pull(shard, places.get(shard, BEGIN), max_rows=50)
            places[shard] = answer.cursor
            if answer.group is not None:
                more = True
                seen.update(int(log["n"]) for log in answer.group.to_logs())
        return more

    for _ in range(kills):
        run_killed_after(chance.choice(programs), 0.5 + 1.5 * chance.random())
        read_on()
    while any(process.poll() is None for process in running):
        read_on()
        store.compact(min_files=4)
    for process in running:
        out, err = process.communicate()
        assert process.returncode == 0, f"{out}\n{err}"
        assert err == ""
    while read_on():
        pass
    assert seen == everything(store) == visible(store) == expected(lanes, steps)
    assert len(store.shard_map().records) > 4
    check(store)
    before = {shard: from_the_beginning(store, shard) for shard in store.extents().shards}
    store.compact(min_files=2)
    store.vacuum(older_than_hours=0)
    assert {shard: from_the_beginning(store, shard, rows=7) for shard in before} == before
    return store


def test_writers_race_with_splitters_and_a_compactor(tmp_path: Path) -> None:
    race(tmp_path / "store", lanes=2, steps=12, kills=2, seed=3)


@pytest.mark.soak
def test_soak_four_writers_race_with_splitters_and_a_compactor(tmp_path: Path) -> None:
    race(tmp_path / "store", lanes=4, steps=49, kills=20, seed=4)
