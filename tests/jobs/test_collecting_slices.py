"""When the parts of a slice are all there: by numbers alone, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.definition import definition_of, new_job
from pipelines.jobs.job_plan import JobPlan, plan_job
from pipelines.jobs.slice_collector import is_whole
from pipelines.jobs.slice_order import SliceKey, SliceOrder, SlicePart
from pipelines.transformation.transform_job import read_job
from tests.pipelines.transform_world import make_source, write_job
from transforms.core.errors import QueryFailed
from transforms.rules.report import RuleReport
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import DataFile
from transforms.stores.slice import Slice

KEY = SliceKey("job/abc/1/0", 7, "first")
ORDER = SliceOrder(KEY, 0, 3, "slot-0", Slice(7, BEGIN, Cursor(4, 0, 9), "digest"))


@pytest.fixture
def plan(home: Home, tmp_path: Path) -> Iterator[JobPlan]:
    """Of the job of `transform_world`."""
    make_source(home)
    told = read_job(write_job(tmp_path), DEFAULT_PROJECT)
    ledger = home.job_ledger()
    yield plan_job(home, ledger.create(new_job(DEFAULT_PROJECT, told, ledger.now_us())), definition_of(told))


def wrote(target: str, rows: int) -> SlicePart:
    return SlicePart(KEY, target=f"default/{target}", files=(DataFile(f"/{target}-{rows}", 1, rows, 0, 0, 0),))


def parts() -> list[SlicePart]:
    """Ten logs: six to the default target, two of them to ``errors`` too, one dead, three dropped; in two batches."""
    reports = [
        RuleReport(6, 4, 2, 0, {"default": 4, "errors": 1}),
        RuleReport(4, 2, 1, 1, {"default": 2, "errors": 1}),
    ]
    return [
        SlicePart(KEY, order=ORDER, rows=10),
        *(SlicePart(KEY, report=report) for report in reports),
        wrote("main", 6),
        wrote("errors", 2),
        wrote("source-dead-letters", 1),
    ]


def test_whole_with_the_last_part_and_not_before_in_whatever_order(plan: JobPlan) -> None:
    for order in permutations(parts()):
        assert [is_whole(plan, order[: count + 1]) for count in range(6)] == [False] * 5 + [True]


def test_files_may_come_in_pieces(plan: JobPlan) -> None:
    pieces = [part for part in parts() if part.target != "default/main"] + [wrote("main", 5)]
    assert not is_whole(plan, pieces)
    assert is_whole(plan, [*pieces, wrote("main", 1)])


def test_a_slice_whose_logs_are_gone_is_whole_at_once(plan: JobPlan) -> None:
    assert is_whole(plan, [SlicePart(KEY, order=ORDER, rows=0)])


def test_outputs_that_name_a_logstore_count_for_it(plan: JobPlan) -> None:
    report = RuleReport(3, 3, 0, 0, {"/tenant": 2, "other/tenant": 1})
    found = [SlicePart(KEY, order=ORDER, rows=3), SlicePart(KEY, report=report), wrote("tenant", 2)]
    assert not is_whole(plan, found)
    assert is_whole(plan, [*found, SlicePart(KEY, target="other/tenant", files=(DataFile("/o", 1, 1, 0, 0, 0),))])


@pytest.mark.parametrize("more", [SlicePart(KEY, report=RuleReport(1, 0, 1, 0, {})), wrote("main", 1), wrote("elsewhere", 1)])
def test_more_than_there_can_be_is_refused(plan: JobPlan, more: SlicePart) -> None:
    with pytest.raises(QueryFailed) as refused:
        is_whole(plan, [*parts(), more])
    assert refused.value.code == "TransformCountsDiffer"


def test_a_key_as_text() -> None:
    assert SliceKey.of_text(KEY.text) == KEY
