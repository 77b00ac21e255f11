"""Frames: whatever steps are put into each other, a batch gives what its events give one by one."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest

from tests.rules.random_rules import random_logs, random_rule
from transforms.rules.context import Context
from transforms.rules.event import DEFAULT_TARGET, Target
from transforms.rules.frame import RECEIVE_TAG, Emission, Frame, SourceTimes, State
from transforms.rules.rule import Rule, RunResult, compile_rule

Logs = list[dict[str, str]]


def _plain(logs: Logs) -> list[Any]:
    return sorted((sorted(log.items()) for log in logs), key=repr)


def _agree(batch: RunResult, single: RunResult, *, reasons: bool) -> None:
    if reasons:
        assert {row: failure.reason for row, failure in batch.failures.items()} == {
            row: failure.reason for row, failure in single.failures.items()
        }
    else:  # which of several siblings fails first is a question of the order in which they are looked at
        assert batch.failures.keys() == single.failures.keys()
    assert batch.targets.keys() == single.targets.keys()
    for target, logs in single.targets.items():
        if target == "default":
            assert batch.targets[target] == logs, "the order too: by source event, then that of the split"
        else:
            assert _plain(batch.targets[target]) == _plain(logs)


@pytest.mark.parametrize("seed", range(150))
def test_a_batch_gives_what_its_events_give(seed: int) -> None:
    chance = random.Random(seed)
    splits = bool(seed % 3)
    rule = compile_rule(random_rule(chance, chance.randint(1, 6), splits=splits, metrics=seed % 5 == 0))
    logs = random_logs(chance, chance.choice([0, 1, 2, 60]))
    _agree(rule.run_logs(logs), rule.run_events(logs), reasons=not splits)


def _run_with_times(rule: Rule, logs: Logs) -> RunResult:
    """As in a job: the event time is beside the fields, not among them."""
    count = len(logs)
    times = SourceTimes(
        pl.Series("", [int(log["__time__"]) for log in logs], pl.Int64),
        pl.Series("", [7] * count, pl.Int32),
        pl.Series("", [5_000_000] * count, pl.Int64),
    )
    state = State(Context(), times)
    names = dict.fromkeys(name for log in logs for name in log if name != "__time__")
    frame = Frame.of({name: pl.Series(name, [log.get(name) for log in logs], pl.String) for name in names}, count, state)
    after = rule.run(frame)
    result = RunResult(failures=state.failures)
    for emission in state.emitted:
        result.add(emission.target, emission.frame.without_failed(0).to_logs())
    result.add(DEFAULT_TARGET, after.to_logs())
    for target in result.targets.values():
        for log in target:
            assert log.pop(RECEIVE_TAG) == "5"
    return result


@pytest.mark.parametrize("seed", range(150, 250))
def test_event_times_beside_the_fields_are_a_field_for_rules(seed: int) -> None:
    chance = random.Random(seed)
    splits = bool(seed % 3)
    rule = compile_rule(random_rule(chance, chance.randint(1, 6), splits=splits))
    logs = [{"__time__": str(1_600_000_000 + number), **log} for number, log in enumerate(random_logs(chance, 40))]
    _agree(_run_with_times(rule, logs), rule.run_events(logs), reasons=not splits)


# ── what befalls events ──────────────────────────────────────────────────


def _both(rule: str, logs: Logs) -> RunResult:
    compiled = compile_rule(rule)
    batch = compiled.run_logs(logs)
    _agree(batch, compiled.run_events(logs), reasons=True)
    return batch


def test_a_failing_sibling_discards_all_that_came_from_its_source_event() -> None:
    rule = 'e_coutput("early")\ne_split("a")\ne_if(v("a") == "1", e_output("ones"))\ne_if(v("a") == "x", e_set("__time__", v("a")))'
    result = _both(rule, [{"a": "1,2,x"}, {"a": "1,2"}, {"a": "x"}, {}])
    assert sorted(result.failures) == [0, 2]
    assert result.targets == {"early": [{"a": "1,2"}, {}], "ones": [{"a": "1"}], "default": [{"a": "2"}, {}]}
    assert result.failures[0].reason == "error when calling : e_set\nDetail: __time__ takes whole Unix seconds, not 'x'"
    assert rule[result.failures[0].start : result.failures[0].end] == 'e_set("__time__", v("a"))'


def test_a_failing_branch_leaves_the_other_branches_alone() -> None:
    rule = 'e_if_else(v("ok"), e_set("done", "yes"), e_compose(e_set("t", "1"), e_set("__time__", v("a"))))'
    result = _both(rule, [{"ok": "1"}, {"a": "noon"}, {"a": "7"}, {"ok": "2"}])
    assert list(result.failures) == [1]
    assert result.targets["default"] == [{"ok": "1", "done": "yes"}, {"a": "7", "t": "1", "__time__": "7"}, {"ok": "2", "done": "yes"}]


def test_a_failing_condition_fails_only_the_events_that_reach_it() -> None:
    rule = 'e_switch(v("a"), e_set("t", "A"), str_lower(v("b")), e_set("t", "B"), default=e_set("t", "C"))'
    result = _both(rule, [{"a": "1"}, {}, {"b": "x"}, {"b": ""}])
    assert list(result.failures) == [1]
    assert [log["t"] for log in result.targets["default"]] == ["A", "B", "C"]


def test_splits_inside_branches_stay_in_their_place() -> None:
    rule = 'e_switch(v("a") == "x", DROP, v("a"), e_compose(e_split("a"), e_if(v("a") == "2", e_split("b"))))'
    logs = [{"n": "0"}, {"a": "1,2,3", "b": "p,q"}, {"a": "x"}, {"n": "3"}, {"a": "2", "b": "r"}]
    assert _both(rule, logs).targets["default"] == [
        {"n": "0"},
        {"a": "1", "b": "p,q"},
        {"a": "2", "b": "p"},
        {"a": "2", "b": "q"},
        {"a": "3", "b": "p,q"},
        {"n": "3"},
        {"a": "2", "b": "r"},
    ]


def test_snapshots_do_not_see_what_happens_later() -> None:
    rule = 'e_coutput("one")\ne_set("a", "2", "new", "x")\ne_coutput("two")\ne_drop_fields("a")\ne_rename("b", "a")'
    result = _both(rule, [{"a": "1", "b": "z"}])
    assert result.targets == {
        "one": [{"a": "1", "b": "z"}],
        "two": [{"a": "2", "b": "z", "new": "x"}],
        "default": [{"a": "z", "new": "x"}],
    }


def test_an_empty_batch_goes_through_every_step() -> None:
    rule = 'e_split("a")\ne_if(v("a"), e_output("t"))\ne_set("a", "1", "b", v("a"))\ne_rename("a", "c")\ne_pack_fields("p")\nDROP'
    assert compile_rule(rule).run_logs([]).targets == {}


# ── targets ──────────────────────────────────────────────────────────────


def _emitted(rule: str, logs: Logs) -> list[tuple[Target, Logs]]:
    state = State(Context())
    compile_rule(rule).run(Frame.from_logs(logs, state))
    return [(emission.target, emission.frame.to_logs()) for emission in state.emitted]


def test_one_snapshot_for_each_target_that_a_batch_has() -> None:
    logs = [{"p": "x", "n": "0"}, {"p": "y", "n": "1"}, {"n": "2"}, {"p": "x", "n": "3"}]
    assert _emitted('e_output(project=v("p"), logstore="l")', logs) == [
        (Target(project="x", logstore="l"), [logs[0], logs[3]]),
        (Target(project="y", logstore="l"), [logs[1]]),
        (Target(logstore="l"), [logs[2]]),
    ]


def test_a_hash_key_field_goes_before_a_hash_key_and_makes_one_snapshot() -> None:
    logs = [{"user": "1"}, {"user": "2"}, {}]
    assert _emitted('e_output("t", hash_key_field="user", hash_key="ff")', logs) == [(Target("t", hash_field="user"), logs)]
    assert _emitted('e_output("t", hash_key="FF")', logs) == [(Target("t", hash_key="0" * 30 + "ff"), logs)]


def test_thousands_of_targets_do_not_take_a_pass_each() -> None:
    logs = [{"l": str(number % 5_000)} for number in range(10_000)]
    emitted = _emitted('e_output(project="p", logstore=v("l"))', logs)
    assert len(emitted) == 5_000
    assert emitted[7] == (Target(project="p", logstore="7"), [{"l": "7"}, {"l": "7"}])


# ── times beside the fields ──────────────────────────────────────────────


def _frame_with_times(columns: dict[str, list[str | None]], rows: int) -> Frame:
    series = pl.Series("", range(rows), pl.Int64)
    times = SourceTimes(series + 100, series.cast(pl.Int32), series * 1_000_000 + 3_000_000)
    return Frame.of({name: pl.Series(name, values, pl.String) for name, values in columns.items()}, rows, State(Context(), times))


@pytest.mark.parametrize("declines", [False, True])
def test_patterns_mean_the_event_time_but_not_a_derived_receive_time(declines: bool) -> None:
    pattern = 'v("f")' if declines else '".*"'
    columns: dict[str, list[str | None]] = {"f": [".*", ".*"]}
    packed = compile_rule(f'e_pack_fields("p", include={pattern})').run(_frame_with_times(columns, 2))
    assert packed.names() == ["__time__", "p"]
    assert packed.to_logs() == [{"__time__": str(100 + row), "p": '{"f": ".*"}', RECEIVE_TAG: str(3 + row)} for row in range(2)]
    assert not packed.holds("__time__") and not packed.holds(RECEIVE_TAG)
    emptied = compile_rule(f"e_drop_fields({pattern})").run(_frame_with_times(columns, 2))
    assert emptied.to_logs() == [{RECEIVE_TAG: "3"}, {RECEIVE_TAG: "4"}]


def test_a_receive_time_that_one_branch_writes_is_only_read_in_the_others() -> None:
    frame = _frame_with_times({"a": ["1", None, "1"]}, 3)
    after = compile_rule(f'e_if(v("a"), e_set("{RECEIVE_TAG}", v("a")))').run(frame)
    assert after.column(RECEIVE_TAG).to_list() == ["1", None, "1"]  # type: ignore[union-attr]


def test_a_snapshot_by_the_scalar_form_leaves_the_times_where_they_are() -> None:
    frame = _frame_with_times({"a": ['{"k": "v"}', "[]"], "b": ["1", "2"]}, 2)
    compile_rule('e_output("t", tags=v("a"))').run(frame)
    (emission,) = frame.state.emitted
    assert emission.frame.names() == ["__time__", "a", "b", "__tag__:k"]
    assert not emission.frame.holds("__time__")
    assert list(frame.state.failures) == [1]


def test_samples_of_metrics_keep_the_time_of_their_event() -> None:
    frame = _frame_with_times({"a": ["1", None]}, 2)
    after = compile_rule('e_to_metric("a")').run(frame)
    assert not after.holds("__time__")
    assert after.column("__time_nano__").to_list() == ["100000000000", None]  # type: ignore[union-attr]


# ── bounds ───────────────────────────────────────────────────────────────


def test_an_event_does_not_become_events_without_bound() -> None:
    result = _both('e_split("a")', [{"a": "," * 100_000}, {"a": "1,2"}])
    assert result.failures[0].reason.endswith("the value has 100,001 parts; at most 100,000 are split")
    assert len(result.targets["default"]) == 2


def test_splits_of_splits_are_bounded_for_each_source_event() -> None:
    rule = compile_rule('e_compose(e_split("a"), e_split("b"))')
    result = rule.run_logs([{"a": "," * 1_100, "b": "," * 1_100}, {"a": "1,2", "b": "3"}])
    assert result.failures[0].reason.endswith("a source event would become more than 1,000,000 events")
    assert result.targets["default"] == [{"a": "1", "b": "3"}, {"a": "2", "b": "3"}]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a\nb,c\r", ["a\nb", "c\r"]),
        ('"a\nb",c', ["a\nb", "c"]),
        ('"a""b" , c', ['a"b ', "c"]),
        ('"open, end', ["open, end"]),
        ('a"b,c', ['a"b', "c"]),
        (" [1, 2]", ["1", "2"]),
        ("[1, 2", ["[1", "2"]),
        ("{}", ["{}"]),
        ('\ue000\n,"x"', ["\ue000\n", "x"]),
        ('"' + "x" * 200_000 + '",1', ["x" * 200_000, "1"]),
    ],
)  # fmt: skip
def test_lines_of_values(text: str, parts: list[str]) -> None:
    assert [log["a"] for log in _both('e_split("a")', [{"a": text}, {"a": "p,q"}]).targets["default"]] == [*parts, "p", "q"]


# ── names ────────────────────────────────────────────────────────────────


def test_what_one_pair_has_renamed_the_next_leaves_alone() -> None:
    rule = 'e_rename("b", "c", "b", "d")\ne_rename("c", "b", "b", "x", "a", "c")'
    logs = [{"b": "1", "c": "2"}, {"b": "1"}, {"a": "0", "c": "3"}, {"a": "0", "b": "1", "c": "2", "d": "4"}, {}]
    assert _both(rule, logs).targets["default"] == [
        {"d": "1", "b": "2"},
        {"b": "1"},
        {"b": "3", "c": "0"},
        {"x": "1", "d": "4", "a": "0", "c": "2"},
        {},
    ]


def test_the_event_time_can_be_renamed_and_given() -> None:
    frame = _frame_with_times({"a": ["1", "x"]}, 2)
    after = compile_rule('e_rename("__time__", "t", "a", "__time__")').run(frame)
    assert after.to_logs() == [{"__time__": "1", "t": "100", RECEIVE_TAG: "3"}]
    assert list(frame.state.failures) == [1]


# ── parts of batches ─────────────────────────────────────────────────────


def test_a_batch_in_parts_gives_what_the_whole_gives() -> None:
    text = 'e_split("a")\ne_coutput("t")\ne_if(v("a") == "x", e_set("__time__", v("b", default="5")), v("b"), e_split("b"))\ne_drop(v("c"))'
    rule = compile_rule(text)
    logs = random_logs(random.Random(5), 300)
    whole = rule.run_logs(logs)
    state = State(Context())
    frame = rule.steps[1].apply(rule.steps[0].apply(Frame.from_logs(logs, state)))
    together = RunResult()
    for first, last in ((0, 0), (0, 7), (7, 8), (8, 300)):
        own = State(Context())
        part = frame.of_sources(first, last, own)
        own.emitted = [Emission(one.target, one.frame.of_sources(first, last, own)) for one in state.emitted]
        for step in rule.steps[2:]:
            part = step.apply(part)
        for emission in own.emitted:
            together.add(emission.target, emission.frame.without_failed(0).to_logs())
        together.add(DEFAULT_TARGET, part.without_failed(0).to_logs())
        together.failures.update({first + row: failure for row, failure in own.failures.items()})
    assert together.failures == whole.failures
    assert together.targets == whole.targets


def test_the_size_of_columns_is_told_without_making_them() -> None:
    frame = Frame.from_logs([{"a": "x" * 20, "b": "y" * 20}] * 100, State(Context()))
    frame.set_constant("c", "z" * 20)
    half = frame.select(pl.int_range(50, dtype=pl.UInt32, eager=True))
    assert 50 * 60 <= half.estimated_size() <= 50 * 120
    assert frame.nothing().estimated_size() == 0
