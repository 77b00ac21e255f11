"""What a transformation job is about to do: `--dry-run` prints this object, the pipeline runs it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.home import Home
from pipelines.transformation.plan_stores import every_store, make_missing, missing_stores
from pipelines.transformation.transform_job import JobTarget, TransformJob
from transforms.connectors import open_logstore
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval, within
from transforms.core.moments import format_moment, parse_moment, parse_zone
from transforms.rules.rule import Rule, compile_rule
from transforms.stores.logstore import LogstoreDescriptor, Snapshot
from transforms.stores.transform_ledger import TransformRun, cut_pieces, done, pieces_inside, to_do

__all__ = ["DEAD_LETTERS", "Kind", "TransformPlan", "make_stores", "plan_replay", "plan_transform"]

Kind = Literal["run", "backfill", "replay"]
DEAD_LETTERS = "~dead-letters"
"""The dead letters' place among the targets; no target can be called so."""


@dataclass(frozen=True)
class TransformPlan:
    """One run of a job, before it runs.

    Attributes:
        job, rule: what runs.
        project: whose ledger keeps the job.
        source: the Logstore that is read.
        snapshot: its files with logs of the pieces.
        wanted: the range of receive time asked for, microseconds, closed by the newest log there is.
        pieces: what this run does of it.
        finished: what finished runs did before, of all times.
        stores: ``PROJECT/LOGSTORE`` → descriptor of every Logstore that logs may go to.
        targets: logical name → ``PROJECT/LOGSTORE``; `DEAD_LETTERS` among them.
        missing: Logstores that are made before the run.
        accept_loss: a backfill may replace what was made of logs that the source has lost.
        runs_finished: how many runs of the job had finished when this was planned.
        unfinished: an earlier run that was committing and is finished first.
        kind: ``run``; ``backfill``: what finished runs wrote for the pieces is replaced; ``replay``: the dead letters of
            the pieces are read (``snapshot`` is of their Logstore) and replaced by those that fail again. ``reason`` says why.
        replaced_targets: ``PROJECT/LOGSTORE`` that earlier runs of the pieces wrote to.
    """

    job: TransformJob
    rule: Rule
    project: str
    source: LogstoreDescriptor
    snapshot: Snapshot
    wanted: Interval
    pieces: tuple[Interval, ...]
    finished: tuple[Interval, ...]
    stores: Mapping[str, LogstoreDescriptor]
    targets: Mapping[str, str]
    missing: tuple[JobTarget, ...] = ()
    accept_loss: bool = False
    runs_finished: int = 0
    unfinished: TransformRun | None = None
    kind: Kind = "run"
    reason: str = ""
    replaced_targets: tuple[str, ...] = ()

    @property
    def definition(self) -> TransformJob:
        """What the job file says."""
        return self.job

    @property
    def rows(self) -> int:
        """Logs in the files that are read; some may lie outside of the pieces."""
        return sum(file.rows for file in self.snapshot.files)

    def described(self) -> dict[str, Any]:
        """The plan as plain values."""
        utc = parse_zone("UTC")

        def moments(interval: Interval) -> dict[str, str]:
            return {"from": format_moment(interval.start // 1_000_000, utc), "to": format_moment(-(-interval.end // 1_000_000), utc)}

        return {
            "job": self.job.name,
            "kind": self.kind,
            "reason": self.reason,
            "source": self.targets[DEAD_LETTERS] if self.kind == "replay" else f"{self.source.project}/{self.source.name}",
            "receive_time": moments(self.wanted),
            "pieces": [moments(piece) for piece in self.pieces],
            "done_before": [moments(interval) for interval in self.finished],
            "files": len(self.snapshot.files),
            "logs": self.rows,
            "steps": [{"step": step.label, "position": f"{step.location.line}:{step.location.column}"} for step in self.rule.steps],
            "targets": {name: key for name, key in self.targets.items() if name != DEAD_LETTERS},
            "dead_letters": self.targets[DEAD_LETTERS],
            "logstores_to_make": [store.key for store in self.missing],
            "replaces_in": list(self.replaced_targets),
            "finishes_first": None if self.unfinished is None else self.unfinished.number,
        }


def plan_transform(
    home: Home,
    project: str,
    job: TransformJob,
    now_us: int,
    *,
    start: str | None = None,
    end: str | None = None,
    time_zone: str = "UTC",
    wanted: Interval | None = None,
    backfill: bool = False,
    reason: str = "",
    accept_loss: bool = False,
) -> TransformPlan:
    """Plan a run of a job, or a backfill of a range of receive time (``start`` and ``end`` override the job's own, ``wanted`` both).

    Raises RuleInvalid, NotFound for a Logstore that does not exist, ParameterInvalid for a range that cannot be had, for a job that
    had another source before, and for a backfill of logs that the source has lost, unless ``accept_loss``.
    """
    rule = compile_rule(job.rule_text, job.rule_source)
    rule.check_targets(tuple(job.targets))
    source = home.catalogue().logstore(job.source.project, job.source.logstore)
    store = open_logstore(source)
    wanted = wanted or _range(
        start if start is not None else job.start, end if end is not None else job.end, store.snapshot().received, now_us, time_zone
    )
    runs = home.catalogue().list_transforms(project, job.name)
    _refuse_other_source(job, runs)
    if backfill:
        _refuse_cut(wanted, runs)
        pieces = pieces_inside(wanted, runs)
        replaced = _targets_of(runs, pieces)
    else:
        pieces, replaced = to_do(wanted, runs), ()
    span = Interval(pieces[0].start, pieces[-1].end) if pieces else Interval(0, 0)
    snapshot = store.snapshot(received=span)
    if backfill and not accept_loss:
        _refuse_lost(pieces, runs, sum(file.rows for file in snapshot.files))
    stores = every_store(home.catalogue())
    targets = {name: target.key for name, target in job.targets.items()}
    return TransformPlan(
        job=job,
        rule=rule,
        project=project,
        source=source,
        snapshot=snapshot,
        wanted=wanted,
        pieces=pieces,
        finished=done(runs),
        stores=stores,
        targets={**targets, DEAD_LETTERS: job.dead_letters.key},
        missing=missing_stores(job, stores),
        runs_finished=sum(run.state == "finished" for run in runs),
        unfinished=next((run for run in runs if run.state == "committing"), None),
        kind="backfill" if backfill else "run",
        reason=reason,
        accept_loss=accept_loss,
        replaced_targets=tuple(key for key in replaced if key in stores),
    )


def plan_replay(home: Home, project: str, job: TransformJob) -> TransformPlan:
    """Plan to put a job's dead letters through its rule again, as it is now.

    Their outputs belong to the pieces they came from, so that a later backfill replaces them too. Raises RuleInvalid, NotFound.
    """
    rule = compile_rule(job.rule_text, job.rule_source)
    rule.check_targets(tuple(job.targets))
    source = home.catalogue().logstore(job.source.project, job.source.logstore)
    dead = home.open_logstore(job.dead_letters.project, job.dead_letters.logstore)
    runs = home.catalogue().list_transforms(project, job.name)
    _refuse_other_source(job, runs)
    snapshot = dead.snapshot()
    cursors = {
        int(cursor)
        for group in dead.read_files(snapshot.files, fields=["job", "cursor"])
        for log in group.to_logs()
        if log.get("job") == job.name and (cursor := log.get("cursor", "")).isdecimal()
    }
    pieces = sorted({piece for run in runs if run.state == "finished" for piece in run.pieces})
    ordered = tuple(sorted({piece for cursor in cursors if (piece := within(cursor, pieces)) is not None}))
    stores = every_store(home.catalogue())
    return TransformPlan(
        job=job,
        rule=rule,
        project=project,
        source=source,
        snapshot=snapshot,
        wanted=Interval(ordered[0].start, ordered[-1].end) if ordered else Interval(0, 0),
        pieces=ordered,
        finished=done(runs),
        stores=stores,
        targets={**{name: target.key for name, target in job.targets.items()}, DEAD_LETTERS: job.dead_letters.key},
        missing=missing_stores(job, stores),
        runs_finished=sum(run.state == "finished" for run in runs),
        unfinished=next((run for run in runs if run.state == "committing"), None),
        kind="replay",
        reason="dead letters put through the rule again",
    )


def make_stores(home: Home, plan: TransformPlan) -> TransformPlan:
    """Make the Logstores that the plan says are missing; gives the plan with them."""
    return dataclasses.replace(plan, stores={**plan.stores, **make_missing(home, plan.missing)}, missing=())


def _range(start: str | None, end: str | None, received: tuple[int, int], now_us: int, time_zone: str) -> Interval:
    zone = parse_zone(time_zone)
    first = received[0] if start is None or start == "begin" else parse_moment(start, now_us, zone) * 1_000_000
    last = received[1] + 1
    if end is not None and end != "end":
        # What is received after the newest log there is may still come: the next run takes it.
        last = min(last, parse_moment(end, now_us, zone) * 1_000_000)
    if end is not None and start is not None and end not in ("end", "now") and parse_moment(end, now_us, zone) <= first // 1_000_000:
        raise ParameterInvalid("the range of receive time is empty: it ends before it begins", hint="[from, to): to is later than from")
    return Interval(first, max(first, last))


def _refuse_cut(wanted: Interval, runs: Sequence[TransformRun]) -> None:
    cut = cut_pieces(wanted, runs)
    if not cut:
        return
    utc = parse_zone("UTC")
    start = min([wanted.start, *(piece.start for piece in cut if piece.start < wanted.start < piece.end)])
    end = max([wanted.end, *(piece.end for piece in cut if piece.start < wanted.end < piece.end)])
    raise ParameterInvalid(
        "the range cuts through a piece that the job wrote as a whole, which can only be replaced as a whole",
        hint=f"pieces end at whole hours or days of receive time and where runs ended; the nearest range is --from "
        f"'{format_moment(start // 1_000_000, utc)}' --to '{format_moment(-(-end // 1_000_000), utc)}'",
    )


def _refuse_other_source(job: TransformJob, runs: Sequence[TransformRun]) -> None:
    others = {str(run.summary["source"]) for run in runs if run.state == "finished" and "source" in run.summary} - {job.source.key}
    if others:
        raise ParameterInvalid(
            f"the job {job.name!r} has transformed {sorted(others)[0]}; what is done of that says nothing of {job.source.key}",
            hint="give the job of another source a name of its own (`job:`)",
            code="TransformOtherSource",
        )


def _refuse_lost(pieces: Sequence[Interval], runs: Sequence[TransformRun], available: int) -> None:
    """A backfill of logs that are gone would replace what was made of them by nothing."""
    left, read = set(pieces), 0
    for run in reversed(runs):
        if run.state == "finished" and run.summary.get("kind") != "replay" and left.issuperset(run.pieces):
            left.difference_update(run.pieces)
            read += int(run.summary.get("read", 0))
    if available < read:
        raise ParameterInvalid(
            f"the source has at most {available:,} logs of the range now; the job has read {read:,} of it before",
            hint="retention took them, or they were replaced there; --accept-loss gives up what the job made of them",
            code="TransformSourceLost",
        )


def _targets_of(runs: Sequence[TransformRun], pieces: Sequence[Interval]) -> tuple[str, ...]:
    """``PROJECT/LOGSTORE`` that finished runs of some pieces committed to."""
    wanted = set(pieces)
    return tuple(dict.fromkeys(key for run in runs if wanted.intersection(run.pieces) for key in run.summary.get("targets", ())))
