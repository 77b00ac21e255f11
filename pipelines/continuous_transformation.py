"""A continuous transformation job as a pipeline of a streaming runner: Logstore → rule → Logstores, without an end.

    python -m pipelines.continuous_transformation --job job.yaml --runner FlinkRunner --flink_master localhost:8081 …

The job is in the ledger like any other: `logsluice job get` shows it, `logsluice job stop` ends it, and when it is launched again it goes
on where it was. This program stays as long as the pipeline runs: it watches it, and settles the job's state. Exit codes are the command
line's.
"""

from __future__ import annotations

import sys

from pipelines.logging_setup import configure_logging

configure_logging()  # before Beam is imported: see there

import atexit  # noqa: E402
import dataclasses  # noqa: E402
import json  # noqa: E402
import tempfile  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, SetupOptions  # noqa: E402

from pipelines.cli.unexpected import masked  # noqa: E402
from pipelines.home import Home  # noqa: E402
from pipelines.jobs.definition import definition_of, new_job  # noqa: E402
from pipelines.jobs.flink_jobs import FlinkJobs  # noqa: E402
from pipelines.jobs.job_access import JobAccess, database_of  # noqa: E402
from pipelines.jobs.job_plan import JobPlan, plan_job  # noqa: E402
from pipelines.jobs.kept_lead import KeptLead  # noqa: E402
from pipelines.jobs.streaming_options import ContinuousOptions, FlinkTuningOptions, flink_master, with_defaults  # noqa: E402
from pipelines.jobs.streaming_run import StreamingRun  # noqa: E402
from pipelines.launch import flags_help, is_local, options_of  # noqa: E402
from pipelines.open_home import home_of  # noqa: E402
from pipelines.options import HomeOptions, TransformOptions  # noqa: E402
from pipelines.schedule.scheduled_tasks import worker_name  # noqa: E402
from pipelines.stop_signals import StopSignals  # noqa: E402
from pipelines.transformation.transform_job import read_job  # noqa: E402
from transforms.core.errors import CommitConflict, ExitCode, LogsluiceError, NotFound, ParameterInvalid  # noqa: E402
from transforms.jobs.job import Job, JobState  # noqa: E402
from transforms.jobs.ledger import Lead  # noqa: E402

__all__ = ["main"]

_LEASE_SECONDS = 15.0
_MOST_SLOTS = 16


def main(arguments: list[str] | None = None) -> int:
    """Parse flags, find or make the job, run it. Returns the exit code; nothing is raised."""
    from pipelines.cli.main import guarded

    return guarded(lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: list[str]) -> int:
    if "--help" in arguments or "-h" in arguments:
        sys.stdout.write(f"{__doc__}\n{flags_help(HomeOptions, TransformOptions, ContinuousOptions, FlinkTuningOptions)}")
        return ExitCode.DONE
    options = options_of(arguments)
    names, flags = options.view_as(HomeOptions), options.view_as(ContinuousOptions)
    name = options.view_as(TransformOptions).job
    if not name:
        raise ParameterInvalid("--job is missing", hint="python -m pipelines.continuous_transformation --help")
    if flags.slots is not None and flags.slots < 1:
        raise ParameterInvalid("--slots is at least 1")
    if flags.slice_rows < 1:
        raise ParameterInvalid("--slice_rows is at least 1")
    if flags.once and not is_local(options):
        raise ParameterInvalid("--once is for DirectRunner", hint="give the job an end time: `to` beside its source")
    with StopSignals() as stop, home_of(options, create=True) as home:
        job = _started(home, names.log_project, name)
        while True:
            job = _run(home, job, arguments, stop)
            if job.state != JobState.STARTING or stop.received():
                break
    sys.stdout.write(json.dumps({"job": job.name, "state": str(job.state), "reason": job.reason}) + "\n")
    return ExitCode.PROBLEMS if job.state == JobState.FAILED else ExitCode.DONE


