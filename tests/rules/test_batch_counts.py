"""What a batch says of itself: reasons are short however long the values are, reports are bounded, the brake stops in time."""

from __future__ import annotations

import pickle

import pytest

from transforms.core.errors import QueryFailed
from transforms.core.log_group import LogGroup
from transforms.rules.batch import BatchCounts, RuleBatch
from transforms.rules.brake import Brake
from transforms.rules.dead_letters import dead_letters, original_logs
from transforms.rules.frame import Failure
from transforms.rules.report import MOST_KINDS, RuleReport
from transforms.rules.rule import compile_rule


def batch_of(rule: str, logs: list[dict[str, str]]) -> RuleBatch:
    batch = RuleBatch.of(LogGroup.from_logs(logs, list(range(len(logs)))))
    for step in compile_rule(rule).steps:
        batch = batch.with_frame(step.apply(batch.frame))
    return batch


@pytest.mark.parametrize(
    "rule", ['e_set("x", ct_int(v("a")))', 'e_set("x", op_sum(v("a"), ct_int(v("a"))))', 'e_set("x", v("a"), "__time__", v("a"))']
)
def test_reasons_are_short_however_long_values_are(rule: str) -> None:
    batch = batch_of(rule, [{"a": "x" * 10_000_000}, {"a": "5"}])
    ((row, failure),) = batch.failed()
    assert row == 0 and len(failure.reason) < 2_200
    letters = dead_letters(batch, compile_rule(rule), 7_000_001, "p/s", "job")
    assert letters is not None
    (letter,) = letters.to_logs()
    assert len(letter["reason"]) < 2_200
    assert list(original_logs([letter]).to_logs()) == [{"a": "x" * 10_000_000}]


def test_reasons_are_text_that_can_be_kept() -> None:
    rule = 'e_set("x", dt_parse(json_select(v("a"), "b")))'
    batch = batch_of(rule, [{"a": '{"b": "\\ud800 x"}'}])
    letters = dead_letters(batch, compile_rule(rule), 1)
    assert letters is not None and letters.num_rows == 1


def test_reports_keep_some_kinds_and_count_all() -> None:
    rule = 'e_set("x", ct_int(v("a")))'
    compiled = compile_rule(rule)
    parts = []
    for part in range(5):
        batch = batch_of(rule, [{"a": f"x{part}-{n}"} for n in range(80)])
        parts.append(RuleReport.of(batch, batch.counts(batch.outputs(0)), compiled))
    whole = RuleReport.total(pickle.loads(pickle.dumps(parts)))
    assert (whole.read, whole.delivered, whole.dropped, whole.dead) == (400, 0, 0, 400)
    assert len(whole.failures) == MOST_KINDS + 1 and sum(whole.failures.values()) == 400
    assert RuleReport.total([]) == RuleReport()
    assert RuleReport.total([RuleReport.total(parts[:2]), RuleReport.total(parts[2:])]).failures == whole.failures


def test_the_brake_counts_all_batches_of_its_run() -> None:
    rule = compile_rule('e_set("x", 1)')
    failed = [(0, Failure("often", 0, 5)), (1, Failure("seldom", 6, 9)), (2, Failure("often", 0, 5))]
    brake = Brake(0.5, 8, "this run")
    brake.check(BatchCounts(read=4, dead=4), failed, rule)  # too few logs to tell
    brake.check(BatchCounts(read=4, dead=0), [], rule)  # half is not more than half
    Brake(0.5, 8, "another run").check(BatchCounts(read=1, dead=1), failed, rule)
    with pytest.raises(QueryFailed) as stopped:
        brake.check(BatchCounts(read=2, dead=2), failed, rule)
    assert "6 of 10 logs failed" in stopped.value.message and "often" in stopped.value.message
    assert stopped.value.location is not None and stopped.value.code == "RuleFailsMostly"
