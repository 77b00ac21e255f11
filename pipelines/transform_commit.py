"""How a run of a transformation job becomes visible: intent in the ledger, commits target by target, the job's own log."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.home import Home
from pipelines.transform_plan import DEAD_LETTERS, TransformPlan
from transforms.connectors import open_logstore
from transforms.core.clock import Clock
from transforms.core.durable import durable
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.rules.report import RuleReport
from transforms.stores.commit_intent import CommitIntent, IntentCommitter
from transforms.stores.logstore import AppTransaction, Commit, DataFile, Logstore
from transforms.stores.transform_ledger import TransformRun, app_id, origin_of

__all__ = ["begin", "commit_run", "fail", "finish_committing", "summary_of", "write_internal_log"]


def begin(home: Home, plan: TransformPlan, clock: Clock) -> TransformRun:
    """Record that a run begins."""
    run = TransformRun(plan.job.name, 0, "running", plan.pieces, plan.job.digest, plan.reason, started_us=clock.now_us())
    with durable("transform.begin"):
        return home.catalogue().start_transform(plan.project, run)


def commit_run(
    home: Home, plan: TransformPlan, run: TransformRun, files: Mapping[str, Sequence[DataFile]], summary: Mapping[str, Any], clock: Clock
) -> TransformRun:
    """Make a run's files visible, exactly once. Raises CommitConflict when a newer run of the job took over."""
    replaces = tuple(origin_of(plan.project, plan.job.name, piece) for piece in plan.pieces)
    # A target of the job is committed to without logs as well: it loses what is replaced, and refuses older runs from then on.
    own = set(plan.targets.values())
    touched = {key: found for key, found in files.items() if found or key in own}
    # A replay adds to what its targets have; only the dead letters that it took are gone.
    only = (plan.targets[DEAD_LETTERS],) if plan.kind == "replay" else None
    intent = CommitIntent(AppTransaction(app_id(plan.project, plan.job.name), run.number), touched, replaces, only)
    intent = intent.with_targets(plan.replaced_targets)
    told = {**summary, "targets": sorted(intent.files)}
    return _carry_out(home, plan.project, dataclasses.replace(run, summary=told), intent, clock)


def finish_committing(home: Home, project: str, run: TransformRun, clock: Clock) -> TransformRun:
    """Roll a run forward that was killed while it was committing."""
    return _carry_out(home, project, run, CommitIntent.from_json(json.dumps(run.intent)), clock)


def fail(home: Home, project: str, run: TransformRun, reason: str, clock: Clock) -> None:
    """Record that a run failed; it wrote nothing that anybody sees."""
    failed = dataclasses.replace(run, state="failed", ended_us=clock.now_us(), summary={"error": reason})
    with durable("transform.fail"):
        home.catalogue().record_transform(project, failed)


def _carry_out(home: Home, project: str, run: TransformRun, intent: CommitIntent, clock: Clock) -> TransformRun:
    latest = run

    def record(wanted: CommitIntent) -> CommitIntent:
        nonlocal latest
        if run.state != "committing":
            latest = dataclasses.replace(run, state="committing", intent=json.loads(wanted.to_json()))
            with durable("transform.intent"):
                home.catalogue().record_transform(project, latest)
        return wanted

    def open_target(key: str) -> Logstore:
        target_project, _, name = key.partition("/")
        return open_logstore(home.catalogue().logstore(target_project, name))

    def finish(_intent: CommitIntent, _commits: Mapping[str, Commit]) -> None:
        nonlocal latest
        latest = dataclasses.replace(latest, state="finished", ended_us=clock.now_us(), intent={})
        with durable("transform.finish"):
            home.catalogue().record_transform(project, latest)

    IntentCommitter(record, open_target, finish).commit(intent)
    return latest


def summary_of(plan: TransformPlan, report: RuleReport, seconds: float) -> dict[str, Any]:
    """A run's numbers, for people, programs and the ledger."""
    written: dict[str, int] = {}
    for name, logs in report.written.items():
        key = plan.targets.get(name, name) if name != "default" else plan.job.default_target.key
        written[key] = written.get(key, 0) + logs
    return {
        "read": report.read,
        "delivered": report.delivered,
        "dropped": report.dropped,
        "dead": report.dead,
        "written": written,
        "seconds": round(seconds, 3),
    }


def write_internal_log(home: Home, plan: TransformPlan, run: TransformRun, report: RuleReport, clock: Clock) -> None:
    """The job's status, its errors and its warnings (a sample of each, with counts) as logs."""
    try:
        descriptor = home.catalogue().logstore(plan.job.internal_log.project, plan.job.internal_log.logstore)
    except NotFound:
        return  # dropped since the run began: nobody reads it
    common = {"job": plan.job.name, "run": str(run.number), "rule": plan.rule.source, "source": f"{plan.source.project}/{plan.source.name}"}
    summary = {key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in run.summary.items() if key != "targets"}
    logs: list[dict[str, str]] = [{**common, "level": "INFO", "state": run.state, "kind": plan.kind, **summary}]
    for level, notes in (("ERROR", report.failures), ("WARNING", report.warnings)):
        for note, times in notes.items():
            logs.append(
                {**common, "level": level, "step": note.step, "position": note.position, "reason": note.message, "events": str(times)}
            )
    now = clock.now_us()
    group = LogGroup.from_logs(logs, [now // 1_000_000] * len(logs), [now % 1_000_000 * 1_000] * len(logs))
    app = AppTransaction(app_id(plan.project, plan.job.name), run.number)
    open_logstore(descriptor).append([group], app=app, origin=f"transform-log/{plan.project}/{plan.job.name}")
