"""A continuous job as one pipeline that never ends: slices are ordered, read, transformed, written, collected and committed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from pipelines.jobs.job_access import JobAccess
from pipelines.jobs.slice_collector import CollectSlices
from pipelines.jobs.slice_files import WriteSliceFiles
from pipelines.jobs.slice_order import SliceKey, SliceOrder, SlicePart
from pipelines.jobs.slice_source import OrderSlices
from pipelines.transformation.rule_wiring import brake_of, directed_outputs, surroundings_of
from transforms.apply_rule import ApplyRule
from transforms.connectors.kept import kept_logstore
from transforms.core.error_transport import portable_errors
from transforms.core.log_group import LogGroup
from transforms.log_group_coder import register_log_group_coder
from transforms.rules.report import RuleReport
from transforms.slot_restriction import SlotName
from transforms.stores.logstore import LogstoreDescriptor

__all__ = ["build"]

register_log_group_coder()

_Part = tuple[str, SlicePart]


def build(
    pipeline: beam.Pipeline,
    access: JobAccess,
    slots: Sequence[SlotName],
    *,
    rows: int = 65_536,
    beat_seconds: float = 5.0,
    once: bool = False,
) -> None:
    """Add the steps of a job to a pipeline. ``slots`` are its consumers; for ``rows``, ``beat_seconds``, ``once`` see `OrderSlices`."""
    plan = access.plan
    orders = pipeline | "Slices" >> OrderSlices(access, slots, rows=rows, beat_seconds=beat_seconds, once=once)
    # Who orders must not wait for those who work: it has a heartbeat to send.
    spread = orders | "Spread" >> beam.Reshuffle()
    read = beam.ParDo(_ReadSlice(plan.source)).with_output_types(tuple[str, LogGroup], orders=_Part)
    found = spread | f"Read '{plan.source.name}'" >> read.with_outputs("orders", main="groups")
    brake = brake_of(plan, f"{plan.job.id}/{time.time_ns()}")
    outputs = found.groups | "Rule" >> ApplyRule(plan.rule, tuple(plan.definition.targets), surroundings_of(plan, brake))
    parts = [
        groups | f"Write files {number}" >> beam.ParDo(WriteSliceFiles(plan.stores)).with_output_types(_Part)
        for number, groups in enumerate(directed_outputs(outputs, plan), start=1)
    ]
    reports = outputs.reports | "Reports" >> beam.Map(_reported).with_output_types(_Part)
    collect = beam.ParDo(CollectSlices(access)).with_output_types(int)
    (found.orders, reports, *parts) | "Parts" >> beam.Flatten() | "Commit" >> collect


class _ReadSlice(beam.DoFn):
    """SliceOrder → its logs, and, when it has read them all, how many those are."""

    def __init__(self, source: LogstoreDescriptor) -> None:
        self._source = source
        self._rows = Metrics.counter("logsluice", "log_rows_read")

    def process(self, order: SliceOrder) -> Iterable[Any]:
        rows = 0
        if not order.slice.intent:
            with portable_errors():
                for group in kept_logstore(self._source).read_range(order.shard, order.slice.begin, order.slice.end):
                    rows += group.num_rows
                    self._rows.inc(group.num_rows)
                    yield order.key.text, group
        yield TaggedOutput("orders", (order.key.lane, SlicePart(order.key, order=order, rows=rows)))


def _reported(element: tuple[str, RuleReport]) -> _Part:
    key = SliceKey.of_text(element[0])
    return key.lane, SlicePart(key, report=element[1])
