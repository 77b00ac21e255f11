"""ApplyRule in pipelines of other people: named steps that each do their own work, tagged outputs, dead letters, reports, the brake."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that

from pipelines.launch import new_pipeline, options_of, run_pipeline
from transforms.apply_rule import ApplyRule, RuleSurroundings, _Release
from transforms.connectors import create_logstore, open_logstore
from transforms.core.errors import QueryFailed
from transforms.core.log_group import LogGroup
from transforms.read_logstore import ReadLogstore
from transforms.rules.batch import RuleBatch
from transforms.rules.brake import Brake
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.write_logstores import SaveFiles, WriteLogstores, load_files

RULE = """\
e_set("kind", str_lower(v("level")))
e_drop(v("kind") == "debug")
e_split("tags")
e_if(v("kind") == "error", e_coutput("errors"))
e_if(v("to"), e_output(project="p", logstore=v("to")))
e_set("last", "yes")
"""
LOGS = [
    {"n": "1", "level": "INFO", "tags": "a,b"},
    {"n": "2", "level": "DEBUG", "tags": "a"},
    {"n": "3", "level": "Error", "tags": "a,b"},
    {"n": "4", "tags": "a"},
    {"n": "5", "level": "Info", "tags": "c", "to": "elsewhere"},
]


def groups() -> list[LogGroup]:
    return [LogGroup.from_logs(LOGS[:3], [1, 2, 3]), LogGroup.from_logs(LOGS[3:], [4, 5])]


def _logs(element: Any) -> list[dict[str, str]]:
    return list(element.to_logs())


def _text(value: Any) -> str:
    """The order of fields in a log is that of its batch."""
    if isinstance(value, dict):
        return repr(sorted(value.items()))
    return repr([_text(part) for part in value]) if isinstance(value, tuple) else repr(value)


def _is(wanted: Sequence[Any]) -> Callable[[Any], None]:
    def check(found: Any) -> None:
        shown = [sorted(map(_text, side)) for side in (found, wanted)]
        assert shown[0] == shown[1]

    return check


def test_outputs_by_target() -> None:
    pipeline = new_pipeline(options_of([]))
    outputs = pipeline | beam.Create(groups()) | "Rule" >> ApplyRule(RULE, targets=["errors"], surroundings=RuleSurroundings(source="p/s"))
    assert_that(
        outputs.default | "1" >> beam.FlatMap(_logs),
        _is([{"n": n, "level": level, "tags": tag, "kind": kind, "last": "yes"}
             for n, level, kind in (("1", "INFO", "info"), ("3", "Error", "error")) for tag in "ab"]),
        "default",
    )  # fmt: skip
    errors = [{"n": "3", "level": "Error", "tags": tag, "kind": "error"} for tag in "ab"]
    assert_that(outputs.targets["errors"] | "2" >> beam.FlatMap(_logs), _is(errors), "errors")
    routed = outputs.routed | "3" >> beam.FlatMap(lambda pair: [(pair[0].key, log) for log in pair[1].to_logs()])
    assert_that(routed, _is([("p/elsewhere", {"n": "5", "level": "Info", "tags": "c", "to": "elsewhere", "kind": "info"})]), "routed")
    letters = (
        outputs.dead_letters | "4" >> beam.FlatMap(_logs) | beam.Map(lambda log: (log["step"], log["position"], log["source"], log["log"]))
    )
    assert_that(letters, _is([("1 e_set", "1:15", "p/s", '{"__time__": "4", "n": "4", "tags": "a"}')]), "dead")
    counts = outputs.reports | beam.Map(lambda report: (report.read, report.delivered, report.dropped, report.dead))
    assert_that(counts, _is([(3, 2, 1, 0), (2, 1, 0, 1)]), "reports")
    run_pipeline(pipeline)


def test_pairs_keep_their_keys() -> None:
    pipeline = new_pipeline(options_of([]))
    pairs = [("x", groups()[0]), ("y", groups()[1])]
    outputs = pipeline | beam.Create(pairs).with_output_types(tuple[str, LogGroup]) | "Rule" >> ApplyRule(RULE, targets=["errors"])
    assert_that(outputs.default | "1" >> beam.Map(lambda pair: (pair[0], pair[1].num_rows)), _is([("x", 4)]), "default")
    assert_that(outputs.dead_letters | "2" >> beam.Map(lambda pair: (pair[0], pair[1].num_rows)), _is([("y", 1)]), "dead")
    counts = outputs.reports | "3" >> beam.Map(lambda pair: (pair[0], pair[1].read, pair[1].delivered, pair[1].dropped, pair[1].dead))
    assert_that(counts, _is([("x", 3, 2, 1, 0), ("y", 2, 1, 0, 1)]), "reports")
    run_pipeline(pipeline)


def test_it_may_stand_twice_in_a_pipeline() -> None:
    pipeline = new_pipeline(options_of([]))
    first = pipeline | beam.Create(groups()) | "First" >> ApplyRule('e_set("a", "1")')
    second = first.default | "Second" >> ApplyRule('e_set("b", v("a"))')
    assert_that(second.default | beam.FlatMap(lambda group: [log["b"] for log in group.to_logs()]), _is(["1"] * 5))
    run_pipeline(pipeline)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("Step 2 e_drop", {"last": 5, "n2": 1}),
        ("Step 3 e_split", {"last": 2, "n2": 0}),
        ("Step 6 e_set", {"last": 0, "n2": 0}),
        (None, {"last": 4, "n2": 0}),
    ],
)
def test_each_transform_does_its_own_step(step: str | None, expected: dict[str, int]) -> None:
    """A step's transform is taken out of the graph: what the others give shows that nobody did its work for it."""
    pipeline = new_pipeline(options_of([]))
    outputs = pipeline | beam.Create(groups()[:1]) | "Rule" >> ApplyRule(RULE, targets=["errors"])
    logs = outputs.default | "Logs" >> beam.FlatMap(_logs)

    def check(found: Any) -> None:
        found = list(found)
        assert {"last": sum("last" in log for log in found), "n2": sum(log["n"] == "2" for log in found)} == expected, found

    assert_that(logs, check)
    proto = pipeline.to_runner_api()
    if step is not None:
        _take_out(proto, step)
    beam.Pipeline.from_runner_api(proto, pipeline.runner, pipeline.options).run().wait_until_finish()


