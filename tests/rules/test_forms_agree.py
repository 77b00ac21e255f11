"""The column forms and the scalar forms give the same, on logs nobody would think of.

Each example of each function runs over a batch whose fields hold the example's value, other texts that matter (absent, empty, non-ASCII,
huge, numbers as text, blanks) and mixtures of both; batch and single events must agree in values, drops, order and failures.
"""

from __future__ import annotations

import random

import pytest

from tests.rules.stand_in_resources import context_of
from transforms.rules.function import Example, Function
from transforms.rules.library import all_functions
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule

POOL: list[str | None] = [
    None, "", " ", "0", "1", "-1", "12", "3.5", "1e3", "-0", "007", "٣", "abc", "ABC", "a b c", "Ünïcödé ẞ", "日本語", "a\nb", "a\r\nb\n",
    "x" * 3000, "9" * 40, "true", "null", '"q"', "[1, 2]", '{"k": "v", "n": 1}', "a,b,c", "k=v k2=\"v 2\"", "10.0.0.1", "2020-01-02 03:04:05",
    "1600000000", "https://h/p?q=1", "%41+b", "\x00\x1f", "e\u0301", "🙂", "tab\tsep", "ß", "İ", "\u2028",
]  # fmt: skip

CASES = [
    pytest.param(function, example, id=f"{function.name}-{number}")
    for function in all_functions()
    for number, example in enumerate(function.examples, start=1)
    if example.run and (function.column_form is not None or function.role != "expression")
]


@pytest.mark.parametrize(("function", "example"), CASES)
def test_columns_give_what_single_events_give(function: Function, example: Example) -> None:
    text = example.rule if function.is_step else f'e_set("result", {example.rule})'
    try:
        rule = compile_rule(text)
    except RuleInvalid:
        return  # the example shows a rule that is refused
    context = context_of(example.resources)
    logs = _logs(example)
    batch, single = rule.run_logs(logs, context), rule.run_events(logs, context)
    assert {row: failure.reason for row, failure in batch.failures.items()} == {
        row: failure.reason for row, failure in single.failures.items()
    }
    assert batch.targets.keys() == single.targets.keys()
    for target, wanted in single.targets.items():
        assert _comparable(batch.targets[target]) == _comparable(wanted)


def _logs(example: Example) -> list[dict[str, str]]:
    seeded = random.Random(example.rule)
    fields = list(example.log) or ["a"]  # in one order: that of a batch's columns
    logs = [dict(example.log)]
    for value in POOL:
        for field in fields:
            changed = {**dict.fromkeys(fields), **example.log, field: value}
            logs.append({name: text for name, text in changed.items() if text is not None})
    for _ in range(60):
        chosen = {field: seeded.choice([*POOL, example.log.get(field)]) for field in fields}
        logs.append({field: value for field, value in chosen.items() if value is not None})
    for number, log in enumerate(logs):
        log["~number"] = str(number)
    return logs


def _comparable(logs: list[dict[str, str]]) -> list[list[tuple[str, str]]]:
    """Outputs as sorted fields; snapshots of a batch come step by step, those of events one after the other, so order is by event."""
    return sorted((sorted(log.items()) for log in logs), key=repr)
