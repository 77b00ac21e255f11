"""What is said of a rule before an event is seen: calls laid to signatures, constants converted, every problem with its place.

The messages stand whole under diagnostics/: a rule, a line of dashes, what people read. Write them anew with
``LOGSLUICE_WRITE_DIAGNOSTICS=1``, then read the difference.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from transforms.core.diagnostics import render
from transforms.rules.bind import Converted, bind, problems_of
from transforms.rules.problems import SECURITY_CHECK, RuleInvalid
from transforms.rules.rule import compile_rule

FILES = sorted((Path(__file__).parent / "diagnostics").glob("*.txt"))
LINE = "\n" + "-" * 60 + "\n"


def test_there_are_files() -> None:
    assert len(FILES) > 45


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_refusal_reads_like_this(path: Path) -> None:
    rule, expected = path.read_text(encoding="utf-8").split(LINE, 1)
    with pytest.raises(RuleInvalid) as caught:
        bind(rule.replace("␀", "\0"), "rule.lsr")
    shown = render(caught.value) + "\n"
    if os.environ.get("LOGSLUICE_WRITE_DIAGNOSTICS"):
        path.write_text(f"{rule}{LINE}{shown}", encoding="utf-8")
        return
    assert shown == expected


def messages(text: str) -> list[str]:
    return [problem.message.removeprefix(SECURITY_CHECK) for problem in problems_of(text)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('e_set("x", v())', "v() needs at least one argument"),
        ('e_set("x", str_lower())', "str_lower() missing 1 required positional argument: 'value'"),
        ('e_set("x", op_if(1))', "op_if() missing 2 required positional arguments: 'a' and 'b'"),
        ('e_set("x", str_lower("a", "b"))', "str_lower() takes 1 positional argument but 2 were given"),
        ('e_set("x", op_eq(1, 2, 3))', "op_eq() takes 2 positional arguments but 3 were given"),
        ('e_set("x", v("a", defualt=1))', "v() got an unexpected keyword argument 'defualt'"),
        ('e_set("x", v(names="a"))', "v() got an unexpected keyword argument 'names'"),
        ('e_set("x", ct_int("1", base=2, base=3))', "ct_int() got multiple values for argument 'base'"),
        ('e_set("x", ct_int("1", 2, base=3))', "ct_int() got multiple values for argument 'base'"),
        ('e_set("x", op_slice(value="abc"))', "op_slice() takes 'value' by position only"),
        ('e_set("x")', "e_set() takes pairs: an odd number of arguments was given"),
        ("e_if(true)", "e_if() takes pairs: an odd number of arguments was given"),
        ('e_set("x", dct_make(1))', "dct_make() takes pairs: an odd number of arguments was given"),
        ("e_set()", "e_set() needs at least one argument"),
        ("e_if(true, 1)", "an operation is needed here: a step such as e_set(…), or DROP or KEEP"),
        ('e_if(true, v("a"))', "an operation is needed here: a step such as e_set(…), or DROP or KEEP"),
        ('e_set("x", e_drop())', "invalid call in detected: e_drop"),
        ('e_set("x", DROP)', "invalid call in detected: DROP"),
        ("DROP()", "invalid call in detected: DROP"),
        ('e_set("x", nothing("a"))', "invalid call in detected: nothing"),
        ('op_eq(1, 2)', "invalid type detected: <class '_ast.Expr'>"),
        ('v("a") == 1', "invalid type detected: <class '_ast.Expr'>"),
        ('e_set("x", 1, mode="replace")', "e_set: mode is one of fill, fill-auto, add, add-auto, overwrite, overwrite-auto, not 'replace'"),
        ('e_set("x", op_sum(1, "a"))', "op_sum: values: could not convert string to float: 'a'"),
        ('e_set("x", op_sum(1, null))', "op_sum: values: a number is needed, not None"),
        ('e_set("x", lst_get("[1", 0))', "lst_get: list: Expecting ',' delimiter: line 1 column 3 (char 2)"),
        ('e_set("x", ct_int("1", 40))', "ct_int: base is 2 to 36, not 40"),
        ('e_set("x", op_slice("a", "b"))', "op_slice: positions: invalid literal for int() with base 10: 'b'"),
    ],
)  # fmt: skip
def test_problems(text: str, message: str) -> None:
    assert messages(text) == [message]


def test_problems_come_in_the_order_of_the_text() -> None:
    text = 'e_set("a", nothing(foo), "b")\nx = 1\ne_set("c", 1 + 1, mode="no")\nstr_lower("a")\n'
    found = problems_of(text)
    assert [problem.location.start for problem in found] == sorted(problem.location.start for problem in found)
    assert len(found) == 7


def test_an_unknown_function_does_not_hide_problems_in_its_arguments() -> None:
    assert messages('e_nothing(v(), never("a"), [str_lower()], {"a": str_lower()})') == [
        "invalid call in detected: e_nothing",
        "v() needs at least one argument",
        "invalid call in detected: never",
        "str_lower() missing 1 required positional argument: 'value'",
        "str_lower() missing 1 required positional argument: 'value'",
    ]


def test_an_error_tells_all_problems_and_survives_pickling() -> None:
    with pytest.raises(RuleInvalid) as caught:
        compile_rule('e_set("a", nothing())\nx = 1')
    error = caught.value
    assert error.exit_code == 2
    assert "problem 2 of 2" in render(error)
    again = pickle.loads(pickle.dumps(error))
    assert render(again) == render(error)
    assert again.problems == error.problems


@pytest.mark.parametrize(
    "rule", ['e_set("x", {lst_make(v("a")): 1})', 'e_set("x", op_len({v("b"): 1, [v("a")]: 2}))', 'e_set("x", [{(1, []): 2}])']
)
def test_a_list_that_turns_out_to_be_a_key_fails_the_event(rule: str) -> None:
    try:
        compiled = compile_rule(rule)
    except RuleInvalid as error:
        assert "cannot be a key" in str(error)
        return
    logs = [{"a": "1"}, {"a": "2"}]
    for result in (compiled.run_events(logs), compiled.run_logs(logs)):
        assert {row: "cannot be a key" in failure.reason for row, failure in result.failures.items()} == {0: True, 1: True}


def test_constants_are_converted_once_when_the_rule_is_loaded() -> None:
    arguments = bind('e_set("x", op_sum("1", " 2", 3.5))').steps[0].arguments["pairs"]
    assert isinstance(arguments, tuple)
    call = arguments[1]
    values = call.arguments["values"]  # type: ignore[union-attr]
    assert [value.value for value in values if isinstance(value, Converted)] == [1, 2, 3.5]  # type: ignore[union-attr]


def test_defaults_may_be_named_or_placed() -> None:
    for text in ('ct_int("ff", 16)', 'ct_int("ff", base=16)', 'ct_int(value="ff", base="16")', 'ct_int(base=16, value="ff")'):
        assert compile_rule(f'e_set("x", {text})').run_logs([{}]).targets == {"default": [{"x": "255"}]}


def test_constant_targets_are_listed() -> None:
    bound = bind(
        'e_if(v("a"), e_output("one"))\ne_coutput(name="two")\ne_output("one")\ne_output(v("b"))\ne_output(project="p", logstore="l")'
    )
    assert [target.name for target in bound.targets] == ["one", "two", "one"]


def test_a_rule_pickles_as_its_text() -> None:
    rule = compile_rule('e_set("x", 1)\r\nDROP', "mine.lsr")
    again = pickle.loads(pickle.dumps(rule))
    assert again.text == 'e_set("x", 1)\nDROP'
    assert again.source == "mine.lsr"
    assert [step.label for step in again.steps] == [step.label for step in rule.steps] == ["1 e_set", "2 e_drop"]


def test_failures_of_events_point_into_the_rule() -> None:
    rule = compile_rule('e_set("é", 1)\ne_set("x", op_div_floor(1, v("b")))')
    failure = rule.run_logs([{"b": "0"}]).failures[0]
    assert rule.text[failure.start : failure.end] == 'op_div_floor(1, v("b"))'
    assert rule.location(failure).line == 2