def _take_out(proto: Any, step: str) -> None:
    transforms = proto.components.transforms
    [found] = [key for key, transform in transforms.items() if transform.unique_name == f"Rule/{step}"]
    [source], [made] = transforms[found].inputs.values(), transforms[found].outputs.values()
    for transform in transforms.values():
        for name, collection in list(transform.inputs.items()):
            if collection == made:
                transform.inputs[name] = source
        if found in transform.subtransforms:
            transform.subtransforms.remove(found)
    pending = [found]
    while pending:
        key = pending.pop()
        pending += transforms[key].subtransforms
        for collection in transforms[key].outputs.values():
            proto.components.pcollections.pop(collection, None)
        del transforms[key]


def test_names_of_targets_are_checked_when_the_transform_is_made() -> None:
    with pytest.raises(RuleInvalid, match="no target 'errors'"):
        ApplyRule(RULE, targets=["error"])


def test_a_brake_stops_with_the_most_frequent_reason() -> None:
    pipeline = new_pipeline(options_of([]))
    logs = LogGroup.from_logs([{"a": "x"}] * 20, [0] * 20)
    around = RuleSurroundings(brake=Brake(0.5, 10, "test"))
    pipeline | beam.Create([logs]) | ApplyRule('e_set("n", ct_int(v("a")))', surroundings=around)
    with pytest.raises(QueryFailed, match="20 of 20 logs failed, most for this reason: error when calling : ct_int") as caught:
        run_pipeline(pipeline)
    assert caught.value.location is not None and caught.value.location.column == 12


def test_a_batch_travels_whole() -> None:
    """Between any two steps the batch may be pickled: nothing of it is lost, and no context travels."""
    rule = compile_rule(RULE)
    plain = whole = RuleBatch.of(LogGroup.from_logs(LOGS, [1, 2, 3, 4, 5], [7] * 5), "key")
    for step in rule.steps:
        plain = plain.with_frame(step.apply(plain.frame))
        whole = pickle.loads(pickle.dumps(whole.with_frame(step.apply(whole.frame))))
    shown = [
        [(output.target, list(output.group.to_logs()), output.group.table["~time_ns"].to_pylist()) for output in batch.outputs(99)]
        for batch in (plain, whole)
    ]
    assert shown[0] == shown[1] and len(shown[0]) == 3
    assert plain.failed() == whole.failed() and whole.key == "key"


