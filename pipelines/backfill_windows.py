"""A backfill of scheduled SQL as pipelines: turn by turn, the windows of a turn over shared scans, their rows committed per instance.

`logsluice backfill apply` calls `apply_backfill`. What is done stays done, whatever ends the process: windows are done when the
ledger says so, and one that was written just before is computed again and replaces its rows.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from pipelines.lean_import import without
from pipelines.logging_setup import configure_logging

gc.set_threshold(500_000, 20, 50)  # as in pipelines.__main__
configure_logging()  # before Beam is imported: see there

with without("bson"):  # Beam's MongoDB reader, a twentieth of the start
    import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402

from pipelines.home import Home  # noqa: E402
from pipelines.launch import engine_threads, is_local, least_tasks, new_pipeline, options_of, run_pipeline  # noqa: E402
from pipelines.options import RangeOptions  # noqa: E402
from pipelines.schedule.backfill_plan import BackfillPlan, plan_backfill_turn  # noqa: E402
from pipelines.schedule.instance_plan import table_commit_of  # noqa: E402
from pipelines.schedule.instance_rows import check_rows, label_shards, rows_to_logs  # noqa: E402
from pipelines.schedule.scheduled_tasks import worker_name  # noqa: E402
from pipelines.schedule.turn_lease import LEASE_SECONDS, HeldTurn  # noqa: E402
from pipelines.sql_engine import engine_of  # noqa: E402
from transforms.core.errors import LogsluiceError, ParameterInvalid  # noqa: E402
from transforms.query_windows import QueryWindows  # noqa: E402
from transforms.schedule.ledger import BackfillEntry, BackfillTurn, Outcome, ScheduleLedger, WindowResult  # noqa: E402
from transforms.schedule.plan import Wait  # noqa: E402
from transforms.sql.engine import EngineLimits  # noqa: E402
from transforms.stores.logstore import LogstoreDescriptor  # noqa: E402
from transforms.write_instance import CommitInstances  # noqa: E402
from transforms.write_windows import WindowLogs, WriteWindows, WriteWindowsToTable, load_ends, load_window_files  # noqa: E402

__all__ = ["MOST_WINDOWS", "apply_backfill", "build", "run_backfill_turn"]

MOST_WINDOWS = 1_440
"""Windows that a turn takes at most: they are one commit of the destination."""
_ASK_SECONDS = 1.0
"""How often to look whether the task is free."""


def build(pipeline: beam.Pipeline, plan: BackfillPlan, path: str, limits: EngineLimits | None = None) -> None:
    """Add the steps of a turn to a pipeline. What is saved for the launcher has names that begin with ``path``."""
    rows = pipeline | "Query" >> QueryWindows(plan.chunks, plan.external, limits)
    if isinstance(plan.target, LogstoreDescriptor):
        shards = label_shards(plan.task, plan.target)
        logs = {at: WindowLogs(one.instance, rows_to_logs(plan.task, one.window, one.tags, shards)) for at, one in plan.windows.items()}
        rows | f"To '{plan.target.name}'" >> WriteWindows(plan.target, logs, path)
    else:
        commits = {
            at: table_commit_of(plan.task, plan.writer, one.instance, one.run, one.window, one.again) for at, one in plan.windows.items()
        }
        rows | f"To '{plan.target.name}'" >> WriteWindowsToTable(plan.target, commits, check_rows, path)


def run_backfill_turn(home: Home, turn: BackfillTurn, options: PipelineOptions) -> list[WindowResult]:
    """Plan, compute and write the first windows of a turn, as many as a turn should read. The ledger is not told.

    Raises what planning, the pipeline and the destination raise; windows that fail on their own data are results.
    """
    output = options.view_as(RangeOptions).output
    if output is None and not is_local(options):
        raise ParameterInvalid("this runner's workers cannot report back", hint="give --output, a folder or URL that they and you reach")
    if engine_of(options) != "embedded":
        raise ParameterInvalid("the windows of a backfill share scans on the embedded engine alone", hint="leave --sql_engine away")
    plan = plan_backfill_turn(home, turn, least_chunks=least_tasks(options))
    results = [WindowResult(at, failure=failure) for at, failure in plan.failures.items()]
    if not plan.chunks:
        return results
    with tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
        path = f"{output or folder}/{plan.writer.app_id}-{plan.writer.version}"
        pipeline = new_pipeline(options)
        build(pipeline, plan, path, EngineLimits(threads=engine_threads(options, 0)))
        run_pipeline(pipeline)
        ends = load_ends(path)
        if isinstance(plan.target, LogstoreDescriptor):
            well = tuple(plan.windows[end.number].instance for end in ends if end.failure is None)
            if well:
                commit = CommitInstances({plan.target.name: plan.target}, plan.writer, well)
                commit({target: list(files) for target, files in load_window_files(path).items()})
    for end in ends:
        one = plan.windows[end.number]
        if end.failure is not None:
            results.append(WindowResult(end.number, failure=end.failure))
            continue
        written = (end.rows_result, end.rows_written, end.skipped)
        outcome = Outcome(one.rows_to_read, one.bytes_to_read, *written, plan.version, plan.received_us, one.notes)
        results.append(WindowResult(end.number, outcome))
    return results


def apply_backfill(
    home: Home,
    project: str,
    task: str,
    number: int,
    *,
    options: PipelineOptions | None = None,
    note: Callable[[str], None],
    progress: Callable[[int], object],
) -> BackfillEntry:
    """Run what is left of a backfill to its end.

    Between two turns what the schedule has to do goes first, wherever it runs. Ctrl-C and any end of the process leave the rest to the
    next call. Raises NotFound, and what `run_backfill_turn` raises.

    Args:
        options: of the pipelines; None: this machine's own runner.
        note: is told in words what is waited for.
        progress: is told how many windows were done, each time some were.
    """
    ledger = home.schedule_ledger()
    options = options or options_of([])
    claim = partial(ledger.claim_backfill, project, task, number, MOST_WINDOWS, worker_name(), LEASE_SECONDS)
    told = ""
    while True:
        turn = claim()
        if turn is None:
            return ledger.backfill(project, task, number)[0]
        if isinstance(turn, Wait):
            told = _wait(ledger, turn, told, note)
            continue
        told = ""
        progress(_run_recorded(home, ledger, turn, options))


def _run_recorded(home: Home, ledger: ScheduleLedger, turn: BackfillTurn, options: PipelineOptions) -> int:
    with HeldTurn(ledger, turn):
        try:
            results = run_backfill_turn(home, turn, options)
        except BaseException:
            with suppress(LogsluiceError):  # a turn that was lost is nobody's to give back
                ledger.finish_backfill_turn(turn, ())
            raise
    ledger.finish_backfill_turn(turn, results)
    return len(results)


def _wait(ledger: ScheduleLedger, wait: Wait, told: str, note: Callable[[str], None]) -> str:
    """Sleep until it is worth asking again; says why when the reason is new."""
    reasons = {
        "running": "the task is running an instance, or another process this backfill",
        "planned": "an instance is due: it goes first",
        "retrying": "an instance is between its attempts: they go first",
    }
    reason = reasons.get(wait.reason, wait.reason)
    if reason != told:
        note(f"waiting: {reason}")
    left = _ASK_SECONDS if wait.until_us is None else (wait.until_us - ledger.now_us()) / 1_000_000
    time.sleep(min(_ASK_SECONDS, max(0.0, left)))
    return reason
