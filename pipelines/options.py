"""Pipeline options: every flag, its help, its default."""

from __future__ import annotations

import argparse
import os

from apache_beam.options.pipeline_options import PipelineOptions

__all__ = ["AssociationQueryOptions", "HomeOptions", "RangeOptions", "ScheduledSqlOptions", "TransformOptions"]


class HomeOptions(PipelineOptions):
    """Where the launcher finds names."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--home", help="Folder that keeps everything; only the launcher opens it. Default: LOGSLUICE_HOME, else .logsluice."
        )
        # Beam's own --project is the cloud project that a Dataflow job is billed to.
        parser.add_argument(
            "--log_project",
            default=os.environ.get("LOGSLUICE_PROJECT", "default"),
            help="Project of the catalogue that the names belong to. Default: LOGSLUICE_PROJECT, else default.",
        )
        parser.add_argument("--catalogue", help="URL of the catalogue when it is not in the home. Default: LOGSLUICE_CATALOGUE.")


class RangeOptions(PipelineOptions):
    """What all jobs share: which logs, how many tasks, where results go that workers hand back."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--from", dest="from_time", help="First moment: Unix seconds, ISO 8601, -2h. Default: the beginning.")
        parser.add_argument("--to", dest="to_time", help="Moment after the last: as --from. Default: the end.")
        parser.add_argument(
            "--time_zone",
            default=os.environ.get("LOGSLUICE_TIME_ZONE", "+08:00"),
            help="Zone of timestamps and of times without an offset. Default: LOGSLUICE_TIME_ZONE, else +08:00.",
        )
        parser.add_argument(
            "--output",
            help="What workers hand back goes there, a path or URL that they and the launcher reach: a query's result as an Arrow IPC stream "
            "(instead of printing it), or the folder for a transformation's list of files.",
        )
        parser.add_argument(
            "--least_tasks",
            type=int,
            help="Scan tasks to aim at, at least, when the files allow. Default: two for each worker of this machine; 16 elsewhere.",
        )


class AssociationQueryOptions(PipelineOptions):
    """One statement and where its rows go."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--logstore", help="Logstore that is queried.")
        parser.add_argument("--statement", help="search | SQL")
        parser.add_argument("--limit", type=int, default=100, help="Logs of a search without SQL.")
        parser.add_argument("--offset", type=int, default=0, help="Logs of a search without SQL that are skipped.")
        parser.add_argument("--format", default="table", choices=["table", "json", "jsonl", "csv"], help="How rows are printed.")
        parser.add_argument(
            "--engine_threads", type=int, default=0, help="Threads of one engine call; 0 = cores divided by worker processes."
        )


class SqlEngineOptions(PipelineOptions):
    """What runs the SQL."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--sql_engine",
            choices=("embedded", "beam-sql"),
            default="embedded",
            help="embedded: columns, in the workers (the default). beam-sql: Beam's own SqlTransform; it needs Java and takes fewer statements.",
        )
        parser.add_argument(
            "--beam_sql_jar",
            default=os.environ.get("LOGSLUICE_BEAM_SQL_JAR"),
            help="Jar with Beam's SQL expansion service, started once and stopped at the end. "
            "Default: LOGSLUICE_BEAM_SQL_JAR, else the one Beam downloads.",
        )
        parser.add_argument("--beam_sql_service", help="Address host:port of such a service that already runs.")
        parser.add_argument(
            "--beam_sql_timeout",
            type=float,
            default=3600.0,
            help="Seconds that planning, and then running, on beam-sql may take. Default: 3600.",
        )


class TransformOptions(PipelineOptions):
    """One transformation job."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--job", help="The job's YAML file; of a continuous one its name will do.")


class ScheduledSqlOptions(PipelineOptions):
    """One instance of a task."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--task", help="The task's name, or its YAML or JSON file: one that is not there yet is created, disabled.")
        parser.add_argument("--schedule_time", "--schedule-time", help="The instance's schedule time: Unix seconds or ISO 8601.")
