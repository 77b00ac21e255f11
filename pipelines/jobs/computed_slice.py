"""What a round has computed of each shard's slice, checked: every log that was read and written is accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.jobs.job_plan import JobPlan
from pipelines.transformation.transform_plan import DEAD_LETTERS
from transforms.core.errors import QueryFailed
from transforms.rules.report import RuleReport
from transforms.stores.logstore import DataFile

__all__ = ["ComputedSlice", "check_counts", "check_written", "written_by_target"]


@dataclass(frozen=True)
class ComputedSlice:
    """A slice's files by target (``PROJECT/LOGSTORE``, those with files), and what the rule says of its logs."""

    files: Mapping[str, Sequence[DataFile]] = field(default_factory=dict)
    report: RuleReport = field(default_factory=RuleReport)


def check_counts(
    plan: JobPlan,
    lanes: Mapping[str, int],
    read: Iterable[tuple[str, int]],
    files: Iterable[Mapping[str, Sequence[DataFile]]],
    reports: Iterable[tuple[str, RuleReport]],
) -> dict[int, ComputedSlice]:
    """What belongs to each lane (app → shard): logs read, files written, what the rule says.

    Raises QueryFailed unless the rule has seen what was read, and the files hold what it gave.
    """
    rows = dict.fromkeys(lanes, 0)
    for lane, count in read:
        rows[lane] += count
    by_lane: dict[str, dict[str, list[DataFile]]] = {lane: {} for lane in lanes}
    for part in files:
        for target, found in part.items():
            for file in found:
                by_lane[file.origin or ""].setdefault(target, []).append(file)
    told: dict[str, list[RuleReport]] = {lane: [] for lane in lanes}
    for lane, report in reports:
        told[lane].append(report)
    computed = {}
    for lane, shard in lanes.items():
        report = RuleReport.total(told[lane])
        _check_read(rows[lane], report)
        written = written_by_target(report, plan.targets, plan.definition.default_target.key, plan.source.project)
        check_written(written, report.dead, plan.targets[DEAD_LETTERS], by_lane[lane])
        computed[shard] = ComputedSlice({target: by_lane[lane][target] for target in sorted(by_lane[lane])}, report)
    return computed


def written_by_target(report: RuleReport, targets: Mapping[str, str], default: str, project: str) -> dict[str, int]:
    """Logs that a rule gave for each ``PROJECT/LOGSTORE``, without dead letters."""
    written: dict[str, int] = {}
    for name, logs in report.written.items():
        key = default if name == "default" else targets.get(name, name)
        if key.startswith("/"):  # an output that names a Logstore only
            key = project + key
        written[key] = written.get(key, 0) + logs
    return written


def _check_read(rows: int, report: RuleReport) -> None:
    if not rows == report.read == report.delivered + report.dropped + report.dead:
        raise QueryFailed(
            f"{rows:,} logs were read, the rule has seen {report.read:,}, and says of {report.delivered + report.dropped + report.dead:,} "
            "what became of them",
            hint="nothing became visible; start the job again, and report this",
            code="TransformCountsDiffer",
        )


def check_written(written: Mapping[str, int], dead: int, letters: str, files: Mapping[str, Sequence[DataFile]]) -> None:
    """Raises QueryFailed unless files (by target) hold the logs that a rule gave for each target, and its ``dead`` letters."""
    expected = dict(written)
    expected[letters] = expected.get(letters, 0) + dead
    for key in sorted({*expected, *files}):
        wrote = sum(file.rows for file in files.get(key, ()))
        if wrote != expected.get(key, 0):
            raise QueryFailed(
                f"the rule gave {expected.get(key, 0):,} logs for {key}, but {wrote:,} were written",
                hint="nothing became visible; start the job again, and report this",
                code="TransformCountsDiffer",
            )
