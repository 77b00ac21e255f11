"""What travels through the pipeline of a continuous job: orders for slices, and the parts that their computation gives."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.rules.report import RuleReport
from transforms.stores.logstore import DataFile
from transforms.stores.slice import Slice

__all__ = ["SliceKey", "SliceOrder", "SlicePart"]


@dataclass(frozen=True)
class SliceKey:
    """One computation of a slice.

    Attributes:
        lane: the app of its commits, the origin of its logs.
        number: of the slice.
        emission: tells computations of the same slice apart; what an abandoned one still gives is counted with no other.
    """

    lane: str
    number: int
    emission: str

    @property
    def text(self) -> str:
        """As logs are labelled with it."""
        return f"{self.lane}#{self.number}#{self.emission}"

    @staticmethod
    def of_text(text: str) -> SliceKey:
        """From `text`."""
        lane, number, emission = text.rsplit("#", 2)
        return SliceKey(lane, int(number), emission)


@dataclass(frozen=True)
class SliceOrder:
    """A slice that is to be computed, or rolled forward when it has an intent: by which consumer, as which owner of the shard."""

    key: SliceKey
    shard: int
    epoch: int
    consumer: str
    slice: Slice


@dataclass(frozen=True)
class SlicePart:
    """Something that is known of a computation: its order with the number of logs that were read, a report of the rule, or files that were
    written for a target (``PROJECT/LOGSTORE``)."""

    key: SliceKey
    order: SliceOrder | None = None
    rows: int = 0
    report: RuleReport | None = None
    target: str = ""
    files: tuple[DataFile, ...] = ()
