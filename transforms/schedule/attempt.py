"""Attempts at an instance, and the runs they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from transforms.schedule.failure import Failure

__all__ = ["Attempt", "Run", "Trigger"]

Trigger = Literal["schedule", "backfill", "manual", "late"]
"""Why a run was made."""


@dataclass(frozen=True)
class Attempt:
    """One try. ``ended_us`` is None while it runs; ``failure`` is None when it runs or went well. Microseconds."""

    began_us: int
    ended_us: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Run:
    """The attempts that were made for one reason; each run has a retry budget of its own."""

    trigger: Trigger
    requested_us: int
    attempts: tuple[Attempt, ...] = ()
