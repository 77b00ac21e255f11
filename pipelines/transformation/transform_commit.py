"""How a run of a transformation job becomes visible: intent in the ledger, commits target by target, the job's own log."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.cli.unexpected import masked
from pipelines.home import Home
from pipelines.jobs.computed_slice import check_written, written_by_target
from pipelines.transformation.transform_plan import DEAD_LETTERS, TransformPlan
from transforms.core.clock import Clock
from transforms.core.durable import durable
from transforms.core.errors import LogsluiceError, NotFound, QueryFailed, StoreRejected
from transforms.core.interval import within
from transforms.core.log_group import LogGroup
from transforms.rules.report import RuleReport
from transforms.stores.commit_intent import CommitIntent, Commits, IntentCommitter
from transforms.stores.logstore import AppTransaction, DataFile, Logstore
from transforms.stores.transform_ledger import TransformRun, app_id, origin_of

__all__ = ["begin", "commit_run", "fail", "finish_committing", "noted", "summary_of"]

MOST_REASON = 1_000
"""So many characters of what stopped a run are kept."""


def begin(home: Home, plan: TransformPlan, clock: Clock) -> TransformRun:
    """Record that a run begins.

    Raises CommitConflict when another launcher is committing, or has finished a run since the plan; StoreRejected when a target has
    seen later runs than the ledger has (it was restored, or another catalogue has a job of that name): its commits would be ignored.
    """
    run = TransformRun(plan.job.name, 0, "running", plan.pieces, plan.job.digest, plan.reason, started_us=clock.now_us())
    with durable("transform.begin"):
        run = home.catalogue().start_transform(plan.project, run, finished=plan.runs_finished)
    for key in sorted(set(plan.targets.values())):
        seen = _open(home, key).app_version(app_id(plan.project, plan.job.name))
        if seen is not None and seen >= run.number:
            error = StoreRejected(
                f"{key} has logs of run {seen} of the job {plan.job.name!r}, but this catalogue knows only of runs before {run.number}",
                hint="the catalogue is older than the Logstore; give the job another name (`job:`)",
                code="TransformLedgerBehind",
            )
            fail(home, plan, run, error, clock)
            raise error
    return run


def commit_run(
    home: Home,
    plan: TransformPlan,
    run: TransformRun,
    files: Mapping[str, Sequence[DataFile]],
    report: RuleReport,
    seconds: float,
    clock: Clock,
) -> TransformRun:
    """Make a run's files visible, exactly once, and with them what the job's own log says of it.

    Raises QueryFailed when the files do not hold what was read and written, CommitConflict when a newer run of the job took over.
    """
    summary = summary_of(plan, report, seconds)
    _check_counts(plan, summary, files)
    files = _with_internal_log(home, plan, files, _told(plan, run, "finished", summary, report), clock)
    replaces = tuple(origin_of(plan.project, plan.job.name, piece) for piece in plan.pieces)
    # A target of the job is committed to without logs as well: it loses what is replaced, and refuses older runs from then on.
    own = set(plan.targets.values())
    touched = {key: found for key, found in files.items() if found or key in own}
    # A replay adds to what its targets have; only the dead letters that it took are gone.
    only = (plan.targets[DEAD_LETTERS],) if plan.kind == "replay" else None
    intent = CommitIntent(AppTransaction(app_id(plan.project, plan.job.name), run.number), touched, replaces, only)
    intent = intent.with_targets(plan.replaced_targets)
    told = {**summary, "kind": plan.kind, "source": f"{plan.source.project}/{plan.source.name}", "targets": sorted(intent.files)}
    return _carry_out(home, plan.project, dataclasses.replace(run, summary=told), intent, clock)


def finish_committing(home: Home, project: str, run: TransformRun, clock: Clock) -> TransformRun:
    """Roll a run forward that was killed while it was committing."""
    return _carry_out(home, project, run, CommitIntent.from_json(json.dumps(run.intent)), clock)


def fail(home: Home, plan: TransformPlan, run: TransformRun, error: BaseException, clock: Clock) -> None:
    """Record that a run failed, and say so in the job's own log; it wrote nothing that anybody sees."""
    reason = _reason(error)
    failed = dataclasses.replace(run, state="failed", ended_us=clock.now_us(), summary={"error": reason})
    with durable("transform.fail"):
        home.catalogue().record_transform(plan.project, failed)
    log = {**_common(plan, run), "level": "ERROR", "state": "failed", "kind": plan.kind, "reason": reason}
    for key, files in _with_internal_log(home, plan, {}, [log], clock).items():
        _open(home, key).commit(files)


