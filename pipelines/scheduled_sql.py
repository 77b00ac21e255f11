"""Scheduled SQL as a pipeline: one instance, ``[from, to)`` of a Logstore → search | SQL → Logstore, Metricstore or database table.

    python -m pipelines.scheduled_sql --task spend-per-minute --schedule-time 2026-11-22T08:00:00Z

The launcher opens the home, takes the task's turn in the ledger and plans; workers get the plan. `logsluice scheduler run` does the
same for every instance that is due. Exit codes are the command line's (`transforms.core.errors.ExitCode`).
"""

from __future__ import annotations

import gc
import sys

from pipelines.lean_import import without
from pipelines.logging_setup import configure_logging

gc.set_threshold(500_000, 20, 50)  # as in pipelines.__main__
configure_logging()  # before Beam is imported: see there

import json  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Iterable  # noqa: E402
from contextlib import suppress  # noqa: E402

with without("bson"):  # Beam's MongoDB reader, a twentieth of the start
    import apache_beam as beam
from apache_beam.io.filesystems import FileSystems  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from apache_beam.pvalue import PCollection  # noqa: E402
from apache_beam.transforms.window import GlobalWindows  # noqa: E402

from pipelines.home import Home  # noqa: E402
from pipelines.launch import flags_help, is_local, least_tasks, new_pipeline, options_of  # noqa: E402
from pipelines.open_home import home_of  # noqa: E402
from pipelines.options import HomeOptions, RangeOptions, ScheduledSqlOptions, SqlEngineOptions  # noqa: E402
from pipelines.schedule.instance_plan import InstancePlan, plan_instance, table_commit  # noqa: E402
from pipelines.schedule.instance_rows import check_rows, label_shards, rows_to_logs  # noqa: E402
from pipelines.schedule.scheduled_tasks import shown_instance, task_of, worker_name  # noqa: E402
from pipelines.schedule.turn_lease import LEASE_SECONDS, HeldTurn  # noqa: E402
from pipelines.sql_engine import engine_of, query_transform, run_query_pipeline  # noqa: E402
from transforms.core.arrow_stream import from_stream  # noqa: E402
from transforms.core.clock import SystemClock  # noqa: E402
from transforms.core.error_transport import portable_errors  # noqa: E402
from transforms.core.errors import CommitConflict, ExitCode, LogsluiceError, ParameterInvalid  # noqa: E402
from transforms.core.moments import parse_moment, parse_zone  # noqa: E402
from transforms.schedule.failure import INTERRUPTED, failure_of  # noqa: E402
from transforms.schedule.instance import InstanceState  # noqa: E402
from transforms.schedule.ledger import InstanceEntry, Outcome, Turn  # noqa: E402
from transforms.stores.logstore import LogstoreDescriptor  # noqa: E402
from transforms.write_external_store import WriteExternalStore  # noqa: E402
from transforms.write_instance import InstanceWritten, WriteInstance  # noqa: E402

__all__ = ["build", "main", "run_recorded", "run_turn"]


def build(pipeline: beam.Pipeline, plan: InstancePlan, output: str, options: PipelineOptions) -> None:
    """Add the steps of an instance to a pipeline. What was written goes to ``output`` as JSON."""
    result = pipeline | "Query" >> query_transform(plan.query, options, window=plan.window)
    if isinstance(plan.target, LogstoreDescriptor):
        logs_of = rows_to_logs(plan.task, plan.window, plan.tags, label_shards(plan.task, plan.target))
        written = result | f"To '{plan.target.name}'" >> WriteInstance(plan.target, logs_of, plan.writer, plan.instance)
    else:
        committed = (
            result
            | "Rows of the instance" >> beam.Map(_checked).with_output_types(bytes)
            | "Any window" >> beam.WindowInto(GlobalWindows())
            | f"To '{plan.target.name}'" >> WriteExternalStore(plan.target, table_commit(plan))
        )
        written = committed | "Count" >> beam.Map(lambda done: InstanceWritten(done.rows, done.rows, 0)).with_output_types(InstanceWritten)
    _report(written, output)


