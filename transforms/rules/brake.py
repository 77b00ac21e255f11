"""The brake: a job whose logs mostly fail is stopped, since its rule is wrong and its dead letters would only repeat that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from transforms.core.errors import QueryFailed
from transforms.rules.batch import BatchCounts
from transforms.rules.frame import Failure
from transforms.rules.rule import Rule

__all__ = ["Brake"]


@dataclass(frozen=True)
class Brake:
    """Stops when, after ``least`` logs, more than ``share`` of them failed (in one process). ``name`` tells runs apart."""

    share: float = 0.5
    least: int = 1_000
    name: str = ""

    def check(self, counts: BatchCounts, failed: Sequence[tuple[int, Failure]], rule: Rule) -> None:
        """Count a batch. Raises QueryFailed with the batch's most frequent failure when it is time to stop."""
        with _lock:
            read, dead = _totals.get(self, (0, 0))
            read, dead = read + counts.read, dead + counts.dead
            _totals[self] = (read, dead)
        if read < self.least or dead <= self.share * read or not failed:
            return
        kinds: dict[Failure, int] = {}
        for _, failure in failed:
            kinds[failure] = kinds.get(failure, 0) + 1
        most = max(kinds, key=lambda failure: kinds[failure])
        raise QueryFailed(
            f"{dead:,} of {read:,} logs failed, most for this reason: {most.reason}",
            hint="mend the rule (`logsluice preview` shows what it does to a few logs), or raise the job's brake",
            location=rule.location(most),
            code="RuleFailsMostly",
        )


_lock = Lock()
_totals: dict[Brake, tuple[int, int]] = {}
