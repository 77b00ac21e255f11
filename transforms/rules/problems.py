"""What is wrong with a rule: every problem at once, each with its place, its reason and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transforms.core.diagnostics import render_location
from transforms.core.errors import Location, UserError
from transforms.rules.secrets import place

__all__ = ["SECURITY_CHECK", "Problem", "RuleInvalid"]

SECURITY_CHECK = "ETL config doesn't pass security check, detail: "
"""How the log service begins what it says of a rule that it does not load."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``message`` (one sentence, no period), where, and a ``hint``."""

    message: str
    location: Location
    hint: str | None = None

    def __post_init__(self) -> None:
        # What people are shown has no password in it.
        location = self.location
        object.__setattr__(self, "location", place(location.text, location.start, location.end, location.source))


class RuleInvalid(UserError):
    """A rule that cannot be loaded; ``problems`` lists all that was found, in the order of the text."""

    default_code = "RuleInvalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.message, location=first.location, hint=self._hint())

    def _hint(self) -> str | None:
        """The first problem's hint, then the other problems in full: whoever prints the error prints them all."""
        lines = [self.problems[0].hint or ""]
        for number, problem in enumerate(self.problems[1:], start=2):
            lines.append(f"problem {number} of {len(self.problems)}: {problem.message}\n{render_location(problem.location)}")
            if problem.hint:
                lines.append(f"hint: {problem.hint}")
        return "\n".join(line for line in lines if line) or None

    def __reduce__(self) -> tuple[Any, ...]:
        return (RuleInvalid, (self.problems,))
