"""The end of a continuous job's pipeline: collects the parts of each slice until the counts say that all are there, then commits it.

Parts come in any order and from several workers. That nothing is missing is told by numbers alone: the rule has reported as many logs as
were read, and for each target as many were written as the rule gave. No window and no watermark is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam import coders
from apache_beam.transforms.userstate import BagStateSpec

from pipelines.jobs.computed_slice import ComputedSlice, written_by_target
from pipelines.jobs.job_access import JobAccess, OpenJob
from pipelines.jobs.job_plan import JobPlan
from pipelines.jobs.slice_order import SliceOrder, SlicePart
from pipelines.transformation.transform_plan import DEAD_LETTERS
from transforms.core.error_transport import portable_errors
from transforms.core.errors import QueryFailed
from transforms.rules.report import RuleReport
from transforms.stores.logstore import DataFile

__all__ = ["CollectSlices", "is_whole"]

_log = logging.getLogger(__name__)
_PARTS = beam.DoFn.StateParam(BagStateSpec("parts", coders.PickleCoder()))


class CollectSlices(beam.DoFn):
    """(lane, SlicePart) → number of a slice that was committed. What it keeps of a lane are the parts of its newest slice."""

    def __init__(self, access: JobAccess) -> None:
        self._access = access
        self._open: OpenJob | None = None

    def teardown(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def process(self, element: tuple[str, SlicePart], parts: Any = _PARTS) -> Iterable[int]:
        part = element[1]
        found: list[SlicePart] = list(parts.read())
        newest = max((one.key.number for one in found), default=0)
        if part.key.number < newest:
            return []  # of a computation that was given up
        if part.key.number > newest and found:
            parts.clear()
            found = []
        own = [*(one for one in found if one.key == part.key), part]
        order = next((one.order for one in own if one.order is not None), None)
        with portable_errors():
            if order is not None and order.slice.intent:
                done = self._opened().commits(order.consumer).roll_forward({order.shard: order.epoch}, {order.shard: order.slice})
            elif order is not None and is_whole(self._access.plan, own):
                done = self._commit(order, own)
            else:
                parts.add(part)
                return []
        if order.shard not in done:
            _log.warning("%s does not own shard %d any more: slice %d is left to its owner", order.consumer, order.shard, order.key.number)
        parts.clear()
        return [part.key.number] if done else []

    def _commit(self, order: SliceOrder, parts: Sequence[SlicePart]) -> frozenset[int]:
        shard, files = order.shard, _files(parts)
        computed = ComputedSlice({target: files[target] for target in sorted(files)}, _report(parts))
        return self._opened().commits(order.consumer).commit({shard: order.epoch}, {shard: order.slice}, {shard: computed})

    def _opened(self) -> OpenJob:
        if self._open is None:
            self._open = self._access.open()
        return self._open


def is_whole(plan: JobPlan, parts: Sequence[SlicePart]) -> bool:
    """Whether the parts of one computation are all there.

    Raises QueryFailed when there is more than there can be.
    """
    rows, report, files = sum(part.rows for part in parts), _report(parts), _rows(_files(parts))
    if report.read < rows or all(part.order is None for part in parts):
        return False
    expected = written_by_target(report, plan.targets, plan.definition.default_target.key, plan.source.project)
    if report.dead:
        letters = plan.targets[DEAD_LETTERS]
        expected[letters] = expected.get(letters, 0) + report.dead
    if report.read > rows or any(written > expected.get(target, 0) for target, written in files.items()):
        raise QueryFailed(
            f"{rows:,} logs of a slice were read, but the rule had {report.read:,}, or more were written than it gave",
            hint="nothing of it became visible; start the job again, and report this",
            code="TransformCountsDiffer",
        )
    return files == {target: logs for target, logs in expected.items() if logs}


def _report(parts: Sequence[SlicePart]) -> RuleReport:
    return RuleReport.total(part.report for part in parts if part.report is not None)


def _files(parts: Sequence[SlicePart]) -> dict[str, list[DataFile]]:
    files: dict[str, list[DataFile]] = {}
    for part in parts:
        if part.files:
            files.setdefault(part.target, []).extend(part.files)
    return {target: sorted(found, key=lambda file: file.path) for target, found in files.items()}


def _rows(files: Mapping[str, Sequence[DataFile]]) -> dict[str, int]:
    return {target: sum(file.rows for file in found) for target, found in files.items()}