def _reason(error: BaseException) -> str:
    """In a line or two, without secrets: what a runner raises may hold a page of traces."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, LogsluiceError):
        return masked(f"{error.code}: {error.message}")[:MOST_REASON]
    return masked(f"{type(error).__name__}: {error}").strip()[:MOST_REASON]


def _carry_out(home: Home, project: str, run: TransformRun, intent: CommitIntent, clock: Clock) -> TransformRun:
    latest = run

    def record(wanted: Sequence[CommitIntent]) -> Sequence[CommitIntent]:
        nonlocal latest
        if run.state != "committing":
            latest = dataclasses.replace(run, state="committing", intent=json.loads(wanted[0].to_json()))
            with durable("transform.intent"):
                home.catalogue().record_transform(project, latest)
        return wanted

    def finish(_intents: Sequence[CommitIntent], _commits: Commits) -> None:
        nonlocal latest
        latest = dataclasses.replace(latest, state="finished", ended_us=clock.now_us(), intent={})
        with durable("transform.finish"):
            home.catalogue().record_transform(project, latest)

    # The logs of a Logstore that was dropped meanwhile would have gone with it.
    IntentCommitter(record, lambda key: _open(home, key), finish, may_be_gone=lambda _key: True).commit([intent])
    return latest


def _open(home: Home, key: str) -> Logstore:
    project, _, name = key.partition("/")
    return home.open_logstore(project, name)


def _exists(home: Home, key: str) -> bool:
    try:
        _open(home, key)
    except NotFound:
        return False
    return True


def summary_of(plan: TransformPlan, report: RuleReport, seconds: float) -> dict[str, Any]:
    """A run's numbers, for people, programs and the ledger."""
    written = written_by_target(report, plan.targets, plan.job.default_target.key, plan.source.project)
    return {
        "read": report.read,
        "delivered": report.delivered,
        "dropped": report.dropped,
        "dead": report.dead,
        "written": written,
        "seconds": round(seconds, 3),
    }


def _check_counts(plan: TransformPlan, summary: Mapping[str, Any], files: Mapping[str, Sequence[DataFile]]) -> None:
    """Nothing is made visible unless every log that was read and written is accounted for."""
    check_written(summary["written"], summary["dead"], plan.targets[DEAD_LETTERS], files)
    exact = [file for file in plan.snapshot.files if file.receive_time is not None]
    if plan.kind == "replay" or len(exact) < len(plan.snapshot.files):
        return  # how many logs of a compacted file are in the pieces only its rows tell
    asked = sum(file.rows for file in exact if within(file.receive_time or 0, plan.pieces))
    if summary["read"] != asked:
        raise QueryFailed(
            f"{asked:,} logs were to be read, but {summary['read']:,} were",
            hint="nothing became visible; start the job again, and report this",
            code="TransformCountsDiffer",
        )


def _common(plan: TransformPlan, run: TransformRun) -> dict[str, str]:
    source = f"{plan.source.project}/{plan.source.name}"
    return {"job": plan.job.name, "run": str(run.number), "rule": plan.rule.source, "source": source}


def _told(plan: TransformPlan, run: TransformRun, state: str, summary: Mapping[str, Any], report: RuleReport) -> list[dict[str, str]]:
    """The job's status, its errors and its warnings (a sample of each, with counts) as logs."""
    common = _common(plan, run)
    numbers = {key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in summary.items()}
    logs: list[dict[str, str]] = [{**common, "level": "INFO", "state": state, "kind": plan.kind, **numbers}]
    return logs + noted(common, report)


def noted(common: Mapping[str, str], report: RuleReport) -> list[dict[str, str]]:
    """A sample of a job's errors and warnings, with counts, as logs for the job's own log."""
    return [
        {**common, "level": level, "step": note.step, "position": note.position, "reason": note.message, "events": str(times)}
        for level, notes in (("ERROR", report.failures), ("WARNING", report.warnings))
        for note, times in notes.items()
    ]


def _with_internal_log(
    home: Home, plan: TransformPlan, files: Mapping[str, Sequence[DataFile]], logs: Sequence[Mapping[str, str]], clock: Clock
) -> dict[str, Sequence[DataFile]]:
    """The files, and one for the job's own log, unless that was dropped: then nobody reads it."""
    key = plan.job.internal_log.key
    if not _exists(home, key):
        return dict(files)
    now = clock.now_us()
    group = LogGroup.from_logs(logs, [now // 1_000_000] * len(logs), [now % 1_000_000 * 1_000] * len(logs))
    written = _open(home, key).write_files([group], origin=f"transform-log/{plan.project}/{plan.job.name}")
    return {**files, key: [*files.get(key, ()), *written]}
