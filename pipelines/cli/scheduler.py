"""``logsluice scheduler``: the service that runs tasks when they are due, and jobs without end."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli.app import App

__all__ = ["command"]


@click.group(short_help="Run tasks of scheduled SQL when they are due, and continuous jobs.")
def command() -> None:
    """Run tasks of scheduled SQL when they are due, and continuous transformation jobs.

    \b
    Examples:
      logsluice scheduler run
      logsluice scheduler run --once
    """


@command.command(short_help="Run what is due, now and from now on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Instances that run at a time.  [default: one a core, 4 at most]")
@click.option(
    "--once",
    is_flag=True,
    help="Run what is due now, with all that was missed, and jobs until they have read what is there; then end: for cron.",
)
@click.option("--grace", type=click.FloatRange(0), default=30, show_default=True, metavar="SECONDS",
              help="What is running may take so long when the service is told to stop.")  # fmt: skip
@click.option("--lease", type=click.FloatRange(0.5), default=30, show_default=True, metavar="SECONDS",
              help="What a killed service was running is taken over after so long.")  # fmt: skip
@click.option("--attempt-timeout", type=click.FloatRange(1), default=600, show_default=True, metavar="SECONDS",
              help="A longer attempt is ended and has failed.")  # fmt: skip
@click.option("--late-every", type=click.FloatRange(0.1), default=60, show_default=True, metavar="SECONDS",
              help="How often logs are looked for that came after their window was read.")  # fmt: skip
@click.option("--jobs/--no-jobs", default=True, show_default=True, help="Run continuous jobs, too.")
@click.option("--job-lease", type=click.FloatRange(1), default=10, show_default=True, metavar="SECONDS",
              help="The jobs of a killed service are taken over after so long.")  # fmt: skip
@click.option("--job-timeout", type=click.IntRange(2, 3600), default=15, show_default=True, metavar="SECONDS",
              help="A running instance of a job that is not heard of for so long is replaced, and others take its shards.")  # fmt: skip
@click.option("--alerts", type=click.Path(path_type=Path, dir_okay=False), help="YAML file of rules: whom to tell of what.")
@click.option("--operational-log/--no-operational-log", default=True, show_default=True,
              help="Write each end of an instance to the Logstore internal-diagnostic_log of its project.")  # fmt: skip
@click.option("--metrics-port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve metrics for Prometheus here; 0: any free port.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, metavar="HOST", help="Where --metrics-port listens.")
@click.option("--format", "format", type=click.Choice(["text", "jsonl"]), default="text", show_default=True,
              help="text: a line for each instance that ended, on stderr; jsonl: also the instance as JSON on stdout.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No lines on stderr for instances that ended.")
@click.option("--sql-engine", type=click.Choice(["embedded", "beam-sql"]), default="embedded", show_default=True,
              help="What runs the SQL: columns in the workers, or Beam's own SqlTransform, which needs Java.")  # fmt: skip
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(
    app: App, workers: int | None, once: bool, grace: float, lease: float, attempt_timeout: float, late_every: float, jobs: bool,
    job_lease: float, job_timeout: int, alerts: Path | None, operational_log: bool, metrics_port: int | None, metrics_host: str, format: str,
    quiet: bool, sql_engine: str, flags: tuple[str, ...],
) -> None:  # fmt: skip
    """Run every instance of every task of the home, in all projects, when it is due, and every job that was started.

    A task that is behind catches up, one instance after another; tasks do not wait for each other. A job has running instances, as many
    as its shards and its lag ask for; they are replaced when they die. Any number of services may run beside each other. Ctrl-C or
    SIGTERM: nothing new begins, what is running may end; a second one ends it. The next service goes on: with tasks that were ended, and
    with jobs, which stay in the state they are in.

    With --once the exit code is 1 when an instance failed, after all its retries, or a job.

    An instance of a task is a pipeline; its flags, such as another runner's, follow `--`. Jobs have theirs in the job file.

    \b
    Examples:
      logsluice scheduler run --workers 2
      logsluice scheduler run --once --format jsonl
      logsluice scheduler run --alerts alerts.yaml --metrics-port 9464
      logsluice scheduler run --sql-engine beam-sql -- --beam_sql_service localhost:8097
    """
    import json
    import os

    from pipelines.alert_rules import read_alert_rules
    from pipelines.jobs.led_job import SupervisorSettings
    from pipelines.schedule.scheduled_tasks import shown_instance
    from pipelines.schedule.scheduler import SchedulerSettings
    from pipelines.scheduler_service import ServiceSettings, run_service
    from transforms.core.errors import ExitCode
    from transforms.core.moments import format_moment, parse_zone
    from transforms.schedule.ledger import InstanceEntry

    utc = parse_zone("UTC")

    def ended(entry: InstanceEntry, seconds: float) -> None:
        one, rows = entry.instance, None if entry.outcome is None else entry.outcome.rows_written
        if not quiet:
            failure = one.failure
            what = f"{rows:,} rows" if failure is None else f"{failure.code}: {failure.message}"
            when, scheduled = ((at // 1_000_000 if at > 10**12 else at) for at in (one.end_us or 0, one.schedule_time))
            times = f"{format_moment(when, utc)}  {entry.task}  {format_moment(scheduled, utc)}"
            app.say(f"{times}  {one.state}  {what}  {seconds:.1f} s")
        if format == "jsonl":
            app.emit(json.dumps(shown_instance(entry), ensure_ascii=False))

    rules = read_alert_rules(alerts) if alerts is not None else ()
    settings = ServiceSettings(
        SchedulerSettings(lease, attempt_timeout, grace, once), workers or min(4, os.cpu_count() or 1), operational_log, rules, late_every,
        flags=("--sql_engine", sql_engine, *flags), metrics=None if metrics_port is None else (metrics_host, metrics_port),
        jobs=SupervisorSettings(job_lease, job_timeout, grace, once) if jobs else None,
    )  # fmt: skip
    if not once and not quiet:
        app.say(f"scheduling the tasks{' and jobs' if jobs else ''} of {app.home.path}; Ctrl-C stops")
    done = run_service(app.home, settings, ended, app.say)
    if done.interrupted:
        raise SystemExit(ExitCode.INTERRUPTED)
    if once and done.failed:
        raise SystemExit(ExitCode.PROBLEMS)
