"""One round of an instance: the ranges of all its shards through the job's rule, in one pipeline. Its files are written, nobody sees them yet."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.home import Home
from pipelines.jobs.computed_slice import ComputedSlice, check_counts
from pipelines.jobs.job_plan import JobPlan, ReachableStores
from pipelines.launch import new_pipeline, run_pipeline
from pipelines.rule_wiring import brake_of, directed_outputs, surroundings_of
from transforms.apply_rule import ApplyRule
from transforms.jobs.job import lane_app
from transforms.read_shard_ranges import ReadShardRanges, ShardRange
from transforms.rules.report import RuleReport
from transforms.stores.cursor import Cursor
from transforms.write_logstores import Files, WriteLogstores

__all__ = ["SliceRounds"]


@dataclass
class _Round:
    """What a round reads, and what has become of it so far. In this process."""

    ranges: list[ShardRange] = field(default_factory=list)
    files: list[Files] = field(default_factory=list)
    reports: list[tuple[str, RuleReport]] = field(default_factory=list)


_rounds: dict[str, _Round] = {}
_numbers = itertools.count(1)


class SliceRounds:
    """Runs rounds, one after the other.

    Args:
        plan: the job.
        options: of the pipelines.
        home: whose catalogue tells of Logstores that are made or deleted meanwhile; None: those of the plan are all there are.
    """

    def __init__(self, plan: JobPlan, options: PipelineOptions, *, home: Home | None = None) -> None:
        self._plan = plan
        self._options = options
        self._reachable = None if home is None else ReachableStores(home, plan)
        self._name = f"{os.getpid()}/{next(_numbers)}"
        self._brake = brake_of(plan, f"{plan.job.id}/{self._name}")

    def __enter__(self) -> Self:
        _rounds[self._name] = _Round()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        del _rounds[self._name]

    @property
    def plan(self) -> JobPlan:
        """As it is now."""
        return self._plan

    def run(self, ranges: Mapping[int, tuple[Cursor, Cursor]]) -> dict[int, ComputedSlice]:
        """Shard → (begin, end): read, transform, write. Nothing becomes visible.

        Raises what the pipeline raises: QueryFailed, NotFound for a target or logs that are gone, StoreError; run it again or give up.
        """
        if self._reachable is not None:
            self._plan = self._reachable.plan()
        job = self._plan.job
        lanes = {lane_app(job.id, job.generation, shard): shard for shard in ranges}
        now = _rounds[self._name] = _Round([ShardRange(lane, shard, *ranges[shard]) for lane, shard in lanes.items()])
        pipeline = new_pipeline(self._options)
        self._build(pipeline)
        run_pipeline(pipeline)
        return check_counts(self._plan, lanes, now.files, now.reports)

    def _build(self, pipeline: beam.Pipeline) -> None:
        plan = self._plan
        groups = pipeline | f"Read '{plan.source.name}'" >> ReadShardRanges(plan.source, _rounds[self._name].ranges)
        outputs = groups | "Rule" >> ApplyRule(plan.rule, tuple(plan.definition.targets), surroundings_of(plan, self._brake))
        directed_outputs(outputs, plan) | "Write" >> WriteLogstores(plan.stores, _KeepFiles(self._name))
        outputs.reports | "Keep reports" >> beam.Map(_keep_report, self._name)


class _KeepFiles:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, files: Files) -> None:
        _rounds[self._name].files.append(files)


def _keep_report(report: tuple[str, RuleReport], name: str) -> None:
    _rounds[name].reports.append(report)
