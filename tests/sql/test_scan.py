"""From files to the relation of logs: typed twins or texts, files without a column, rare fields, receive times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from transforms.connectors import create_logstore
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import LogGroup
from transforms.sql.engine import Engine
from transforms.sql.scan import LogScan, RawColumns, ScanColumn
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import DataFile, Logstore, LogstoreDescriptor, Snapshot
from transforms.stores.shard import even_shards

INDEX = Index(fields={"status": FieldIndex("long"), "latency": FieldIndex("double")})


def make(tmp_path: Path, index: Index | None = INDEX) -> Logstore:
    return create_logstore(LogstoreDescriptor("p", "web", str(tmp_path / "web"), even_shards(1), index))


def scan_of(snapshot: Snapshot, raw: RawColumns, columns: Sequence[ScanColumn], predicate: str = "", times: Interval = ALL_TIME) -> LogScan:
    return LogScan(
        tuple(columns), tuple(raw.physical.items()), tuple(raw.typed), predicate, times, snapshot.has_overflow, frozenset(snapshot.fields)
    )


def rows(scan: LogScan, files: Sequence[DataFile], sql: str = 'select * from "~log" order by all') -> list[tuple[Any, ...]]:
    engine = Engine()
    try:
        engine.define_log(scan.relation(files))
        return [tuple(row.values()) for row in engine.run(sql).to_pylist()]
    finally:
        engine.close()


NUMBERS = ["200", "-7", "+5", "007", "9223372036854775807", "9223372036854775808", "2.5", " 12", "1e3", "0x10", "1_000", "", "abc", None]


def test_a_number_is_the_same_from_its_typed_column_and_from_its_text(tmp_path: Path) -> None:
    """Writers parse when a field is indexed, queries parse what is older: both by one rule."""
    logs = [{} if text is None else {"status": text, "latency": text} for text in NUMBERS]
    group = LogGroup.from_logs(logs, range(len(logs)))
    old, new = make(tmp_path / "old", None), make(tmp_path / "new")
    seen = []
    for store in (old, new):
        store.append([group])
        snapshot = store.snapshot()
        raw = RawColumns(snapshot.fields, snapshot.has_overflow)
        columns = [
            ScanColumn("t", raw.time()),
            ScanColumn("n", raw.number("status", "long")),
            ScanColumn("x", raw.number("latency", "double")),
        ]
        assert bool(snapshot.files[0].typed) is (store is new)
        seen.append(rows(scan_of(snapshot, raw, columns), snapshot.files))
    assert seen[0] == seen[1]
    values = {NUMBERS[t]: (n, x) for t, n, x in seen[0]}
    assert values["007"] == (7, 7.0) and values["+5"] == (5, 5.0)
    assert values["9223372036854775808"][0] is None and values["2.5"] == (None, 2.5) and values["1e3"] == (None, 1000.0)
    assert values[" 12"] == values["1_000"] == values["0x10"] == values[""] == values["abc"] == values[None] == (None, None)


def test_files_with_and_without_typed_columns_are_read_together(tmp_path: Path) -> None:
    store = make(tmp_path, None)
    store.append([LogGroup.from_logs([{"status": "200"}], [1])])
    store.set_index(INDEX)
    store.append([LogGroup.from_logs([{"status": "404"}, {"other": "x"}], [2, 3])])
    snapshot = store.snapshot()
    raw = RawColumns(snapshot.fields, snapshot.has_overflow)
    scan = scan_of(
        snapshot, raw, [ScanColumn("t", raw.time()), ScanColumn("n", raw.number("status", "long")), ScanColumn("o", raw.text("other"))]
    )
    assert rows(scan, snapshot.files) == [(1, 200, None), (2, 404, None), (3, None, "x")]


def test_a_field_that_no_file_has_is_null(tmp_path: Path) -> None:
    store = make(tmp_path)
    store.append([LogGroup.from_logs([{"a": "1"}], [5])])
    snapshot = store.snapshot()
    raw = RawColumns(snapshot.fields, snapshot.has_overflow)
    columns = [
        ScanColumn("n", raw.number("latency", "double")),
        ScanColumn("leaf", raw.leaf("info", "a.b")),
        ScanColumn("x", raw.text('Quoted "name')),
    ]
    assert rows(scan_of(snapshot, raw, columns), snapshot.files) == [(None, None, None)]
    assert rows(scan_of(snapshot, raw, columns), []) == []


def test_no_columns_still_counts_rows(tmp_path: Path) -> None:
    store = make(tmp_path)
    store.append([LogGroup.from_logs([{"a": "1"}, {"b": "2"}], [5, 6])])
    snapshot = store.snapshot()
    scan = scan_of(snapshot, RawColumns(snapshot.fields, False), [])
    assert rows(scan, snapshot.files, 'select count(*) from "~log"') == [(2,)]


def test_times_and_predicate_filter(tmp_path: Path) -> None:
    store = make(tmp_path)
    store.append([LogGroup.from_logs([{"status": str(200 + i)} for i in range(10)], range(100, 110))])
    snapshot = store.snapshot()
    raw = RawColumns(snapshot.fields, False)
    predicate = f"{raw.number('status', 'long')} >= 203"
    scan = scan_of(snapshot, raw, [ScanColumn("t", raw.time())], predicate, Interval(102, 106))
    assert rows(scan, snapshot.files) == [(103,), (104,), (105,)]


def test_receive_time_is_known_before_and_after_compaction(tmp_path: Path) -> None:
    store = make(tmp_path)
    for second in range(4):
        store.append([LogGroup.from_logs([{"a": str(second)}], [second])])
    seen = []
    for _ in range(2):
        snapshot = store.snapshot()
        raw = RawColumns(snapshot.fields, False)
        columns = [ScanColumn("a", raw.text("a")), ScanColumn("received", raw.receive_time())]
        seen.append(rows(scan_of(snapshot, raw, columns), snapshot.files))
        store.compact(min_files=2)
    assert len(store.snapshot().files) == 1
    assert seen[0] == seen[1] and all(received > 1_700_000_000 for _, received in seen[0])


@pytest.mark.parametrize("field", ["rare 7", "Case", "case", 'a"b', "dots.in.name", "日本", "back\\slash"])
def test_rare_fields_come_from_the_overflow_column(tmp_path: Path, field: str) -> None:
    from transforms.connectors.delta import DeltaLogstore

    make(tmp_path)
    store = DeltaLogstore(LogstoreDescriptor("p", "web", str(tmp_path / "web"), even_shards(1), None), field_columns=1)
    store.append([LogGroup.from_logs([{"common": "1"}], [1])])
    store.append([LogGroup.from_logs([{"common": "2", field: "404", "other": ""}], [2])])
    snapshot = store.snapshot()
    assert snapshot.has_overflow and field not in snapshot.fields
    raw = RawColumns(snapshot.fields, True)
    columns = [
        ScanColumn("t", raw.time()),
        ScanColumn("x", raw.text(field)),
        ScanColumn("n", raw.number(field, "long")),
        ScanColumn("o", raw.text("other")),
    ]
    assert rows(scan_of(snapshot, raw, columns), snapshot.files) == [(1, None, None, None), (2, "404", 404, "")]


def test_a_path_is_no_pattern(tmp_path: Path) -> None:
    for folder, value in (("a[b]*?", "mine"), ("ab-x", "other")):
        store = make(tmp_path / folder, None)
        store.append([LogGroup.from_logs([{"a": value}], [1])])
    snapshot = make(tmp_path / "a[b]*?", None).snapshot()
    raw = RawColumns(snapshot.fields, False)
    columns = [ScanColumn("a", raw.text("a")), ScanColumn("received", raw.receive_time())]
    ((value, received),) = rows(scan_of(snapshot, raw, columns), snapshot.files)
    assert value == "mine" and received is not None


def test_a_log_group_read_back_names_no_columns_of_ours() -> None:
    group = LogGroup.from_logs([{"a": "1"}], [1])
    assert set(group.table.column_names) == {TIME, TIME_NS, column_of("a")} and group.fields == ("a",)
