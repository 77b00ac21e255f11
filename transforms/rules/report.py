"""What a job says of its logs when it is done: counts, and samples of warnings and failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from transforms.rules.batch import BatchCounts, RuleBatch
from transforms.rules.rule import Note, Rule

__all__ = ["MOST_KINDS", "RuleReport"]

MOST_KINDS = 100
"""So many different warnings, and as many different failures, are kept; the others are only counted."""


@dataclass
class RuleReport:
    """Counts of a batch, or of many. ``read`` = ``delivered`` + ``dropped`` + ``dead``, always."""

    read: int = 0
    delivered: int = 0
    dropped: int = 0
    dead: int = 0
    written: dict[str, int] = field(default_factory=dict)
    warnings: dict[Note, int] = field(default_factory=dict)
    failures: dict[Note, int] = field(default_factory=dict)

    @staticmethod
    def of(batch: RuleBatch, counts: BatchCounts, rule: Rule, unknown_targets: int = 0) -> RuleReport:
        """Of one batch that is done."""
        report = RuleReport(counts.read, counts.delivered, counts.dropped, counts.dead, dict(counts.written))
        for (start, end, message), times in batch.state.warnings.counts.items():
            report._add(report.warnings, rule.note(start, end, message), times)
        if unknown_targets:
            report._add(report.warnings, Note("", "", "outputs to Logstores that do not exist were dropped"), unknown_targets)
        for _, failure in batch.failed():
            report._add(report.failures, rule.note(failure.start, failure.end, failure.reason), 1)
        return report

    @staticmethod
    def total(reports: Iterable[RuleReport]) -> RuleReport:
        """The sum of many."""
        whole = RuleReport()
        for report in reports:
            whole.read += report.read
            whole.delivered += report.delivered
            whole.dropped += report.dropped
            whole.dead += report.dead
            for key, logs in report.written.items():
                whole.written[key] = whole.written.get(key, 0) + logs
            for note, times in report.warnings.items():
                whole._add(whole.warnings, note, times)
            for note, times in report.failures.items():
                whole._add(whole.failures, note, times)
        return whole

    def _add(self, notes: dict[Note, int], note: Note, times: int) -> None:
        if note not in notes and len(notes) >= MOST_KINDS:
            note = Note("", "", "others")
        notes[note] = notes.get(note, 0) + times
