"""Operators, arithmetic and conversions: comparisons of all kinds, operands that are not reached, and random expressions by both forms."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import polars as pl
import pytest

from tests.rules.evaluation import columnar, scalar
from transforms.rules.columns import stored
from transforms.rules.event import EventFailed
from transforms.rules.functions.operators._comparison import compare, equal
from transforms.rules.rule import compile_rule
from transforms.rules.values import kind_of, stored_text

EQUAL = [(1, 1), (1, 1.0), ("a", "a"), (b"a", b"a"), ([1, "a"], [1.0, "a"]), ((), ()), (None, None), (True, True), ({"a": 1}, {"a": 1.0}),
         (datetime(2020, 1, 2), datetime(2020, 1, 2, tzinfo=UTC)), (2**70, 2.0**70)]  # fmt: skip
DIFFERENT = [("1", 1), (1, True), (0, False), ("a", b"a"), ([1], (1,)), (None, ""), (None, 0), (None, False), ("", []), (2**53 + 1, 2.0**53),
             (float("nan"), float("nan")), ("A", "a"), ({"a": 1}, {"b": 1})]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal(a: object, b: object) -> None:
    assert equal(a, b) and equal(b, a)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different(a: object, b: object) -> None:
    assert not equal(a, b) and not equal(b, a)


RISING = [
    [-1, 0.5, 1, 2.5, 10**30], ["", "10", "9", "Z", "a", "ä", "日", "🙂"], [b"", b"\x00", b"a"], [[], [1], [1, 2], [2], [10]],
    [("a", 1), ("a", 2), ("b", 0)], [False, True], [datetime(2020, 1, 1), datetime(2020, 1, 1, 1, tzinfo=UTC)],
    ["-5", 3], [3, "3.5"], [" 7 ", 8], [[1, "2"], [1, 3]],
]  # fmt: skip


@pytest.mark.parametrize("values", RISING, ids=repr)
def test_order(values: list[object]) -> None:
    import operator

    for i, a in enumerate(values):
        assert compare(operator.ge, a, a) and compare(operator.le, a, a)
        assert not compare(operator.gt, a, a) and not compare(operator.lt, a, a)
        for b in values[i + 1 :]:
            assert compare(operator.lt, a, b) and compare(operator.le, a, b) and compare(operator.gt, b, a) and compare(operator.ge, b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [(None, 1), (None, None), ("a", None), ("x", 1), (True, 1), ("1", True), ([1], (1,)), ({}, {}), (b"1", 1), ([1, "x"], [1, 2])],
)
def test_no_order(a: object, b: object) -> None:
    import operator

    with pytest.raises((TypeError, ValueError), match=r"cannot be compared|have no order|is not a number"):
        compare(operator.lt, a, b)


LOGS = [{"n": "0"}, {"n": "4"}, {"n": "x"}, {}, {"n": "-2"}, {"n": ""}, {"n": "2.5"}]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('op_if(v("n") == "0", "zero", op_div_floor(8, ct_int(v("n"))))', ["zero", 2, None, None, -4, None, None]),
        ('op_and(op_in(["0", "4"], v("n", default="")), ct_int(v("n")))', [False, True, False, False, False, False, False]),
        ('op_or(op_not(op_in(["4", "-2"], v("n", default=""))), ct_int(v("n")) > 0)', [True, True, True, True, False, True, True]),
        ('not v("n") or v("n") == "x" or op_div_true(1, v("n"))', [None, True, True, True, True, True, True]),
        ('op_coalesce(op_nullif(v("n"), "x"), op_mod(1, 0))', ["0", "4", None, None, "-2", "", "2.5"]),
        ('op_ifnull(op_if(op_in(["0", "x"], v("n", default="")), null, 1), v("n"))', ["0", 1, "x", 1, 1, 1, 1]),
    ],
)
def test_operands_that_are_not_reached_cannot_fail(text: str, values: list[object]) -> None:
    by_columns = columnar(text, LOGS)
    for log, value, found in zip(LOGS, values, by_columns, strict=True):
        if value is None:
            assert isinstance(found, EventFailed)
            with pytest.raises(EventFailed) as caught:
                scalar(text, log)
            assert found.reason == caught.value.reason
        else:
            assert scalar(text, log) == value
            assert found == value
            assert kind_of(found) == kind_of(value)


def test_a_failure_in_an_operand_names_the_operand() -> None:
    with pytest.raises(EventFailed, match=r"^error when calling : op_div_floor\nDetail: integer division or modulo by zero$"):
        scalar('op_if(true, op_div_floor(1, v("n")), 2)', {"n": "0"})


def test_floats_are_kept_as_python_writes_them() -> None:
    seeded = random.Random(3)
    values = [
        0.0,
        -0.0,
        1e16,
        9999999999999998.0,
        1e15,
        0.0001,
        9.999e-5,
        1e22,
        float("inf"),
        float("-inf"),
        float("nan"),
        5e-324,
        1.7976931348623157e308,
    ]
    for _ in range(5000):
        values += [seeded.random() * 10.0 ** seeded.randint(-9, 20), float(seeded.randint(-(10**6), 10**6)) / seeded.choice([1, 3, 1024])]
        values.append(round(seeded.random() * 1000, seeded.randint(0, 6)))
    column = pl.Series("", [None, *values], pl.Float64)
    assert stored(column, len(column)).to_list() == [None, *map(stored_text, values)]
    assert stored(column[:3], 3).to_list() == [None, "0.0", "-0.0"]


BOMBS = [
    "op_pow(10, 10000000000)", "op_pow(op_pow(2, 30000), 30000)", "op_pow(-7, 99999999999999999999)", 'op_mul("ab", 99999999999)',
    "op_mul([1], 99999999999)", "op_mul(b'a', 99999999999)", 'op_mul(op_mul(["abc"], 1000000), 1000000)',
    'e_set("x", op_mul(op_mul(["abcdefghij"], 1000), 1000))', "op_mul(op_pow(10, 9000), op_pow(10, 9000))",
    "op_add(op_mul('a', 9000000), op_mul('a', 9000000))", "op_add(op_mul([1], 900000), op_mul([1], 900000))",
    'e_set("x", op_pow(10, 5000))', "ct_int(op_mul('9', 20000), 16)",
]  # fmt: skip


@pytest.mark.parametrize("text", BOMBS)
def test_bombs_are_refused(text: str) -> None:
    rule = compile_rule(text if text.startswith("e_set") else f'e_set("x", op_len({text}))')
    for result in (rule.run_events([{"a": "1"}]), rule.run_logs([{"a": "1"}])):
        assert list(result.failures) == [0]
        assert any(word in result.failures[0].reason for word in ("digits", "are the most", "are the longest", "cannot be kept"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("op_pow(1, 99999999999999)", 1), ("op_pow(-1, 99999999999999)", -1), ("op_pow(0, 99999999999999)", 0), ("op_pow(-1, 2)", 1),
        ("op_pow(0, 0)", 1), ("op_pow(2, 1000)", 2**1000), ("op_pow(0.0, 2)", 0.0), ("op_pow(4, 0.5)", 2.0),
        ("op_round(15, -99999999999)", 0), ("op_round(1.5, 99999999999)", 1.5), ("op_round(-1.5, -99999999999)", 0.0),
        ("op_round(15, 99999999999)", 15), ("op_round(3.5)", 4), ("op_round(-2.5)", -2),
        ('op_slice("abc", 0, 99999999999999999999)', "abc"), ('op_slice("abc", -99999999999999999999, null)', "abc"),
        ('op_mul("abc", -99999999999999999999)', ""), ("op_mul(3, 'ab')", "ababab"), ("op_add(1)", 1), ("op_div_floor(-7.0, 2)", -4.0),
        ("op_mod(-7, 3)", 2), ("op_mod(7, -3)", -2), ("op_sum('1_000', ' 2 ')", 1002), ("ct_int('0b101', 2)", 5), ("ct_int('zZ', 36)", 1295),
    ],
)  # fmt: skip
def test_edges(text: str, value: object) -> None:
    found = scalar(text, {})
    assert found == value
    assert type(found) is type(value)


# ── random expressions ───────────────────────────────────────────────────

TEXTS = ["", "0", "1", "-1", "7", "12", "007", " 5", "-0", "3.5", "-0.0", "1e3", "1e400", "nan", "inf", "9" * 25, "9223372036854775807", "4611686018427387904",
         "9007199254740993", "abc", "ab", "ABC", "ä", "日本", "1_0", "٣", "true", "[1]"]  # fmt: skip
CONSTANTS = ["0", "1", "-1", "2.5", "18", "1e300", "9007199254740993", "9223372036854775807", "99999999999999999999", '""', '"a"', '"12"', '"x"', "true", "null", "[1, 2]",
             '["a", "1"]', '{"a": 1}']  # fmt: skip
SHAPES = [
    "op_eq({0}, {1})", "op_ne({0}, {1})", "op_gt({0}, {1})", "op_ge({0}, {1})", "op_lt({0}, {1})", "op_le({0}, {1})", "op_and({0}, {1})",
    "op_or({0}, {1}, {2})", "op_not({0})", "op_if({0}, {1}, {2})", "op_ifnull({0}, {1})", "op_coalesce({0}, {1}, {2})", "op_nullif({0}, {1})",
    "op_len({0})", "op_in({0}, {1})", "op_not_in({0}, {1})", "op_slice({0}, 1)", "op_slice({0}, 1, 2)", "op_index({0}, 0)", "op_index({0}, -1)",
    "op_add({0}, {1})", "op_add({0}, {1}, {2})", "op_max({0}, {1})", "op_min({0}, {1}, {2})", "op_sum({0}, {1})", "op_sum({0}, {1}, {2})",
    "op_sum({0}, {1}, {2}, {1})", "op_sub({0}, {1})", "op_mul({0}, {1})", "op_div_true({0}, {1})", "op_div_floor({0}, {1})", "op_mod({0}, {1})",
    "op_neg({0})", "op_abs({0})", "op_pow({0}, 2)", "op_round({0}, 1)", "ct_int({0})", "ct_float({0})", "ct_str({0})", "ct_bool({0})",
    "ct_int(v(\"a\", default=\"1\"))", "ct_float(v(\"b\", default=\"1\"))", "{0} > {1}", "{0} == {1} or {2}",
]  # fmt: skip


def _random_expression(seeded: random.Random, depth: int) -> str:
    if depth == 0 or seeded.random() < 0.2:
        return seeded.choice([*CONSTANTS, 'v("a")', 'v("b")', 'v("c")', 'v("a")', 'v("b")'])
    shape = seeded.choice(SHAPES)
    parts = [_random_expression(seeded, depth - 1) for _ in range(3)]
    return "(" + shape.format(*parts) + ")"


def _agree(seed: int, times: int) -> None:
    seeded = random.Random(seed)
    for _ in range(times):
        text = f'e_set("r", {_random_expression(seeded, 3)})'
        rule = None
        try:
            rule = compile_rule(text)
        except Exception as error:
            assert "RuleInvalid" in type(error).__name__, text
            continue
        few = seeded.sample(TEXTS, seeded.randint(1, len(TEXTS)))
        logs = [{name: seeded.choice(few) for name in "abc" if seeded.random() < 0.93} | {"~": str(i)} for i in range(24)]
        batch, single = rule.run_logs(logs), rule.run_events(logs)
        assert {row: failure.reason for row, failure in batch.failures.items()} == {
            row: failure.reason for row, failure in single.failures.items()
        }, text
        found = {log["~"]: log for log in batch.targets.get("default", [])}
        assert found == {log["~"]: log for log in single.targets.get("default", [])}, text


def test_random_expressions_mean_the_same_by_columns() -> None:
    _agree(1, 300)


@pytest.mark.soak
def test_many_random_expressions_mean_the_same_by_columns() -> None:
    for seed in range(2, 40):
        _agree(seed, 1000)
