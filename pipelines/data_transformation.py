"""A transformation job as a pipeline: Logstore → rule → Logstores.

    python -m pipelines.data_transformation --job job.yaml --runner DirectRunner

The launcher opens the home, plans, and hands the plan to the workers; they write data files that nobody sees yet. The launcher records
what is to become visible and commits it, target by target, exactly once. Exit codes are the command line's.
"""

from __future__ import annotations

import gc
import sys

from pipelines.logging_setup import configure_logging

gc.set_threshold(100_000, 20, 50)  # as in pipelines.__main__
configure_logging()  # before Beam is imported: see there

import json  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from bisect import bisect_right  # noqa: E402
from collections.abc import Callable, Iterable, Mapping, Sequence  # noqa: E402
from contextlib import suppress  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import apache_beam as beam  # noqa: E402
from apache_beam.io.filesystems import FileSystems  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402

from pipelines.home import Home  # noqa: E402
from pipelines.launch import flags_help, is_local, least_tasks, new_pipeline, options_of, run_pipeline  # noqa: E402
from pipelines.open_home import home_of  # noqa: E402
from pipelines.options import HomeOptions, RangeOptions, TransformOptions  # noqa: E402
from pipelines.transformation.rule_wiring import brake_of, directed_outputs, surroundings_of  # noqa: E402
from pipelines.transformation.transform_commit import begin, commit_run, fail, finish_committing  # noqa: E402
from pipelines.transformation.transform_job import read_job  # noqa: E402
from pipelines.transformation.transform_plan import DEAD_LETTERS, TransformPlan, make_stores, plan_replay, plan_transform  # noqa: E402
from transforms.apply_rule import ApplyRule  # noqa: E402
from transforms.core.clock import Clock, SystemClock  # noqa: E402
from transforms.core.counted import counted  # noqa: E402
from transforms.core.errors import CommitConflict, ExitCode, LogsluiceError, ParameterInvalid  # noqa: E402
from transforms.core.interval import Interval  # noqa: E402
from transforms.core.log_group import LogGroup  # noqa: E402
from transforms.core.tally import listening  # noqa: E402
from transforms.read_logstore import ReadLogstore  # noqa: E402
from transforms.rules.dead_letters import original_logs  # noqa: E402
from transforms.rules.report import RuleReport  # noqa: E402
from transforms.stores.transform_ledger import TransformRun, origin_of  # noqa: E402
from transforms.write_logstores import SaveFiles, WriteLogstores, load_files  # noqa: E402

__all__ = ["Finished", "build", "main", "run_transform"]

_TASKS_OF_A_WORKER = 8
"""A task costs next to nothing here: it reads some row groups."""


@dataclass(frozen=True)
class Finished:
    """What a run did: its row in the ledger (None when there was nothing to do), and what the job says of its logs."""

    run: TransformRun | None
    report: RuleReport


def build(pipeline: beam.Pipeline, plan: TransformPlan, files: str, reports: str, *, least: int = 1) -> None:
    """Add the steps of a plan to a pipeline. The list of written files is saved at ``files``, the sum of reports at ``reports``."""
    origins = tuple(origin_of(plan.project, plan.job.name, piece) for piece in plan.pieces)
    span = Interval(plan.pieces[0].start, plan.pieces[-1].end)
    if plan.kind == "replay":
        letters = plan.stores[plan.targets[DEAD_LETTERS]]
        read = ReadLogstore(letters, snapshot=plan.snapshot, least_tasks=least)
        groups = (
            pipeline | f"Read '{letters.name}'" >> read | "Originals" >> beam.FlatMap(_originals, plan.job.name).with_output_types(LogGroup)
        )
    else:
        read = ReadLogstore(plan.source, received=span, snapshot=plan.snapshot, least_tasks=least)
        groups = pipeline | f"Read '{plan.source.name}'" >> read
    pieces = groups | "Pieces" >> beam.FlatMap(_in_pieces, plan.pieces, origins).with_output_types(tuple[str, LogGroup])
    outputs = pieces | "Rule" >> ApplyRule(plan.rule, tuple(plan.job.targets), surroundings_of(plan, brake_of(plan, str(time.time_ns()))))
    directed_outputs(outputs, plan) | "Write" >> WriteLogstores(plan.stores, SaveFiles(files))
    total = outputs.reports | "Of all pieces" >> beam.Values() | "Add up" >> beam.CombineGlobally(RuleReport.total)
    total | "Save reports" >> beam.Map(_save, reports)


def _originals(letters: LogGroup, job: str) -> Iterable[LogGroup]:
    """The original logs of a job's dead letters. Those without a cursor came from elsewhere and stay where they are."""
    own = [letter for letter in letters.to_logs() if letter.get("job") == job and "cursor" in letter]
    if own:
        yield original_logs(own)


