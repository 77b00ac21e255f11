"""What every Logstore adapter must do about origins: keep them, hide them, replace all logs of one in one step."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.connectors.logstore_rows import Open, group, numbered, rows, values
from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import ORIGIN, RECEIVE_TIME, TIME, TIME_NS
from transforms.core.log_group import LogGroup
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import MAX_ORIGIN_BYTES, AppTransaction, Logstore

ODD_ORIGINS = ["transform/job/[1,2)", "日本 ä 🜁", "a b\n", "'\"`;%20", "~", "x" * MAX_ORIGIN_BYTES]


def seen(store: Logstore) -> list[str]:
    return sorted(values(store.read()), key=int)


def stamps(store: Logstore) -> dict[str, int]:
    """Receive time of each log by its number."""
    return {log["n"]: when for one in store.read() for log, when in zip(one.to_logs(), one.table[RECEIVE_TIME].to_pylist(), strict=True)}


def test_an_origin_stays_with_its_file_and_readers_never_see_it(open_store: Open) -> None:
    store = open_store()
    for n, origin in enumerate([*ODD_ORIGINS, None]):
        files = store.write_files([numbered([n])], origin=origin)
        assert [file.origin for file in files] == [origin]
        store.commit(files)
    assert [file.origin for file in store.snapshot().files] == [*ODD_ORIGINS, None]
    assert store.snapshot().fields == ("n",)
    for one in [*store.read(), *(one for batch in store.tail(-1) for one in batch.groups)]:
        assert one.table.column_names == [TIME, TIME_NS, RECEIVE_TIME, "n"]
    assert {batch.replaced for batch in store.tail(-1)} == {()}


def test_a_field_of_that_name_is_a_field(open_store: Open) -> None:
    store = open_store()
    store.append([group({ORIGIN: "mine", "n": "1"})], origin="job/1")
    assert rows(store.read()) == [(100, 0, {ORIGIN: "mine", "n": "1"})]
    assert set(store.snapshot().fields) == {ORIGIN, "n"}
    assert [file.origin for file in store.snapshot().files] == ["job/1"]


@pytest.mark.parametrize("origin", ["", "x" * (MAX_ORIGIN_BYTES + 1), "\ud800"])
def test_a_senseless_origin_is_refused(open_store: Open, origin: str) -> None:
    store = open_store()
    with pytest.raises(ParameterInvalid, match="origin"):
        store.write_files([numbered([1])], origin=origin)
    with pytest.raises(ParameterInvalid, match="origin"):
        store.commit((), replaces=[origin])


def test_a_replacement_is_one_version_and_hides_exactly_its_origins(open_store: Open) -> None:
    store = open_store(shards=2)
    store.append([numbered([1, 2])])
    for number in (10, 11, 12):
        store.append([numbered([number])], origin="job/a", hash_key=str(number))
    store.append([numbered([20])], origin="job/b")
    store.append([numbered([30])], origin="job/a/b")
    version = store.version()
    done = store.append([numbered([13, 14])], origin="job/a", replaces="job/a")
    assert (done.applied, done.version, done.replaced) == (True, version + 1, ("job/a",))
    assert seen(store) == ["1", "2", "13", "14", "20", "30"]
    (batch,) = store.tail(version)
    assert (batch.version, batch.receive_time, batch.replaced) == (done.version, done.receive_time, ("job/a",))
    assert values(batch.groups) == ["13", "14"]
    both = store.commit(store.write_files([numbered([21])], origin="job/c"), replaces=["job/b", "job/none", "job/a", "job/b"])
    assert both.replaced == ("job/b", "job/a")
    assert seen(store) == ["1", "2", "21", "30"]
    assert [batch.replaced for batch in store.tail(version)] == [("job/a",), ("job/b", "job/a")]


def test_a_replacement_by_nothing_and_one_of_nothing(open_store: Open) -> None:
    store = open_store()
    first = store.append([numbered([1])], origin="job/a", replaces="job/a")
    assert first.replaced == ()
    done = store.commit((), replaces="job/a")
    assert done.applied and done.version > first.version and done.receive_time > first.receive_time
    assert seen(store) == []
    (batch,) = store.tail(first.version)
    assert (batch.replaced, values(batch.groups), batch.receive_time) == (("job/a",), [], done.receive_time)
    again = store.commit((), replaces="job/a")
    assert (again.version, again.replaced) == (done.version, ())


def test_a_repeated_replacement_changes_nothing_even_after_a_compaction(open_store: Open) -> None:
    store = open_store()
    for n in range(4):
        store.append([numbered([n])], origin=f"job/{n}")
    files = store.write_files([numbered([9])], origin="job/2")
    assert store.commit(files, replaces="job/2", app=AppTransaction("job", 7)).applied
    store.compact(min_files=2)
    version = store.version()
    for _ in range(2):
        again = store.commit(files, replaces="job/2", app=AppTransaction("job", 7))
        assert (again.applied, again.replaced) == (False, ())
    zombie = store.write_files([numbered([8])], origin="job/2")
    assert not store.commit(zombie, replaces="job/2", app=AppTransaction("job", 6)).applied
    assert seen(store) == ["0", "1", "3", "9"] and store.version() == version


def test_origins_survive_compaction_and_are_replaced_inside_mixed_files(open_store: Open) -> None:
    store = open_store(index=Index(None, {"n": FieldIndex("long")}), field_columns=3)
    for n in range(30):
        logs = [{"n": str(n), "text": "x", f"rare {n}": "1"}, {"n": str(n + 100)}]
        store.append([group(*logs, at=1_000 - n)], origin=None if n % 5 == 4 else f"job/{n % 5}")
    before, times = rows(store.read()), stamps(store)
    store.compact(min_files=2)
    (mixed,) = store.snapshot().files
    assert (mixed.origin, mixed.origins) == (None, ("job/0", "job/3"))
    assert mixed.may_hold("job/2") and not mixed.may_hold("job/4") and not mixed.may_hold("job")
    assert rows(store.read()) == sorted(before, key=lambda row: row[0])
    version = store.version()
    done = store.append([numbered([500], at=7)], origin="job/1", replaces=["job/1", "job/22"])
    assert done.replaced == ("job/1",)
    kept = {number: when for number, when in times.items() if int(number) % 5 != 1}
    assert stamps(store) == kept | {"500": done.receive_time}
    assert [values(batch.groups) for batch in store.tail(version)] == [["500"]]  # the untouched rest is no news
    rest, fresh = store.snapshot().files
    assert (rest.rows, rest.typed, fresh.origin) == (48, (("n", "long"),), "job/1")
    assert [log for _, _, log in rows(store.read()) if "rare 10" in log] == [{"n": "10", "text": "x", "rare 10": "1"}]
    store.compact(min_files=2)
    store.reindex(None)
    store.append([numbered([501])], origin="job/1", replaces="job/1")
    assert Counter(stamps(store)) == Counter(kept) + Counter({"501": store.snapshot().files[-1].receive_time or 0})
    for n in (0, 2, 3):
        assert store.commit((), replaces=f"job/{n}").replaced == (f"job/{n}",)
    assert seen(store) == [*sorted((n for n in times if int(n) % 5 == 4), key=int), "501"]
    assert [(file.origin, file.origins) for file in store.snapshot().files] == [(None, None), ("job/1", None)]


def test_one_origin_and_logs_without_make_a_mixed_file_too(open_store: Open) -> None:
    store = open_store()
    store.append([numbered([1])], origin="job")
    store.append([numbered([2])])
    store.compact(min_files=2)
    (mixed,) = store.snapshot().files
    assert (mixed.origin, mixed.origins) == (None, ("job", "job"))
    assert store.commit((), replaces="job").replaced == ("job",)
    assert seen(store) == ["2"]


def test_a_compaction_of_one_origin_leaves_it_whole(open_store: Open) -> None:
    store = open_store()
    for n in range(4):
        store.append([numbered([n])], origin="job")
    store.compact(min_files=2)
    assert [(file.rows, file.origin, file.origins) for file in store.snapshot().files] == [(4, "job", None)]
    version = store.version()
    store.commit((), replaces="job")
    assert store.version() == version + 1 and seen(store) == []
    assert store.snapshot().files == ()


def test_bounds_that_enclose_an_origin_without_logs_cost_no_rewrite(open_store: Open) -> None:
    store = open_store()
    store.append([numbered([1])], origin="a")
    store.append([numbered([2])], origin="z")
    store.compact(min_files=2)
    before = store.snapshot().files
    assert store.append([numbered([3])], origin="m", replaces="m").replaced == ()
    assert store.snapshot().files[0] == before[0]


def test_racing_replacements_of_one_origin_leave_the_logs_of_one(open_store: Open) -> None:
    store = open_store()
    for n in range(8):
        store.append([numbered([n])], origin="job" if n % 2 else "other")
    store.compact(min_files=2)

    def replace(n: int) -> None:
        mine = open_store()
        mine.append([numbered([100 + n, 200 + n])], origin="job", replaces="job")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(replace, range(8)))
    found = seen(store)
    assert found[:4] == ["0", "2", "4", "6"] and len(found) == 6
    assert int(found[5]) - int(found[4]) == 100
    assert [batch.replaced for batch in store.tail(-1)][-8:] == [("job",)] * 8


def under(origin: str, numbers: list[int], at: int = 100) -> LogGroup:
    logs = numbered(numbers, at).table
    return LogGroup(logs.append_column(ORIGIN, [[origin] * len(numbers)]))


def test_logs_that_tell_their_own_origins_share_files_and_are_replaced_one_by_one(open_store: Open) -> None:
    store = open_store(index=Index(None, {"n": FieldIndex("long")}))
    names = [f"job/{n:02}" for n in range(20)]
    files = store.write_files(under(name, [n, n + 100], at=1_000 - n) for n, name in enumerate(names))
    assert [(file.origin, file.origins, file.rows) for file in files] == [(None, ("job/00", "job/19"), 40)]
    store.commit(files, app=AppTransaction("job", 1), replaces=names)
    times = stamps(store)
    assert len(seen(store)) == 40 and len(set(times.values())) == 1
    assert {name for one in store.read() for name in one.table.column_names} == {TIME, TIME_NS, RECEIVE_TIME, "n"}
    version = store.version()
    done = store.commit(store.write_files([under("job/07", [7])]), replaces=["job/07", "job/12", "job/99"])
    assert done.replaced == ("job/07", "job/12")
    left = {str(n + more) for n in range(20) for more in (0, 100) if n not in (7, 12)}
    assert set(seen(store)) == left | {"7"} and len(seen(store)) == 37
    assert {n: when for n, when in stamps(store).items() if n != "7"} == {n: when for n, when in times.items() if n in left}
    (batch,) = store.tail(version)
    assert (values(batch.groups), batch.replaced) == (["7"], ("job/07", "job/12"))
    store.compact(min_files=2)
    assert store.commit((), replaces=["job/00"]).replaced == ("job/00",)
    assert set(seen(store)) == (left | {"7"}) - {"0", "100"}


def test_logs_that_all_tell_one_origin_are_as_if_it_was_given(open_store: Open) -> None:
    store = open_store()
    (file,) = store.write_files([under("job/a", [1]), under("job/a", [2])])
    assert (file.origin, file.origins) == ("job/a", None)
    for wrong in (under("", [1]), under("x" * (MAX_ORIGIN_BYTES + 1), [1]), LogGroup(numbered([1]).table.append_column(ORIGIN, [[None]]))):
        with pytest.raises(ParameterInvalid, match="origin"):
            store.write_files([under("job/a", [2]), wrong])
    with pytest.raises(ParameterInvalid, match="twice"):
        store.write_files([under("job/a", [1])], origin="job/b")
