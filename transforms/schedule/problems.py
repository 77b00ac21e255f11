"""What is wrong with a task: every problem at once, each with its place, its reason and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transforms.core.diagnostics import render_location
from transforms.core.errors import Location, ParameterInvalid

__all__ = ["Problem", "refusal"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``message`` (one sentence, no period), what to do (``hint``), and where, when that is known."""

    message: str
    hint: str | None = None
    location: Location | None = None


def refusal(problems: Sequence[Problem]) -> ParameterInvalid:
    """One error that says them all: the first as the error itself, the others behind its hint."""
    first = problems[0]
    lines = [first.hint or ""]
    for number, problem in enumerate(problems[1:], start=2):
        lines.append(f"problem {number} of {len(problems)}: {problem.message}")
        if problem.location is not None:
            lines.append(render_location(problem.location))
        if problem.hint:
            lines.append(f"hint: {problem.hint}")
    hint = "\n".join(line for line in lines if line) or None
    return ParameterInvalid(first.message, hint=hint, location=first.location, code="TaskInvalid")