def _checked(stream: bytes) -> bytes:
    with portable_errors():
        check_rows(from_stream(stream).num_rows)
    return stream


def _report(written: PCollection[InstanceWritten], output: str) -> None:
    written | "Report" >> beam.ParDo(_SaveReport(output))


class _SaveReport(beam.DoFn):
    """The report in one file, under its name only when it is whole."""

    def __init__(self, output: str) -> None:
        self._output = output

    def process(self, written: InstanceWritten) -> Iterable[None]:
        part = f"{self._output}.part"
        with FileSystems.create(part) as file:
            file.write(json.dumps(written._asdict()).encode())
        FileSystems.rename([part], [self._output])
        return ()


def run_turn(home: Home, turn: Turn, options: PipelineOptions) -> Outcome:
    """Run the attempt of a turn to its end: plan, compute, write. The ledger is not told.

    Raises what planning, the pipeline and the destination raise; nothing is visible then, except after CommitConflict with code
    ``InstanceSuperseded``, when a later turn has written.
    """
    output = options.view_as(RangeOptions).output
    if output is None and not is_local(options):
        raise ParameterInvalid("this runner's workers cannot report back", hint="give --output, a folder or URL that they and you reach")
    plan = plan_instance(home, turn, least_tasks=least_tasks(options), engine=engine_of(options))
    with tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
        path = f"{output or folder}/{plan.writer.app_id}-{plan.writer.version}.json"
        pipeline = new_pipeline(options)
        build(pipeline, plan, path, options)
        run_query_pipeline(pipeline, plan.query, options)
        with FileSystems.open(path) as file:
            written = InstanceWritten(**json.loads(file.read()))
    query = plan.query
    return Outcome(query.rows_to_read, query.bytes_to_read, *written, query.version, query.received_us, query.warnings)


def run_recorded(home: Home, turn: Turn, options: PipelineOptions) -> InstanceEntry:
    """`run_turn`, its lease kept, its end told to the ledger. A failed attempt is recorded, not raised; Ctrl-C and a lost turn are raised."""
    ledger = home.schedule_ledger()
    with HeldTurn(ledger, turn):
        try:
            outcome = run_turn(home, turn, options)
        except Exception as error:
            if isinstance(error, CommitConflict) and error.code == "InstanceSuperseded":
                raise
            return ledger.fail(turn, failure_of(error))
        except KeyboardInterrupt:
            with suppress(LogsluiceError):  # a turn that was lost has nothing to record
                ledger.fail(turn, INTERRUPTED)
            raise
    return ledger.succeed(turn, outcome)


def main(arguments: list[str] | None = None) -> int:
    """Parse flags, take the turn, run, print. Returns the exit code; nothing is raised."""
    from pipelines.cli.main import guarded

    return guarded(lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: list[str]) -> int:
    if "--help" in arguments or "-h" in arguments:
        sys.stdout.write(f"{__doc__}\n{flags_help(HomeOptions, RangeOptions, ScheduledSqlOptions, SqlEngineOptions)}")
        return ExitCode.DONE
    options = options_of(arguments)
    names, asked, flags = options.view_as(HomeOptions), options.view_as(RangeOptions), options.view_as(ScheduledSqlOptions)
    for flag in ("task", "schedule_time"):
        if not getattr(flags, flag):
            raise ParameterInvalid(f"--{flag} is missing", hint="python -m pipelines.scheduled_sql --help")
    with home_of(options) as home:
        ledger = home.schedule_ledger()
        name = task_of(home, names.log_project, flags.task)
        schedule_time = parse_moment(flags.schedule_time, SystemClock().now_us(), parse_zone(asked.time_zone))
        turn = ledger.claim_at(names.log_project, name, schedule_time, worker_name(), LEASE_SECONDS)
        entry = run_recorded(home, turn, options)
    sys.stdout.write(json.dumps(shown_instance(entry), ensure_ascii=False) + "\n")
    return ExitCode.DONE if entry.instance.state is InstanceState.SUCCEEDED else ExitCode.PROBLEMS


if __name__ == "__main__":
    from pipelines.cli.main import leave

    leave(main())
