"""Worked cases of the rule language: one rule over some events, by columns and by the scalar forms, which must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from tests.rules.stand_in_resources import context_of
from transforms.rules.library import function_named
from transforms.rules.rule import RunResult, compile_rule

_ANSWERED = ("geo_parse", "ua_parse_os", "ua_parse_all", "ua_parse_agent", "ua_parse_device")
"""Functions whose answers come from databases that change: a case may give the answer."""


def run_rule(rule: str, events: Sequence[Mapping[str, str]], resources: Mapping[str, Any]) -> dict[str, Any]:
    """The logs of each target and the reasons of events that failed."""
    compiled = compile_rule(rule)
    with _answers(resources):
        batch = compiled.run_logs(events, context_of(resources))
        single = compiled.run_events(events, context_of(resources))
    if _shape(batch) != _shape(single) and not _varies(rule):
        raise ValueError(f"columns and single events differ: {_shape(batch)} {_shape(single)}")
    return {"targets": batch.targets, "failures": [failure.reason for _, failure in sorted(batch.failures.items())]}


def _varies(rule: str) -> bool:
    return any(name in rule for name in ("dt_now", "dt_today", "dt_utcnow", "dt_currentstamp", "str_uuid"))


def _shape(result: RunResult) -> Any:
    targets = {key: sorted(sorted(log.items()) for log in logs) for key, logs in result.targets.items()}
    return targets, {row: failure.reason for row, failure in result.failures.items()}


@contextmanager
def _answers(resources: Mapping[str, Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for name in _ANSWERED:
            if name in resources:
                function = function_named(name)
                answer = resources[name]
                stack.enter_context(patch.object(function, "implementation", lambda *given, answer=answer, **named: answer))
                stack.enter_context(patch.object(function, "column_form", None))
        yield
