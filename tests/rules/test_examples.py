"""Every function's examples, by the scalar forms and by columns; and what a function's file has to say."""

from __future__ import annotations

import pytest

from tests.rules.evaluation import columnar, scalar
from tests.rules.stand_in_resources import context_of
from transforms.rules.event import EventFailed
from transforms.rules.function import Example, Function
from transforms.rules.library import all_functions
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule

FUNCTIONS = all_functions()
EXAMPLES = [
    pytest.param(function, example, id=f"{function.name}-{number}")
    for function in FUNCTIONS
    for number, example in enumerate(function.examples, start=1)
    if example.run
]


@pytest.mark.parametrize(("function", "example"), EXAMPLES)
def test_example(function: Function, example: Example) -> None:
    if function.is_step:
        _step(example)
    else:
        _expression(example)


def _expression(example: Example) -> None:
    log = dict(example.log)
    if example.error is None:
        assert _same(scalar(example.rule, log, example.resources), example.result)
        assert _same(columnar(example.rule, [log, log], example.resources)[1], example.result)
        return
    with pytest.raises((EventFailed, RuleInvalid)) as caught:
        scalar(example.rule, log, example.resources)
    assert example.error in str(caught.value)
    if isinstance(caught.value, EventFailed):
        failed = columnar(example.rule, [log], example.resources)[0]
        assert isinstance(failed, EventFailed), failed
        assert failed.reason == caught.value.reason


def _same(got: object, want: object) -> bool:
    """Equal and of the same type all the way down (1 is not true, a tuple is no list)."""
    if type(got) is not type(want):
        return False
    if isinstance(want, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(want) and all(map(_same, got, want))
    if isinstance(want, dict) and isinstance(got, dict):
        return list(got) == list(want) and all(_same(got[key], want[key]) for key in want)
    if isinstance(want, float) and want != want:
        return got != got
    return got == want


def _step(example: Example) -> None:
    context = context_of(example.resources)
    try:
        rule = compile_rule(example.rule)
    except RuleInvalid as error:
        assert example.error is not None, error
        assert any(example.error in problem.message for problem in error.problems), error.problems
        return
    logs = [dict(example.log)]
    for result in (rule.run_events(logs, context), rule.run_logs(logs, context)):
        if example.error is not None:
            assert example.error in result.failures[0].reason
            assert not result.targets
            continue
        assert not result.failures
        assert result.targets == _wanted(example)


def _wanted(example: Example) -> dict[str, list[dict[str, str]]]:
    if example.targets:
        return dict(example.result)
    if example.result is None:
        return {}
    return {"default": [dict(log) for log in (example.result if isinstance(example.result, list) else [example.result])]}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_function_says_what_people_need(function: Function) -> None:
    assert function.summary.endswith("."), "the docstring begins with one sentence"
    assert function.prose, "the docstring goes on with prose"
    described = {parameter.name: parameter.description for parameter in function.parameters}
    assert all(text.endswith(".") for text in described.values()), described
    assert function.status in ("stable", "newer", "presumed")
    assert len(function.examples) >= 3, "a normal example, an edge, an error"
    assert function.implementation.__module__ == f"transforms.rules.functions.{function.family}.{function.name}"


def test_every_function_has_an_example_that_fails_or_cannot_fail() -> None:
    """Whoever adds a function shows how it fails; those that cannot fail are counted here, by hand."""
    silent = {function.name for function in FUNCTIONS if not any(example.error for example in function.examples)}
    assert silent <= CANNOT_FAIL, sorted(silent - CANNOT_FAIL)


CANNOT_FAIL: set[str] = set()
