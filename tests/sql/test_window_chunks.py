"""Windows are cut into chunks: each once, in order, with all their files, and no more than fits together."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.interval import ALL_TIME, Interval
from transforms.sql.phases import Phases
from transforms.sql.plan import ExternalRead, KeyPush, QueryPlan
from transforms.sql.scan import LogScan
from transforms.sql.window_chunks import CHUNK_BYTES, CHUNK_ROWS, WindowStatement, cut_chunks, files_of, merged_reads, shared_plan
from transforms.stores.external_store import Condition, ExternalStoreDescriptor
from transforms.stores.logstore import DataFile

SCAN = LogScan((), (), (), "", ALL_TIME, has_overflow=False, known=frozenset())
PLAN = QueryPlan("", "*", "", "select", "web", 1, ALL_TIME, SCAN, (), 0, 0, (), Phases("", None, ""), (), ())


def window(number: int, start: int, end: int, plan: QueryPlan = PLAN) -> WindowStatement:
    return WindowStatement(number, Interval(start, end), plan, "select 1")


def file(start: int, end: int, rows: int = 100, size: int = 1) -> DataFile:
    """Logs of ``[start, end)``."""
    return DataFile(f"{start}-{end}", size, rows, 0, start, end - 1)


def minutes(count: int, plan: QueryPlan = PLAN) -> list[WindowStatement]:
    return [window(n, 60 * n, 60 * n + 60, plan) for n in range(count)]


def test_what_fits_together_is_one_chunk() -> None:
    (chunk,) = cut_chunks(minutes(100), [file(0, 6_000, CHUNK_ROWS)])
    assert [number for number, _, _ in chunk.windows] == list(range(100))
    assert chunk.span == Interval(0, 6_000) and round(chunk.share, 3) == 1


def test_rows_and_bytes_limit_a_chunk() -> None:
    for files in ([file(0, 6_000, 4 * CHUNK_ROWS)], [file(0, 6_000, 1, 4 * CHUNK_BYTES)]):
        chunks = cut_chunks(minutes(100), files)
        assert [len(chunk.windows) for chunk in chunks] == [25, 25, 25, 25]
        assert all(chunk.share <= 1.001 for chunk in chunks)


def test_a_dense_hour_gets_more_chunks_than_a_quiet_day() -> None:
    chunks = cut_chunks(minutes(1_500), [file(0, 86_400, CHUNK_ROWS // 2), file(86_400, 90_000, 10 * CHUNK_ROWS)])
    assert len(chunks[0].windows) > 1_440 and len(chunks) >= 11


def test_a_window_that_is_too_much_is_alone() -> None:
    chunks = cut_chunks([window(0, 0, 10), window(1, 10, 1_000), window(2, 1_000, 1_010)], [file(0, 1_010, 10 * CHUNK_ROWS)])
    assert [[number for number, _, _ in chunk.windows] for chunk in chunks] == [[0], [1], [2]]
    assert chunks[1].share > 1


def test_a_big_hole_is_not_read_and_a_small_one_is() -> None:
    files = [file(0, 36_000, CHUNK_ROWS)]
    hourly = [window(n, 3_600 * n, 3_600 * n + 60) for n in range(10)]
    assert [len(chunk.windows) for chunk in cut_chunks(hourly, files)] == [10]
    assert [len(chunk.windows) for chunk in cut_chunks(hourly, [file(0, 36_000, 2 * CHUNK_ROWS)])] == [1] * 10


def test_workers_get_a_chunk_each() -> None:
    assert len(cut_chunks(minutes(100), [file(0, 6_000, 1_000)], least=4)) in (4, 5)
    assert len(cut_chunks(minutes(3), [], least=8)) == 1


def test_other_plans_begin_other_chunks() -> None:
    other = replace(PLAN, scan=replace(SCAN, predicate="x"))
    chunks = cut_chunks([*minutes(3), window(3, 180, 240, other), window(4, 240, 300, other), window(5, 300, 360)], [])
    assert [(len(chunk.windows), chunk.plan) for chunk in chunks] == [(3, PLAN), (2, other), (1, PLAN)]


def test_files_that_follow_each_other_need_no_order() -> None:
    following, mixed = [file(0, 100), file(100, 200), file(200, 300)], [file(0, 100), file(50, 200)]
    assert [cut_chunks([window(0, 0, 300)], files)[0].in_order for files in (following, following[::-1], mixed)] == [True, True, False]


WINDOWS = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 200)), min_size=1, max_size=30)
FILES = st.lists(st.tuples(st.integers(0, 600), st.integers(1, 300), st.integers(1, CHUNK_ROWS)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(WINDOWS, FILES, st.integers(1, 5))
def test_every_window_is_in_one_chunk_with_its_files(starts: list[tuple[int, int]], spans: list[tuple[int, int, int]], least: int) -> None:
    windows = [window(n, start, start + length) for n, (start, length) in enumerate(sorted(starts))]
    files = [file(start, start + length, rows) for start, length, rows in spans]
    chunks = cut_chunks(windows, files, least=least)
    assert [entry for chunk in chunks for entry in chunk.windows] == [(one.number, one.window, one.sql) for one in windows]
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        for _, one, _ in chunk.windows:
            assert set(files_of(files, one)) <= set(chunk.files)
            assert chunk.span.start <= one.start and one.end <= chunk.span.end
        if len(chunk.windows) > 1:
            assert chunk.share <= 1.001


def read(*columns: str, conditions: tuple[Condition, ...] = (), keys: KeyPush | None = None) -> ExternalRead:
    return ExternalRead(ExternalStoreDescriptor("users", "sqlite", {}), columns, conditions, keys)


def test_one_reading_serves_all_windows() -> None:
    early, late, always = Condition("born", "<", (1,)), Condition("born", "<", (2,)), Condition("gender", "=", ("f",))
    keys = KeyPush("uid", "select 1", 10)
    one, other = (replace(PLAN, external=(read("uid", "name", conditions=(condition, always), keys=keys),)) for condition in (early, late))
    assert merged_reads([one, one]) == one.external
    assert merged_reads([one, other]) == (read("uid", "name", conditions=(always,)),)
    wider = replace(PLAN, external=(read("age", "uid"),))
    assert merged_reads([one, wider]) == (read("uid", "name", "age"),)
    elsewhere = replace(one, scan=replace(SCAN, predicate="other logs, other keys"))
    assert merged_reads([one, elsewhere])[0].keys is None
    assert merged_reads([]) == ()


def test_what_belongs_to_one_window_does_not_part_plans() -> None:
    times = Interval(0, 60)
    one = replace(PLAN, times=times, scan=replace(SCAN, times=times), files=(file(0, 9),), sql="select 2", warnings=("w",))
    assert shared_plan(one) == shared_plan(PLAN)
