"""Mapping functions: random dictionaries, tables and queries give the same by columns and by single events; limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.stand_in_resources import context_of
from transforms.rules import pattern
from transforms.rules.functions.mapping import _searching
from transforms.rules.kinds import MODES
from transforms.rules.limits import within_limit
from transforms.rules.rule import compile_rule

texts = st.sampled_from(["a", "A", "b", "ß", "SS", "*", "", "1", "2", "10", "ä", "Ä", "x y"])
values = st.one_of(texts, st.none(), st.integers(-3, 3), st.booleans(), st.lists(st.integers(0, 2), max_size=2), st.just(0.5))
queries = st.sampled_from(["*", "f: a", "g == b", "not f: *", "f > 1", "a", 'f ~= "^[ab]"', "g: (a or x)", "f == ?", "f = 1"])
modes = st.sampled_from(MODES)
logs = st.lists(st.dictionaries(st.sampled_from(["f", "g", "out", "h"]), texts), min_size=1, max_size=12)


def agree(rule_text: str, given_logs: list[dict[str, str]], resources: dict[str, Any] | None = None) -> None:
    rule = compile_rule(rule_text)
    context = context_of(resources or {})
    batch, single = rule.run_logs(given_logs, context), rule.run_events(given_logs, context)
    assert {row: failure.reason for row, failure in batch.failures.items()} == {
        row: failure.reason for row, failure in single.failures.items()
    }
    assert batch.targets == single.targets


def literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(texts, values, max_size=6),
    st.lists(st.sampled_from(["f", "g", "out"]), min_size=1, max_size=3),
    st.booleans(),
    values,
    modes,
    logs,
)
def test_dictionaries(data: Any, fields: list[str], case_insensitive: bool, missing: Any, mode: str, given_logs: Any) -> None:
    options = f"case_insensitive={literal(case_insensitive)}, missing={literal(missing)}, mode={literal(mode)}"
    agree(f'e_dict_map({literal(data)}, {literal(fields)}, "out", {options})', given_logs)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(texts, texts, texts, st.one_of(texts, st.none())), max_size=8),
    st.sampled_from(['"k"', '[("f", "k")]', '[("f", "k"), ("g", "l")]', '["k", ("out", "l")]']),
    st.sampled_from(['"m"', '["m", "out"]', '[("m", "out"), ("out", "f")]', '"M"', '"none"']),
    st.sampled_from(["null", '"-"', "5", '["p", "q"]']),
    modes,
    st.booleans(),
    logs,
)
def test_tables(rows: Any, field: str, output: str, missing: str, mode: str, from_csv: bool, given_logs: Any) -> None:
    given_logs = [{("k" if name == "h" else name): value for name, value in log.items()} for log in given_logs]
    options = f"missing={missing}, mode={literal(mode)}"
    if missing.startswith("[") and not output.startswith("["):
        options = f"mode={literal(mode)}"
    names = ["k", "l", "m", "out"]
    if from_csv:
        lines = ["|".join(names), *("|".join(cell or "" for cell in row) for row in rows)]
        table = f'tab_parse_csv({literal(chr(10).join(lines))}, sep="|")'
    else:
        table = 'res_rds_mysql("h", "u", "env:P", "d", "t", fields=["k", "l", "m", "out"])'
    resources = {"res_rds_mysql": [{"rows": [dict(zip(names, row, strict=True)) for row in rows]}]}
    agree(f"e_table_map({table}, {field}, {output}, {options})", given_logs, resources)


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(queries, values, max_size=5), st.booleans(), values, modes, logs)
def test_searches_by_dictionary(data: Any, multi: bool, missing: Any, mode: str, given_logs: Any) -> None:
    options = f'multi_match={literal(multi)}, multi_join="+", missing={literal(missing)}, mode={literal(mode)}'
    agree(f'e_search_dict_map({literal(data)}, "out", {options})', given_logs)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(queries, st.none(), st.just("")), texts, st.one_of(texts, st.none())), max_size=6),
    st.booleans(),
    modes,
    logs,
)
def test_searches_by_table(rows: Any, multi: bool, mode: str, given_logs: Any) -> None:
    resources = {"res_rds_mysql": [{"rows": [dict(zip(["q", "a", "b"], row, strict=True)) for row in rows]}]}
    table = 'res_rds_mysql("h", "u", "env:P", "d", "t", fields=["q", "a", "b"])'
    agree(
        f'e_search_table_map({table}, "q", [("a", "out"), "b"], {literal(multi)}, "+", missing=["x", null], mode={literal(mode)})',
        given_logs,
        resources,
    )


def test_a_malformed_query_fails_the_events_that_come_to_it() -> None:
    rule = 'e_search_table_map(tab_parse_csv("q,t\\nf: a,x\\n(,y"), "q", "t")'
    agree(rule, [{"f": "a"}, {"f": "b"}])
    result = compile_rule(rule).run_logs([{"f": "a"}, {"f": "b"}])
    assert result.targets["default"] == [{"f": "a", "t": "x"}]
    assert list(result.failures) == [1]


def test_a_table_is_no_dictionary() -> None:
    result = compile_rule('e_dict_map(tab_parse_csv("a,b\\n1,2"), "a", "b")').run_logs([{"a": "1"}])
    assert "tab_to_dict makes one of it" in result.failures[0].reason


def test_joined_texts_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def limit(size: int) -> None:
        within_limit(size * 1_000_000)

    monkeypatch.setattr(_searching, "within_limit", limit)
    rule = 'e_search_dict_map({"f: a": "12345", "f: b": "123456"}, "out", multi_match=true)'
    agree(rule, [{"f": "a"}, {"f": "ab"}])
    result = compile_rule(rule).run_logs([{"f": "a"}, {"f": "ab"}])
    assert "the most that one value may have" in result.failures[1].reason
    assert result.targets["default"] == [{"f": "a", "out": "12345"}]


def test_a_regular_expression_that_takes_too_long_fails_its_event_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "MATCH_SECONDS", 0.1)
    for rule in (
        r"""e_keep(e_search('f ~= "^(?=a)(a|aa)+$"'))""",
        r"""e_keep(e_match("f", r"(?=a)(a|aa)+"))""",
        r"""e_keep(e_match_any("g", "y", "f", r"(?=a)(a|aa)+"))""",
        r"""e_search_dict_map({'f ~= "^(?=a)(a|aa)+$"': "1"}, "g")""",
    ):
        given_logs = [{"f": "a" * 60 + "b"}, {"f": "aaa"}, {"g": "x"}]
        agree(rule, given_logs)
        assert list(compile_rule(rule).run_logs(given_logs).failures) == [0]


def test_tables_that_no_index_is_made_for() -> None:
    names = [f"k{number}" for number in range(70)]
    wide = f"{','.join(names)},v\\n{','.join(names)},hit"
    log = {name: name for name in names}
    agree(f'e_table_map(tab_parse_csv("{wide}"), {literal(names)}, "v")', [log, {**log, "k69": "x"}])
    hit = compile_rule(f'e_table_map(tab_parse_csv("{wide}"), {literal(names)}, "v")').run_logs([log]).targets["default"]
    assert hit[0]["v"] == "hit"
    rows = [[("*" if number >> bit & 1 else "a") for bit in range(9)] for number in range(511, -1, -1)]
    stars = "\\n".join([",".join(names[:9]) + ",v", *(f"{','.join(row)},{number}" for number, row in enumerate(rows[1:]))])
    given_logs = [{name: "a" if number >> bit & 1 else "b" for bit, name in enumerate(names[:9])} for number in (0, 1, 255, 256, 511)]
    agree(f'e_table_map(tab_parse_csv("{stars}"), {literal(names[:9])}, "v", missing="-")', given_logs)


def test_json_text_of_a_file_is_a_dictionary() -> None:
    resources = {"res_oss_file": {"m": '{"1": "one", "*": "many"}'}}
    agree('e_dict_map(res_oss_file("oss", bucket="b", file="m"), "f", "out")', [{"f": "1"}, {"f": "2"}, {}], resources)
    agree('e_dict_map(v("map"), "f", "out")', [{"f": "1", "map": '{"1": "x"}'}, {"f": "1", "map": "[]"}, {"f": "1"}])
