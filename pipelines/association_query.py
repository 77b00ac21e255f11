"""The association query as a pipeline: Logstore files ⋈ ExternalStores → rows, or → a table or Logstore by `insert into`.

    python -m pipelines.association_query --runner DirectRunner --logstore game_log \\
        --statement '* | select province, count(1) as pv from log l join chiji_user u on l.userid = u.uid group by province'

The launcher opens the home, plans, and hands the plan to the workers; the home is not read there. Exit codes are the command
line's (`transforms.core.errors.ExitCode`).
"""

from __future__ import annotations

import gc
import sys

from pipelines.lean_import import without
from pipelines.logging_setup import configure_logging

gc.set_threshold(500_000, 20, 50)  # as in pipelines.__main__
configure_logging()  # before Beam is imported: see there

import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

with without("bson"):  # Beam's MongoDB reader, a twentieth of the start
    import apache_beam as beam
from apache_beam.io.filesystems import FileSystems  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from apache_beam.pvalue import PCollection  # noqa: E402

from pipelines.launch import flags_help, is_local, least_tasks, new_pipeline, options_of  # noqa: E402
from pipelines.open_home import home_of  # noqa: E402
from pipelines.options import AssociationQueryOptions, HomeOptions, RangeOptions, SqlEngineOptions  # noqa: E402
from pipelines.query import interval_of, plan_statement, rows_written_table  # noqa: E402
from pipelines.sql_engine import engine_of, query_transform, run_query_pipeline  # noqa: E402
from transforms.core.arrow_stream import from_stream, to_stream  # noqa: E402
from transforms.core.clock import SystemClock  # noqa: E402
from transforms.core.error_transport import portable_errors  # noqa: E402
from transforms.core.errors import ExitCode, ParameterInvalid  # noqa: E402
from transforms.core.log_group import LogGroup  # noqa: E402
from transforms.query_logs import QueryLogs  # noqa: E402
from transforms.sql.plan import QueryPlan  # noqa: E402
from transforms.sql.planner import PlanOptions  # noqa: E402
from transforms.sql.result import QueryResult, Rows  # noqa: E402
from transforms.sql.result_logs import logs_of_rows  # noqa: E402
from transforms.write_external_store import WriteExternalStore  # noqa: E402
from transforms.write_logstore import WriteLogstore  # noqa: E402

__all__ = ["build", "main", "run_plan", "write_result"]


def build(
    pipeline: beam.Pipeline, plan: QueryPlan, output: str, query: beam.PTransform[Any, Any] | None = None, *, now_seconds: int
) -> None:
    """Add the steps of a plan to a pipeline; ``query`` is what runs it, `QueryLogs` unless given. The result goes to ``output`` as one
    Arrow IPC stream."""
    result = pipeline | "Query" >> (query or QueryLogs(plan))
    if plan.insert is not None:
        if plan.insert.external is not None:
            written = result | f"Insert into '{plan.insert.name}'" >> WriteExternalStore(plan.insert.external)
        else:
            assert plan.insert.logstore is not None
            logs = result | "Rows to logs" >> beam.Map(_to_logs, plan.insert.columns, now_seconds).with_output_types(LogGroup)
            written = logs | f"Insert into '{plan.insert.name}'" >> WriteLogstore(plan.insert.logstore)
        result = written | "Report" >> beam.Map(lambda rows: to_stream(rows_written_table(rows))).with_output_types(bytes)
    write_result(result, output)


def write_result(result: PCollection[bytes], output: str, label: str = "Write result") -> None:
    """Write a result, one Arrow IPC stream, to a path or URL."""
    result | label >> beam.ParDo(_WriteResult(output))


class _WriteResult(beam.DoFn):
    """The result in one file, under its name only when it is whole."""

    def __init__(self, output: str) -> None:
        self._output = output

    def process(self, stream: bytes) -> Iterable[None]:
        part = f"{self._output}.part"
        with FileSystems.create(part) as file:
            file.write(stream)
        FileSystems.rename([part], [self._output])
        return ()


def _to_logs(stream: bytes, columns: tuple[str, ...], now_seconds: int) -> LogGroup:
    with portable_errors():
        return logs_of_rows(from_stream(stream), columns, now_seconds)


def run_plan(plan: QueryPlan, options: PipelineOptions, *, now_seconds: int) -> QueryResult:
    """Run a plan as a pipeline and fetch its result. A runner on other machines needs ``--output`` where both reach it."""
    query, asked = options.view_as(AssociationQueryOptions), options.view_as(RangeOptions)
    if asked.output is None and not is_local(options):
        raise ParameterInvalid("this runner's workers cannot hand rows back", hint="give --output, a path or URL that they and you reach")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
        output = asked.output or str(Path(folder) / "result.arrow")
        pipeline = new_pipeline(options)
        build(pipeline, plan, output, query_transform(plan, options, query.engine_threads), now_seconds=now_seconds)
        run_query_pipeline(pipeline, plan, options)
        with FileSystems.open(output) as file:
            table: Any = from_stream(file.read())
    return QueryResult(Rows(table), plan.rows_to_read, time.monotonic() - started)


def main(arguments: list[str] | None = None) -> int:
    """Parse flags, plan, run, print. Returns the exit code; nothing is raised."""
    from pipelines.cli.main import guarded

    return guarded(lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: list[str]) -> int:
    from pipelines.cli.results import print_result

    if "--help" in arguments or "-h" in arguments:
        sys.stdout.write(f"{__doc__}\n{flags_help(HomeOptions, RangeOptions, AssociationQueryOptions, SqlEngineOptions)}")
        return ExitCode.DONE
    options = options_of(arguments)
    names, query, asked = options.view_as(HomeOptions), options.view_as(AssociationQueryOptions), options.view_as(RangeOptions)
    for flag in ("logstore", "statement"):
        if not getattr(query, flag):
            raise ParameterInvalid(f"--{flag} is missing", hint="python -m pipelines.association_query --help")
    with home_of(options) as home:
        clock = SystemClock()
        times = interval_of(asked.from_time, asked.to_time, clock.now_us(), asked.time_zone)
        settings = PlanOptions(
            asked.time_zone, clock.now_us(), query.limit, query.offset, least_tasks=least_tasks(options), engine=engine_of(options)
        )
        plan = plan_statement(home, names.log_project, query.logstore, query.statement, times, settings)
        result = run_plan(plan, options, now_seconds=clock.now_us() // 1_000_000)
        if asked.output is None:
            print_result(plan, result, query.format)
    return ExitCode.DONE


if __name__ == "__main__":
    from pipelines.cli.main import leave

    leave(main())
