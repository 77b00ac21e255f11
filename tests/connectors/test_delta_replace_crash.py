"""Killed and racing replacements of an origin in a Delta Logstore: the logs of before or of after, never both, never neither."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from deltalake import DeltaTable, Schema

from tests.crash import count_moments, run_killed_at, start
from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, open_delta_logstore
from transforms.connectors.delta import table as table_module
from transforms.core.field_columns import ORIGIN
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

_OPENING = """
from transforms.connectors.delta import open_delta_logstore
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

store = open_delta_logstore(LogstoreDescriptor("demo", "crash", {location!r}, even_shards(1)))
"""
_REPLACE = _OPENING + (
    'logs = [LogGroup.from_logs([{{"n": "new", "of": "job/1", "extra": "x"}}] * 3, [5] * 3)]\n'
    'store.append(logs, origin="job/1", replaces="job/1", app=AppTransaction("job", 2))\n'
)
_RACE = (
    _OPENING
    + """
for step in range(8):
    logs = [LogGroup.from_logs([{{"n": f"{me} {{step}}", "of": "job/1"}}] * 2, [5] * 2)]
    store.append(logs, origin="job/1", replaces="job/1", hash_key="k")
    store.append([LogGroup.from_logs([{{"n": f"{me} {{step}}", "of": "others"}}], [5])], origin="others/{me}")
"""
)

OLD = Counter({("old", "job/1"): 2, ("late", "job/1"): 1, ("old", "job/2"): 2, ("old", "job/3"): 2})
NEW = Counter({("new", "job/1"): 3, ("old", "job/2"): 2, ("old", "job/3"): 2})


def make(location: Path) -> DeltaLogstore:
    descriptor = LogstoreDescriptor("demo", "crash", str(location), even_shards(1))
    create_delta_logstore(descriptor)
    return open_delta_logstore(descriptor)


def prepare(location: Path) -> None:
    """Logs of the origin to replace in a file that compaction mixed, and in one of their own."""
    store = make(location)
    for n in (1, 2, 3):
        store.append([LogGroup.from_logs([{"n": "old", "of": f"job/{n}"}] * 2, [n] * 2)], origin=f"job/{n}")
    store.compact(min_files=2)
    store.append([LogGroup.from_logs([{"n": "late", "of": "job/1"}], [1])], origin="job/1")
    assert [(file.origin, file.origins) for file in store.snapshot().files] == [(None, ("job/1", "job/3")), ("job/1", None)]


def found(store: DeltaLogstore) -> Counter[tuple[str, str]]:
    return Counter((log["n"], log["of"]) for one in store.read() for log in one.to_logs())


def test_a_replacement_killed_anywhere_and_repeated(tmp_path: Path) -> None:
    prepare(tmp_path / "prepared")

    def copy(name: str) -> str:
        return str(shutil.copytree(tmp_path / "prepared", tmp_path / name))

    moments = count_moments(_REPLACE.format(location=copy("counted")))
    steps = ("add-columns", "write-file", "write-file", "commit")  # the new logs, the rest of the mixed file
    assert moments == [f"logstore.{what} {when}" for what in steps for when in ("before", "after")]
    assert found(make(tmp_path / "counted")) == NEW
    for n, moment in enumerate(moments):
        run_killed_at(_REPLACE.format(location=copy(f"killed {n}")), n)
        store = make(tmp_path / f"killed {n}")
        last = moment == "logstore.commit after"
        assert found(store) == (NEW if last else OLD), moment
        logs = [LogGroup.from_logs([{"n": "new", "of": "job/1", "extra": "x"}] * 3, [5] * 3)]
        again = store.append(logs, origin="job/1", replaces="job/1", app=AppTransaction("job", 2))
        assert (again.applied, again.replaced) == ((False, ()) if last else (True, ("job/1",))), moment
        assert found(store) == NEW, moment
        store.vacuum(older_than_hours=0)
        assert found(store) == NEW, moment
        assert len(list(Path(tmp_path / f"killed {n}" / "data").rglob("*.parquet"))) == len(store.snapshot().files), moment


def test_two_replacers_an_appender_and_a_compactor(tmp_path: Path) -> None:
    store = make(tmp_path / "store")
    writers = [start(_RACE.format(location=str(tmp_path / "store"), me=me)) for me in "ab"]
    while any(writer.poll() is None for writer in writers):
        store.compact(min_files=2)
        assert Counter(log["of"] for one in store.read() for log in one.to_logs())["job/1"] in (0, 2)
    for writer in writers:
        out, err = writer.communicate()
        assert (writer.returncode, err) == (0, ""), f"{out}\n{err}"
    last = found(store)
    assert sorted(of for _, of in last.elements()) == ["job/1"] * 2 + ["others"] * 16
    assert set(last.values()) == {1, 2}
    # A follower that drops what was replaced ends with the same logs.
    mirrored: dict[str, Counter[tuple[str, str]]] = {"job/1": Counter(), "others": Counter()}
    for batch in store.tail(-1):
        for origin in batch.replaced:
            mirrored[origin].clear()
        for one in batch.groups:
            for log in one.to_logs():
                mirrored[log["of"]][log["n"], log["of"]] += 1
    assert mirrored["job/1"] + mirrored["others"] == last


def test_a_table_from_before_there_were_origins_gets_them(tmp_path: Path) -> None:
    location = tmp_path / "old"
    location.mkdir()
    fields = [table_module.field("__time__", "long"), table_module.field("~time_ns", "integer"), table_module.field("~shard", "integer"),
              table_module.field("~receive_time", "long"), table_module.field("~typed", "string")]  # fmt: skip
    properties = {"delta.dataSkippingStatsColumns": "__time__"}
    DeltaTable.create(location.as_uri(), Schema(fields), partition_by=table_module.PARTITIONS, configuration=properties)
    store = make(location)
    store.append([LogGroup.from_logs([{"n": "1"}], [1])])
    assert [file.origin for file in store.snapshot().files] == [None]
    assert store.commit((), replaces="job").replaced == ()
    store.append([LogGroup.from_logs([{"n": "2"}], [1])], origin="job")
    for _ in range(2):
        assert [file.origin for file in make(location).snapshot().files] == [None, "job"]
        DeltaTable(location.as_uri()).create_checkpoint()
    assert ORIGIN in [column.name for column in DeltaTable(location.as_uri()).schema().fields]
    store.compact(min_files=2)
    assert make(location).append([LogGroup.from_logs([{"n": "3"}], [1])], origin="job", replaces="job").replaced == ("job",)
    assert sorted(log["n"] for one in store.read() for log in one.to_logs()) == ["1", "3"]
