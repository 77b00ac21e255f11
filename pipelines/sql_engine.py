"""Which engine runs a plan: the options' choice as a transform, and running a pipeline that holds it."""

from __future__ import annotations

import re
from typing import Any, cast

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PBegin, PCollection

from pipelines.beam_sql_service import is_serving, running_service, within
from pipelines.launch import engine_threads, run_pipeline
from pipelines.options import SqlEngineOptions
from transforms.core.error_transport import error_in
from transforms.core.errors import Location, LogsluiceError, QueryFailed, StatementError, StoreUnavailable
from transforms.core.interval import Interval
from transforms.query_logs import QueryLogs
from transforms.sql.engine import EngineLimits
from transforms.sql.plan import QueryPlan
from transforms.sql.planner import SqlEngine

__all__ = ["engine_of", "query_transform", "run_query_pipeline"]

_CAUSE = re.compile(r"Caused by: (?:[\w.$]+\.)?(\w+(?:Exception|Error)): ([^\n]*)")
_MARK = re.compile(r"failure~(\d+)~")


def engine_of(options: PipelineOptions) -> SqlEngine:
    """The engine to plan for (`PlanOptions.engine`)."""
    return cast(SqlEngine, options.view_as(SqlEngineOptions).sql_engine)


def query_transform(
    plan: QueryPlan, options: PipelineOptions, threads: int = 0, *, window: Interval | None = None
) -> beam.PTransform[Any, Any]:
    """What runs a plan: one element, the result as an Arrow IPC stream, whichever engine it was planned for.

    For ``beam-sql`` its Java service is found or started. ``threads`` of the embedded engine; 0 = the cores, shared by the workers.
    ``window``: an SQL time window that the embedded engine's elements stand in; with ``beam-sql`` rows stand in the plan's interval.

    Raises StoreUnavailable, NotFound.
    """
    limits = EngineLimits(threads=engine_threads(options, threads))
    if plan.beam is None:
        return QueryLogs(plan, limits, window=window)
    from transforms.query_logs_beam_sql import QueryLogsBeamSql

    asked = options.view_as(SqlEngineOptions)
    service = running_service(asked.beam_sql_jar, asked.beam_sql_service)
    return _Expanded(plan, QueryLogsBeamSql(plan, service, limits, seconds=asked.beam_sql_timeout), service, asked.beam_sql_timeout)


class _Expanded(beam.PTransform[Any, Any]):
    """A QueryLogsBeamSql whose expansion has a time limit and fails in our words."""

    def __init__(self, plan: QueryPlan, query: beam.PTransform[Any, Any], service: str, seconds: float) -> None:
        super().__init__()
        self._plan = plan
        self._query = query
        self._service = service
        self._seconds = seconds

    def expand(self, begin: PBegin) -> PCollection[bytes]:
        try:
            return within(
                self._seconds, "the planning of Beam SQL", lambda: begin | "Query" >> self._query, lambda: is_serving(self._service)
            )
        except LogsluiceError:
            raise
        except Exception as error:
            raise _refusal(self._plan, error) from error


def run_query_pipeline(pipeline: beam.Pipeline, plan: QueryPlan, options: PipelineOptions) -> Any:
    """`run_pipeline`; with the engine ``beam-sql`` under a time limit, and with what Java says in our words."""
    if plan.beam is None:
        return run_pipeline(pipeline)
    asked = options.view_as(SqlEngineOptions)
    service = running_service(asked.beam_sql_jar, asked.beam_sql_service)
    try:
        return within(asked.beam_sql_timeout, "the pipeline on Beam SQL", lambda: run_pipeline(pipeline), lambda: is_serving(service))
    except LogsluiceError:
        raise
    except Exception as error:
        raise _failure(plan, error) from error


def _refusal(plan: QueryPlan, error: Exception) -> LogsluiceError:
    """Why Beam SQL does not plan a statement."""
    text = str(error)
    if "DEADLINE_EXCEEDED" in text:
        return StoreUnavailable("the Java service of beam-sql does not answer in time", hint="a longer limit: --beam_sql_timeout SECONDS")
    if "UNAVAILABLE" in text or "failed to connect" in text:
        return StoreUnavailable("the Java service of beam-sql does not answer", hint="is it started? the embedded engine needs no Java")
    reason = _last_cause(text)
    return StatementError(
        f"Beam SQL does not plan this statement: {reason}",
        hint="the embedded engine can: leave --sql-engine away",
        location=Location(plan.statement, 0, len(plan.statement)),
        code="BeamSqlUnsupported",
    )


def _failure(plan: QueryPlan, error: Exception) -> Exception:
    """Why a run failed: what a row could not be worked with, as the embedded engine would say it."""
    text = str(error)
    own = error_in(text)
    if own is not None:
        return own
    assert plan.beam is not None
    mark = _MARK.search(text)
    if mark is not None and int(mark[1]) < len(plan.beam.failures):
        code, message, hint = plan.beam.failures[int(mark[1])].split("|", 2)
        return QueryFailed(message, hint=hint, code=code)
    if "/ by zero" in text:
        return QueryFailed("Division by zero", code="DivisionByZero", hint="nullif(x, 0) makes the result NULL")
    if "long overflow" in text:
        return QueryFailed("a number is out of the range of bigint", code="NumericValueOutOfRange", hint="cast to double first")
    if "java." in text or "org.apache.beam" in text:
        return QueryFailed(
            f"Beam SQL failed on the data: {_last_cause(text)}", hint="the embedded engine may tell more: leave --sql-engine away"
        )
    return error


def _last_cause(text: str) -> str:
    causes = _CAUSE.findall(text)
    if causes:
        return f"{causes[-1][1]} ({causes[-1][0]})"[:400]
    return text.strip().split("\n", 1)[0][:400]