def _run(home: Home, job: Job, arguments: list[str], stop: StopSignals) -> Job:
    """One start of the job, from its lead to its end."""
    ledger = home.job_ledger()
    lead = ledger.lead(job.project, job.name, worker_name(), _LEASE_SECONDS, external=True)
    if lead is None:
        job = ledger.job(job.project, job.name)
        raise CommitConflict(
            f"the job {job.name!r} is {job.state} and led by {job.leader or 'nobody'}",
            hint="one launcher runs it; another can when that one is gone and its lease has run out",
            code="JobLed",
        )
    with KeptLead(home, lead, _LEASE_SECONDS) as kept, tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
        plan = _planned(home, lead)
        name = f"logsluice-{plan.project}-{plan.definition.name}-{plan.job.id[:12]}"
        given = options_of(arguments)
        options = given if is_local(given) else options_of(with_defaults(arguments, name, Path(folder)))
        flags, master = options.view_as(ContinuousOptions), flink_master(options)
        access = JobAccess(database_of(home, flags.worker_catalogue), plan)
        slots = flags.slots or min(_MOST_SLOTS, max(1, len(home.open_logstore(*plan.job.source).extents().shards)))
        _tidy(options)
        flink = None if master is None else FlinkJobs(master, name)
        run = StreamingRun(home, access, kept, options, slots, flags.slice_rows, flink, flags.once, stop, _say)
        run.run()
    return ledger.job(job.project, job.name)


def _started(home: Home, project: str, name_or_file: str) -> Job:
    """The job, made if it is not there, started if it is stopped."""
    ledger, name = home.job_ledger(), name_or_file
    if name_or_file.endswith((".yaml", ".yml", ".json")):
        told = read_job(Path(name_or_file), project)
        name = told.name
        new = dataclasses.replace(new_job(project, told, ledger.now_us()), external=True)
        with suppress(NotFound):
            found = ledger.job(project, name)
            if ledger.definition(found, found.version) != definition_of(told):
                raise ParameterInvalid(
                    f"the job {name!r} differs from {name_or_file}", hint=f"`logsluice job edit {name}` takes the file over"
                )
            return _again(home, found)
        return ledger.create(new)
    return _again(home, ledger.job(project, name))


def _again(home: Home, job: Job) -> Job:
    if not job.external:
        raise ParameterInvalid(
            f"the instances of the job {job.name!r} are run by `logsluice scheduler run`",
            hint="`runner: {runner: FlinkRunner}` in its file makes it one of a streaming runner",
        )
    if job.state in (JobState.STOPPED, JobState.FAILED):
        return home.job_ledger().act(job.project, job.name, "start" if job.state == JobState.STOPPED else "restart")
    if job.state == JobState.SUCCEEDED:
        raise ParameterInvalid(f"the job {job.name!r} has come to its end", hint=f"`logsluice job rerun {job.name}` begins anew")
    return job


def _planned(home: Home, lead: Lead) -> JobPlan:
    """Raises what makes the job FAILED: a rule that is wrong, a target that is missing."""
    ledger, job = home.job_ledger(), lead.job
    try:
        return plan_job(home, job, ledger.definition(job, job.running_version))
    except LogsluiceError as error:
        if job.state in (JobState.STARTING, JobState.RUNNING):
            ledger.settle(lead, JobState.FAILED, masked(str(error))[:4_000])
        raise


def _tidy(options: PipelineOptions) -> None:
    """A runner shows options to others, and the catalogue's URL may hold a password. Workers of this machine have the package already."""
    options.view_as(HomeOptions).catalogue = None
    if options.view_as(PortableOptions).environment_type == "LOOPBACK":
        options.view_as(SetupOptions).setup_file = None


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    from pipelines.cli.main import leave

    code = main()
    atexit._run_exitfuncs()  # Beam ends its workers and its job server so
    leave(code)
