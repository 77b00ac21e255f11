"""The ledger of transformation jobs: which receive times of its source a job has done, and what each run wrote.

A run takes a range of receive time, cut into *pieces* (at whole hours; a long range at whole days or months). Its logs are written
under an origin for each piece, so that a backfill can replace a piece in every target. A run goes ``running`` → ``committing`` (the
intent is recorded: all files are durable, none is visible) → ``finished``; a run that was killed while it was running has written
nothing that anybody sees (the next run records it as ``failed``), one that was killed while committing is rolled forward from its intent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from transforms.core.interval import Interval, aligned_pieces, merged, without

__all__ = [
    "LONG_PIECES_US",
    "MOST_PIECES",
    "PIECE_US",
    "RunState",
    "TransformRun",
    "app_id",
    "cut_pieces",
    "done",
    "origin_of",
    "pieces_inside",
    "to_do",
]

PIECE_US = 3_600_000_000
"""Pieces are cut at multiples of this: an hour of receive time, in microseconds;"""
LONG_PIECES_US = (24 * PIECE_US, 30 * 24 * PIECE_US)
"""or of these, when more than"""
MOST_PIECES = 500
"""would be made: each piece has files of its own in each target."""

RunState = Literal["running", "committing", "finished", "failed"]


@dataclass(frozen=True)
class TransformRun:
    """One run of a job.

    Attributes:
        job: the job's name.
        number: counts the job's runs from 1; the version of its commits, so that an older run cannot commit after a newer one.
        state: see the module.
        pieces: ranges of receive time, microseconds.
        rule: digest of the rule's text.
        reason: why a backfill was made; empty for an ordinary run.
        started_us, ended_us: when, microseconds; 0 = not yet.
        intent: what is to be committed: target Logstore → files, as JSON; empty before.
        summary: counts, for people and programs.
    """

    job: str
    number: int
    state: RunState
    pieces: tuple[Interval, ...]
    rule: str
    reason: str = ""
    started_us: int = 0
    ended_us: int = 0
    intent: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


def app_id(project: str, job: str) -> str:
    """Under which a job commits, to all of its targets."""
    return f"transform/{project}/{job}"


def origin_of(project: str, job: str, piece: Interval) -> str:
    """Under which the logs of a piece are written."""
    return f"transform/{project}/{job}/{piece.start}-{piece.end}"


def done(runs: Iterable[TransformRun]) -> tuple[Interval, ...]:
    """Receive times that finished runs covered."""
    return merged(piece for run in runs if run.state == "finished" for piece in run.pieces)


def to_do(wanted: Interval, runs: Iterable[TransformRun]) -> tuple[Interval, ...]:
    """The pieces of a range that no finished run covered."""
    return tuple(piece for gap in without(wanted, done(runs)) for piece in aligned_pieces(gap, _width(gap)))


def _width(gap: Interval) -> int:
    fitting = (width for width in (PIECE_US, *LONG_PIECES_US) if (gap.end - gap.start) // width < MOST_PIECES)
    return next(fitting, LONG_PIECES_US[-1])


def cut_pieces(wanted: Interval, runs: Iterable[TransformRun]) -> tuple[Interval, ...]:
    """The pieces of finished runs that a range cuts through: a backfill of it could not replace them exactly."""
    pieces = {piece for run in runs if run.state == "finished" for piece in run.pieces}
    return tuple(sorted(piece for piece in pieces if piece.start < wanted.start < piece.end or piece.start < wanted.end < piece.end))


def pieces_inside(wanted: Interval, runs: Iterable[TransformRun]) -> tuple[Interval, ...]:
    """The pieces that a backfill of a range makes: those of earlier runs as they were cut, and new ones for what was not done."""
    runs = tuple(runs)
    earlier = {
        piece for run in runs if run.state == "finished" for piece in run.pieces if wanted.start <= piece.start and piece.end <= wanted.end
    }
    return tuple(sorted({*earlier, *to_do(wanted, runs)}))
