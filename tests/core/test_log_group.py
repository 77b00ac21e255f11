"""LogGroup: what it holds, and that it travels small and whole."""

from __future__ import annotations

import pickle

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS
from transforms.core.log_group import MAX_ROWS, LogGroup, split_rows

LOGS = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4), max_size=6)


@given(LOGS)
def test_logs_come_back(logs: list[dict[str, str]]) -> None:
    group = LogGroup.from_logs(logs, range(len(logs)))
    assert list(group.to_logs()) == logs
    assert group.num_rows == len(group) == len(logs)
    assert set(group.fields) == {name for log in logs for name in log}
    assert list(LogGroup.from_ipc(group.to_ipc()).to_logs()) == logs
    assert pickle.loads(pickle.dumps(group)).table.equals(group.table)


def test_absent_and_empty_and_times() -> None:
    group = LogGroup.from_logs([{"a": ""}, {}], [-5, 10**12], [1, 999_999_999])
    assert list(group.to_logs()) == [{"a": ""}, {}]
    assert group.seconds.to_pylist() == [-5, 10**12]
    assert group.table[TIME_NS].to_pylist() == [1, 999_999_999]
    assert (group.table.schema.field(TIME).type, group.table.schema.field(TIME_NS).type) == (pa.int64(), pa.int32())
    assert group.receive_times is None
    taken = LogGroup(group.table.append_column(RECEIVE_TIME, pa.array([7, 8])))
    assert taken.receive_times is not None and taken.receive_times.to_pylist() == [7, 8]
    assert taken.fields == group.fields == ("a",)


def test_no_logs() -> None:
    group = LogGroup.from_logs([], [])
    assert (group.num_rows, group.fields, list(group.to_logs())) == (0, (), [])
    assert LogGroup.from_ipc(group.to_ipc()).table.schema == group.table.schema


def test_the_event_time_is_no_field() -> None:
    with pytest.raises(ParameterInvalid, match="__time__"):
        LogGroup.from_logs([{"a": "1"}, {TIME: "5"}], [1, 2])


def test_a_slice_travels_without_its_parent() -> None:
    whole = LogGroup.from_logs([{"text": "x" * 1_000} for _ in range(1_000)], range(1_000))
    part = LogGroup(whole.table.slice(500, 1))
    assert len(pickle.dumps(part)) < 3_000
    assert part.to_ipc() == LogGroup.from_ipc(part.to_ipc()).to_ipc()


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 35])
def test_splitting_keeps_every_log(count: int) -> None:
    group = LogGroup.from_logs([{"n": str(i)} for i in range(count)], range(count))
    pieces = list(split_rows(group, 10))
    assert [log for piece in pieces for log in piece.to_logs()] == [{"n": str(i)} for i in range(count)]
    assert all(piece.num_rows <= 10 for piece in pieces) and len(pieces) == max(1, -(-count // 10))
    assert sum(piece.nbytes for piece in pieces) <= group.nbytes + 64 * len(pieces) * 3


def test_pieces_own_their_memory() -> None:
    numbers = pa.array(range(MAX_ROWS + 1), pa.int64())
    group = LogGroup(pa.table({TIME: numbers, "n": numbers.cast(pa.string())}))
    last = list(split_rows(group))[-1]
    assert last.num_rows == 1
    assert sum(buffer.size for column in last.table.columns for chunk in column.chunks for buffer in chunk.buffers() if buffer) < 1_000


def test_a_slice_of_views_holds_and_sends_only_its_own_texts() -> None:
    frame = pl.DataFrame(
        {TIME: range(1_000), TIME_NS: [0] * 1_000, "n": [f"a long enough text {i}" for i in range(1_000)], "e": [None, ""] * 500}
    )
    whole = LogGroup.from_frame(frame)
    assert whole.table["n"].type == pa.string_view() and whole.frame().equals(frame)
    part = LogGroup(whole.table.slice(7, 2))
    assert len(part.to_ipc()) < 1_500 < part.nbytes
    for got in (LogGroup.from_ipc(part.to_ipc()), pickle.loads(pickle.dumps(part)), part.compacted()):
        assert got.table["n"].type == pa.string() and got.frame().equals(frame.slice(7, 2))
    assert whole.compacted().compacted().table.equals(whole.compacted().table)
    assert [group.num_rows for group in split_rows(whole, 300)] == [300, 300, 300, 100]


def test_memory_that_groups_share_is_counted_once() -> None:
    whole = pl.DataFrame({TIME: range(10_000), TIME_NS: pl.zeros(10_000, pl.Int32, eager=True), "n": ["a text that is not short"] * 10_000})
    parts = [LogGroup.from_frame(whole.slice(begin, 2_500)) for begin in range(0, 10_000, 2_500)]
    known: set[int] = set()
    added = [part.added_bytes(known) for part in parts]
    whole_bytes = LogGroup.from_frame(whole).nbytes
    assert added[0] == parts[0].nbytes and sum(added) <= whole_bytes < sum(part.nbytes for part in parts)
    texts = parts[0].compacted()
    assert texts.added_bytes(known) == texts.nbytes


@pytest.mark.soak
def test_views_of_one_long_text_are_more_than_offsets_of_32_bits_reach() -> None:
    text = "x" * 1_000_000
    group = LogGroup.from_frame(pl.DataFrame({TIME: pl.repeat(1, 2_200, eager=True), "n": pl.repeat(text, 2_200, eager=True)}))
    assert group.nbytes < 2_000_000
    compacted = group.compacted()
    assert compacted.table["n"].type == pa.large_string() and compacted.table["n"][2_199].as_py() == text
