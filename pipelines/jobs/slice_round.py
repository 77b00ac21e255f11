"""One round of an instance: the ranges of all its shards through the job's rule, in one pipeline. Its files are written, nobody sees them yet."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.home import Home
from pipelines.jobs.computed_slice import ComputedSlice, check_counts
from pipelines.jobs.job_plan import JobPlan, ReachableStores
from pipelines.jobs.standing_pipeline import StandingPipeline, ranges_of_rounds, standing_pipeline
from pipelines.launch import new_pipeline, run_pipeline, worker_count
from pipelines.transformation.rule_wiring import brake_of, directed_outputs, surroundings_of
from transforms.apply_rule import ApplyRule, RuleOutputs, RuleSurroundings
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.jobs.job import lane_app
from transforms.read_shard_ranges import ReadShardRanges, ShardRange
from transforms.rules.report import RuleReport
from transforms.stores.cursor import Cursor
from transforms.write_logstores import Files, SaveFiles, WriteDataFiles, WriteLogstores, load_files

__all__ = ["SliceRounds"]


@dataclass
class _Round:
    """What has become of a round so far. In this process."""

    read: list[tuple[str, int]] = field(default_factory=list)
    files: list[Files] = field(default_factory=list)
    reports: list[tuple[str, RuleReport]] = field(default_factory=list)


_rounds: dict[str, _Round] = {}
_numbers = itertools.count(1)


class SliceRounds:
    """Runs rounds, one after the other; a context manager.

    With one worker, the usual case, all rounds run in one standing pipeline, inside this process. With several, each round is a
    pipeline of its own.

    Args:
        plan: the job.
        options: of the pipelines; this machine's runner.
        home: whose catalogue tells of Logstores that are made or deleted meanwhile; None: those of the plan are all there are.
    """

    def __init__(self, plan: JobPlan, options: PipelineOptions, *, home: Home | None = None) -> None:
        self._plan = plan
        self._options = options
        self._reachable = None if home is None else ReachableStores(home, plan)
        self._name = f"{os.getpid()}/{next(_numbers)}"
        self._brake = brake_of(plan, f"{plan.job.id}/{self._name}")
        self._surroundings = surroundings_of(plan, self._brake)
        self._standing: StandingPipeline | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def run(self, ranges: Mapping[int, tuple[Cursor, Cursor]]) -> dict[int, ComputedSlice]:
        """Shard → (begin, end): read, transform, write. Nothing becomes visible.

        Raises what the pipeline raises: QueryFailed, NotFound for a target or logs that are gone, StoreError; run it again or give up.
        """
        self._look()
        try:
            return self._round(ranges)
        except NotFound as error:
            # A Logstore that the rule names was deleted since the last look: its logs go to the dead letters now.
            if error.code != "LogStoreNotExist" or not self._look(fresh=True) or not self._plan.stores.keys() >= set(self._plan.named):
                raise
            return self._round(ranges)

    def _look(self, *, fresh: bool = False) -> bool:
        """Whether the Logstores there are have changed."""
        plan = self._plan if self._reachable is None else self._reachable.plan(fresh=fresh)
        if plan is self._plan:
            return False
        self._end()
        self._plan = plan
        return True

    def _round(self, ranges: Mapping[int, tuple[Cursor, Cursor]]) -> dict[int, ComputedSlice]:
        job = self._plan.job
        lanes = {lane_app(job.id, job.generation, shard): shard for shard in ranges}
        wanted = [ShardRange(lane, shard, *ranges[shard]) for lane, shard in lanes.items()]
        if not wanted:
            return {}
        done = self._on_workers(wanted) if worker_count(self._options) > 1 else self._here(wanted)
        return check_counts(self._plan, lanes, done.read, done.files, done.reports)

    # ── inside this process ──────────────────────────────────────────────

    def _here(self, ranges: Sequence[ShardRange]) -> _Round:
        done = _rounds[self._name] = _Round()
        if self._standing is not None and self._standing.worn:
            self._end()
        if self._standing is None:
            self._standing = StandingPipeline(self._stand)
        try:
            self._standing.round(ranges)
        except BaseException:
            self._end()
            raise
        finally:
            del _rounds[self._name]
        return done

    def _stand(self, name: str) -> None:
        pipeline = standing_pipeline(self._options)
        groups = ranges_of_rounds(pipeline, name) | f"Read '{self._plan.source.name}'" >> ReadShardRanges(self._plan.source)
        groups | "Count" >> beam.Map(_counted) | "Keep counts" >> beam.Map(_keep, self._name, "read")
        outputs = self._transformed(groups)
        directed_outputs(outputs, self._plan) | "Write" >> WriteDataFiles(self._plan.stores, keep=_KeepFiles(self._name))
        outputs.reports | "Keep reports" >> beam.Map(_keep, self._name, "reports")
        run_pipeline(pipeline)

    def _end(self) -> None:
        if self._standing is not None:
            self._standing.close()
            self._standing = None

    # ── on workers ───────────────────────────────────────────────────────

    def _on_workers(self, ranges: Sequence[ShardRange]) -> _Round:
        with tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
            files, told = f"{folder}/files", f"{folder}/told"
            pipeline = new_pipeline(self._options)
            groups = pipeline | f"Read '{self._plan.source.name}'" >> ReadShardRanges(self._plan.source, ranges)
            outputs = self._transformed(groups)
            directed_outputs(outputs, self._plan) | "Write" >> WriteLogstores(self._plan.stores, SaveFiles(files))
            read = groups | "Count" >> beam.Map(_counted) | "Sum" >> beam.CombinePerKey(sum)
            total = outputs.reports | "Total" >> beam.CombinePerKey(RuleReport.total)
            for name, pairs in (("read", read), ("reports", total)):
                pairs | f"All {name}" >> beam.combiners.ToList() | f"Save {name}" >> beam.Map(_save, f"{told}-{name}")
            run_pipeline(pipeline)
            written = {target: list(found) for target, found in load_files(files).items()}
            return _Round(_load(f"{told}-read"), [written], _load(f"{told}-reports"))

    def _transformed(self, groups: Any) -> RuleOutputs:
        outputs: RuleOutputs = groups | "Rule" >> ApplyRule(self._plan.rule, tuple(self._plan.definition.targets), self._around())
        return outputs

    def _around(self) -> RuleSurroundings:
        """Resources stay those of the beginning, loaded once; which Logstores can be reached is as of now."""
        reachable = surroundings_of(self._plan, None).logstores
        return dataclasses.replace(self._surroundings, logstores=reachable)


class _KeepFiles:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, files: Files) -> None:
        _rounds[self._name].files.append(files)


def _counted(element: tuple[str, LogGroup]) -> tuple[str, int]:
    return element[0], element[1].num_rows


def _keep(pair: tuple[str, Any], name: str, what: str) -> None:
    getattr(_rounds[name], what).append(pair)


def _save(pairs: list[tuple[str, Any]], path: str) -> None:
    Path(path).write_bytes(pickle.dumps(pairs))


def _load(path: str) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = pickle.loads(Path(path).read_bytes())  # noqa: S301 - this round's own worker wrote it
    return pairs