def _in_pieces(group: LogGroup, pieces: Sequence[Interval], origins: Sequence[str]) -> Iterable[tuple[str, LogGroup]]:
    """A group's logs by the piece that their receive time is in; logs of no piece were done by an earlier run."""
    import numpy

    times = group.receive_times
    assert times is not None
    received = times.to_numpy()
    starts = [piece.start for piece in pieces]
    first, last = (int(received.min()), int(received.max())) if len(received) else (0, 0)
    if first == last or bisect_right(starts, first) == bisect_right(starts, last):
        number = bisect_right(starts, first) - 1
        if number >= 0 and last < pieces[number].end:
            yield origins[number], group
            return
    places = numpy.searchsorted(numpy.array(starts), received, side="right") - 1
    for number in numpy.unique(places):
        if number >= 0:
            inside = (places == number) & (received < pieces[number].end)
            if inside.any():
                yield origins[number], group.chosen(inside)


def _save(report: RuleReport, path: str) -> None:
    import pickle

    part = f"{path}.part"
    with FileSystems.create(part) as file:
        file.write(pickle.dumps(report))
    FileSystems.rename([part], [path])


def _load(path: str) -> RuleReport:
    import pickle

    with FileSystems.open(path) as file:
        report: RuleReport = pickle.loads(file.read())  # noqa: S301 - written by this job's own worker a moment ago
    return report


def run_transform(
    home: Home,
    plan: TransformPlan,
    options: PipelineOptions,
    clock: Clock,
    *,
    note: Callable[[str], None] = lambda _text: None,
    advance: Callable[[int], None] = lambda _logs: None,
) -> Finished:
    """Do what a plan says. An earlier run that was killed while it was committing is finished first.

    Raises what the pipeline raises; nothing of the run is visible then, and the ledger says why.
    """
    output = options.view_as(RangeOptions).output
    if output is None and not is_local(options):
        raise ParameterInvalid(
            "this runner's workers cannot hand their list of files back", hint="give --output, a folder or URL that they and you reach"
        )
    if plan.unfinished is not None:
        note(f"finishing run {plan.unfinished.number}, which was stopped while it was committing")
        finish_committing(home, plan.project, plan.unfinished, clock)
        return run_transform(home, _planned_again(home, plan, clock), options, clock, note=note, advance=advance)
    if not plan.pieces:
        return Finished(None, RuleReport())
    plan = make_stores(home, plan)
    started = time.monotonic()
    try:
        run = begin(home, plan, clock)
    except CommitConflict as conflict:
        if conflict.code != "TransformPlanOutdated":
            raise
        note("planning again: another run of the job has finished meanwhile")
        return run_transform(home, _planned_again(home, plan, clock), options, clock, note=note, advance=advance)
    try:
        with tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
            # A folder that is named may be that of other projects' jobs, and of homes that are gone.
            name = f"{plan.project}-{plan.job.name}-{run.number}-{run.started_us}"
            files, reports = (f"{output or folder}/{name}.{kind}" for kind in ("files", "reports"))
            pipeline = new_pipeline(options)
            build(pipeline, plan, files, reports, least=least_tasks(options, _TASKS_OF_A_WORKER))
            note(f"reading {counted(len(plan.snapshot.files), 'file')}")
            with listening("rule_events", advance):
                run_pipeline(pipeline)
            written, report = load_files(files), _load(reports)
        note("committing")
        return Finished(commit_run(home, plan, run, written, report, time.monotonic() - started, clock), report)
    except BaseException as error:
        # Once the intent is recorded this is refused: the next start rolls the run forward. Whatever happens, the first error counts.
        with suppress(LogsluiceError):
            fail(home, plan, run, error, clock)
        raise


def _planned_again(home: Home, plan: TransformPlan, clock: Clock) -> TransformPlan:
    """The same wish, planned after other runs."""
    if plan.kind == "replay":
        return plan_replay(home, plan.project, plan.job)
    backfill = plan.kind == "backfill"
    return plan_transform(
        home,
        plan.project,
        plan.job,
        clock.now_us(),
        backfill=backfill,
        reason=plan.reason,
        wanted=plan.wanted,
        accept_loss=plan.accept_loss,
    )


def main(arguments: list[str] | None = None) -> int:
    """Parse flags, plan, run, print. Returns the exit code; nothing is raised."""
    from pipelines.cli.main import guarded

    return guarded(lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: list[str]) -> int:
    if "--help" in arguments or "-h" in arguments:
        sys.stdout.write(f"{__doc__}\n{flags_help(HomeOptions, RangeOptions, TransformOptions)}")
        return ExitCode.DONE
    options = options_of(arguments)
    names, flags, asked = options.view_as(HomeOptions), options.view_as(TransformOptions), options.view_as(RangeOptions)
    if not flags.job:
        raise ParameterInvalid("--job is missing", hint="python -m pipelines.data_transformation --help")
    clock = SystemClock()
    with home_of(options, create=True) as home:
        job = read_job(Path(flags.job), names.log_project)
        plan = plan_transform(
            home, names.log_project, job, clock.now_us(), start=asked.from_time, end=asked.to_time, time_zone=asked.time_zone
        )
        finished = run_transform(home, plan, options, clock)
    summary: Mapping[str, Any] = {} if finished.run is None else finished.run.summary
    sys.stdout.write(json.dumps({"job": job.name, "run": None if finished.run is None else finished.run.number, **summary}) + "\n")
    return ExitCode.PROBLEMS if finished.report.dead else ExitCode.DONE


if __name__ == "__main__":
    from pipelines.cli.main import leave

    leave(main())