def test_a_split_batch_is_cut_between_source_events() -> None:
    logs = [{"n": str(n), "tags": ",".join("abcdefghij")} for n in range(100)]
    rule = compile_rule('e_coutput("copy")\ne_split("tags")\ne_if(v("n") == "50", e_set("x", ct_int(v("tags"))))')
    batch = RuleBatch.of(LogGroup.from_logs(logs, list(range(100))))
    for step in rule.steps:
        batch = batch.with_frame(step.apply(batch.frame))
    parts = list(batch.cut(rows=64))
    assert len(parts) > 5 and sum(part.source.num_rows for part in parts) == 100
    totals = [0, 0, 0]
    for part in parts:
        assert part.frame.rows <= 80
        outputs = part.outputs(0)
        counts = part.counts(outputs)
        assert counts.read == counts.delivered + counts.dropped + counts.dead == part.source.num_rows
        totals = [totals[0] + counts.delivered, totals[1] + counts.dead, totals[2] + sum(counts.written.values())]
        for output in outputs:
            times = dict(zip((log["n"] for log in output.group.to_logs()), output.group.seconds.to_pylist(), strict=False))
            assert all(int(n) == seconds for n, seconds in times.items())
    assert totals == [99, 1, 99 * 11]


def test_a_batch_that_is_done_leaves_memory_by_itself() -> None:
    # The collector of garbage counts objects, and columns are few: what waits for it may be gigabytes.
    rule = compile_rule('e_split("tags")\ne_coutput("errors")\ne_set("n", ct_int(v("tags")))')
    gc.collect()
    gc.disable()
    try:
        states = []
        for rows in (2, 100):
            batch = RuleBatch.of(LogGroup.from_logs([{"n": "1", "tags": "a,b"}] * 60, [1] * 60))
            split = batch.with_frame(rule.steps[0].apply(batch.frame))
            split = split.with_frame(rule.steps[1].apply(split.frame))
            states.append(weakref.ref(batch.state))
            for part in split.cut(rows):
                states.append(weakref.ref(part.state))
                done = part.with_frame(rule.steps[2].apply(part.frame))
                assert list(_Release(rule, {"errors": "errors"}, RuleSurroundings()).process(done))
                del part, done
            del batch, split
        assert len(states) > 60
        assert [state for state in states if state() is not None] == []
    finally:
        gc.enable()


def test_nothing_is_encoded_between_reading_and_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    ipc, reduce = LogGroup.to_ipc, RuleBatch.__reduce__

    def to_ipc(group: LogGroup) -> bytes:
        encoded.append("group")
        return ipc(group)

    def reduced(batch: RuleBatch) -> tuple[Any, ...]:
        encoded.append("batch")
        return reduce(batch)

    monkeypatch.setattr(LogGroup, "to_ipc", to_ipc)
    monkeypatch.setattr(RuleBatch, "__reduce__", reduced)
    stores = {name: LogstoreDescriptor("p", name, str(tmp_path / name), even_shards(1)) for name in ("s", "main", "errors")}
    for store in stores.values():
        create_logstore(store)
    for _ in range(30):
        open_logstore(stores["s"]).append(groups())
    pipeline = new_pipeline(options_of([]))
    outputs = pipeline | ReadLogstore(stores["s"]) | "Rule" >> ApplyRule(RULE.replace("e_output(p", "e_coutput(p"), targets=["errors"])
    written = {"main": outputs.default, "errors": outputs.targets["errors"]}
    written | "Write" >> WriteLogstores(stores, SaveFiles(str(tmp_path / "files")))
    run_pipeline(pipeline)
    rows = {name: sum(file.rows for file in files) for name, files in load_files(str(tmp_path / "files")).items()}
    assert rows == {"main": 30 * 5, "errors": 30 * 2, "s": 0}
    assert encoded == []
