"""Tables of rules: indexes that give what a scan gives, CSV text, keys, and large tables."""

from __future__ import annotations

import random
import time
from typing import Any

import polars as pl
import psutil
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.evaluation import scalar
from transforms.rules.context import Context
from transforms.rules.csv_table import read_csv
from transforms.rules.frame import Frame, State
from transforms.rules.lookup import KeyIndex, folded
from transforms.rules.rule import compile_rule
from transforms.rules.table import Table
from transforms.stores.rule_resources import TableData

cells = st.one_of(st.none(), st.sampled_from(["a", "A", "b", "ß", "SS", "ss", "*", "", "Ä", "ä", "İ"]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(cells, cells, cells), max_size=20),
    st.lists(st.tuples(cells, cells), min_size=1, max_size=10),
    st.booleans(),
    st.booleans(),
)
def test_the_index_finds_what_a_scan_finds(rows: list[Any], wanted: list[Any], case_insensitive: bool, keyed: bool) -> None:
    columns = {name: pl.Series(name, [row[number] for row in rows], pl.String) for number, name in enumerate("xyz")}
    table = Table(columns, case_insensitive=case_insensitive, primary_keys=["x"] if keyed else [])
    for keys in (["x"], ["x", "y"], ["y", "z"]):
        values = [pl.Series("", [tuple_[number] for tuple_ in wanted], pl.String) for number in range(len(keys))]
        found = table.find(keys, values).to_list()
        scanned = [None if None in tuple_[: len(keys)] else table.first(keys, tuple_[: len(keys)]) for tuple_ in wanted]
        assert found == scanned


@settings(deadline=None)
@given(st.lists(st.sampled_from([f"k{number}" for number in range(60)]), min_size=1, max_size=100), st.integers(1, 4))
def test_keys_with_the_same_hash_are_told_apart(keys: list[str], bits: int) -> None:
    index = KeyIndex([pl.Series("", keys)], bits=bits)
    wanted = [f"k{number}" for number in range(70)]
    assert index.find([pl.Series("", wanted)]).to_list() == [keys.index(key) if key in keys else None for key in wanted]


def test_folding_is_pythons() -> None:
    texts = ["ABC", "Straße", "İ", "ǅ", "Σς", "K", None, ""]
    assert folded(pl.Series("", texts, pl.String)).to_list() == [None if text is None else text.casefold() for text in texts]


def test_the_last_row_of_a_primary_key_is_kept() -> None:
    table = Table({"k": pl.Series(["a", "b", "a"]), "v": pl.Series(["1", "2", "3"])}, primary_keys=["k"])
    assert table.rows == 2
    assert table.cell(table.first(["k"], ["a"]) or 0, "v") == "3"


def test_null_cells_are_hits_that_write_nothing() -> None:
    rows = [{"id": "1", "name": None}, {"id": None, "name": "x"}]
    resources = {"res_rds_mysql": [{"rows": rows}]}
    rule = 'e_table_map(res_rds_mysql("h", "u", "p", "d", "t"), "id", "name", missing="m", mode="overwrite")'
    from tests.rules.stand_in_resources import context_of

    for run in (compile_rule(rule).run_logs, compile_rule(rule).run_events):
        result = run([{"id": "1"}, {"id": "2"}, {"id": ""}], context_of(resources))
        assert result.targets["default"] == [{"id": "1"}, {"id": "2", "name": "m"}, {"id": "", "name": "m"}]


@pytest.mark.parametrize(
    ("text", "options", "columns"),
    [
        ("a,b\n1,2", {}, {"a": ["1"], "b": ["2"]}),
        ("\ufeffa,b\r\n 1, 2 \r\n\r\n", {}, {"a": ["1"], "b": ["2 "]}),
        ("a,b\n 1,2", {"strip_left": False}, {"a": [" 1"], "b": ["2"]}),
        ('a,b\n"x\ny","say ""hi"""', {}, {"a": ["x\ny"], "b": ['say "hi"']}),
        ("a,b\n1\n1,2,3", {}, {"a": ["1", "1"], "b": ["", "2"]}),
        ("a,,b\n1,2,3", {}, {"a": ["1"], "b": ["3"]}),
        ("a,a\n1,2", {}, {"a": ["2"]}),
        ("a", {}, {"a": []}),
        ("1,2", {"headers": ["x", "y"]}, {"x": ["1"], "y": ["2"]}),
        ('a|b\n"|x', {"separator": "|", "quote": ""}, {"a": ['"'], "b": ["x"]}),
        ("a\n" + "x" * 200_000, {}, {"a": ["x" * 200_000]}),
        ("a\nx\ud800y", {}, {"a": ["x\ufffd\ufffd\ufffdy"]}),
    ],
)
def test_csv(text: str, options: dict[str, Any], columns: dict[str, list[str]]) -> None:
    given_options = {"separator": ",", "quote": '"', "strip_left": True, **options}
    assert {name: series.to_list() for name, series in read_csv(text, **given_options).items()} == columns


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('tab_parse_csv("a,b", sep=";;")', "one character"),
        ('tab_parse_csv("\\n,,\\n")', "names of columns"),
    ],
)
def test_csv_that_is_none(rule: str, said: str) -> None:
    with pytest.raises(Exception, match=said):
        scalar(f'tab_to_dict({rule}, "a", "a")', {})


def test_two_million_rows_are_columns_and_an_index() -> None:
    rows = 2_000_000
    numbers = pl.int_range(rows, eager=True)
    frame = pl.DataFrame({"id": "User" + numbers.cast(pl.String), "name": "n" + numbers.cast(pl.String)})
    data = TableData(frame.to_arrow())
    process = psutil.Process()
    before, started = process.memory_info().rss, time.process_time()
    table = Table.of(data, case_insensitive=False)
    seeded = random.Random(1)
    wanted = pl.Series("", [f"User{seeded.randrange(2 * rows)}" for _ in range(50_000)])
    found = table.find(["id"], [wanted])
    first = time.process_time() - started
    assert found.to_list() == [number if (number := int(text[4:])) < rows else None for text in wanted]
    assert process.memory_info().rss - before < 500 * 2**20
    started = time.process_time()
    table.find(["id"], [wanted])
    assert time.process_time() - started < max(first / 3, 0.2), "the index is made once"


def test_a_table_map_over_a_batch_keeps_its_index() -> None:
    rule = compile_rule('e_table_map(tab_parse_csv("k,v\\n' + "\\n".join(f"{n},x{n}" for n in range(500)) + '"), "k", "v")')
    logs = [{"k": str(n)} for n in range(0, 1000, 7)]
    for _ in range(2):
        state = State(Context())
        assert rule.run(Frame.from_logs(logs, state)).to_logs() == [
            {"k": log["k"], "v": f"x{log['k']}"} if int(log["k"]) < 500 else log for log in logs
        ]


def test_an_arrow_table_of_other_types_becomes_text() -> None:
    data = TableData(pa.table({"n": pa.array([1, None], pa.int64()), "d": pa.array(["x", "y"]).dictionary_encode()}))
    table = Table.of(data)
    assert [table.cell(row, name) for row in (0, 1) for name in ("n", "d")] == ["1", "x", None, "y"]
