"""A rule that can be run: over batches of events (`Rule.run`), or event by event (`Rule.run_events`, the reference)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from transforms.core.errors import Location
from transforms.rules.bind import bind, unknown_targets
from transforms.rules.context import Context
from transforms.rules.event import DEFAULT_TARGET, Event, EventFailed, Journal, Target
from transforms.rules.frame import Failure, Frame, State
from transforms.rules.operations import Operation
from transforms.rules.problems import RuleInvalid
from transforms.rules.secrets import place

__all__ = ["Note", "Rule", "RunResult", "Step", "compile_rule"]


@dataclass(frozen=True)
class Step:
    """One step of a rule, numbered from 1. ``label`` is unique and stays the same while the rule's steps do."""

    number: int
    label: str
    operation: Operation
    location: Location

    def apply(self, frame: Frame) -> Frame:
        """What becomes of a batch."""
        return self.operation.apply(frame)


@dataclass(frozen=True)
class Note:
    """A kind of warning or failure: where in the rule (``LINE:COLUMN``), in which top-level step, what."""

    position: str
    step: str
    message: str


@dataclass
class RunResult:
    """What a rule made of some logs: target key → logs in order, failures by number of the source log, warnings."""

    targets: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    warnings: dict[tuple[int, int, str], int] = field(default_factory=dict)

    def add(self, target: Target, logs: Sequence[dict[str, str]]) -> None:
        """Logs for a target."""
        if logs:
            self.targets.setdefault(target.key, []).extend(logs)


class Rule:
    """A compiled rule. Immutable; pickles as its text.

    Attributes:
        text, source: the rule's text and what it is called.
        steps: in order.
        targets: the targets that the rule names as constants, with their places.
    """

    def __init__(self, text: str, source: str = "rule") -> None:
        bound = bind(text, source)
        self.text = bound.rule.text
        self.source = source
        self.targets = bound.targets
        self._bound = bound
        steps: list[Step] = []
        for number, call in enumerate(bound.steps, start=1):
            location = place(self.text, call.node.start, call.node.end, source)
            steps.append(Step(number, f"{number} {call.function.name}", Operation(call), location))
        self.steps = tuple(steps)

    def __reduce__(self) -> tuple[Callable[[str, str], Rule], tuple[str, str]]:
        return (compile_rule, (self.text, self.source))

    def check_targets(self, names: Collection[str]) -> None:
        """Raises RuleInvalid for constant target names that are not among ``names``."""
        unknown = unknown_targets(self._bound, names)
        if unknown:
            raise RuleInvalid(unknown)

    def location(self, failure: Failure) -> Location:
        """Where in the rule an event failed."""
        return place(self.text, failure.start, failure.end, self.source)

    def note(self, start: int, end: int, message: str) -> Note:
        """Something to say about a place in the rule."""
        location = place(self.text, start, end, self.source)
        return Note(f"{location.line}:{location.column}", self.step_at(start), message)

    def step_at(self, character: int) -> str:
        """The label of the top-level step that a place in the text belongs to: ``2 e_if``."""
        found = [step.label for step in self.steps if step.location.start <= character < step.location.end]
        return found[0] if found else ""

    def run(self, frame: Frame) -> Frame:
        """All steps over a batch: the frame for the default target. Snapshots and failures are in the frame's state; what belongs
        to failed source events is for the caller to leave out (`Frame.without_failed`)."""
        for step in self.steps:
            frame = step.apply(frame)
        return frame.without_failed(0)

    def run_logs(self, logs: Sequence[Mapping[str, str]], context: Context | None = None) -> RunResult:
        """Some logs through the rule as one batch. ``__time__`` is a field like any other: nothing is added."""
        state = State(context or Context())
        frame = self.run(Frame.from_logs(logs, state))
        result = RunResult(failures=state.failures, warnings=state.warnings.counts)
        for emission in state.emitted:
            result.add(emission.target, emission.frame.without_failed(0).to_logs())
        result.add(DEFAULT_TARGET, frame.to_logs())
        return result

    def run_events(self, logs: Sequence[Mapping[str, str]], context: Context | None = None) -> RunResult:
        """The same by the scalar forms alone, log by log: what the rule means. Slow; for tests and for explaining."""
        context = context or Context()
        result = RunResult()
        for number, log in enumerate(logs):
            journal = Journal(context)
            try:
                events = self._through(Event(dict(log), journal), 0)
            except EventFailed as failed:
                result.failures[number] = Failure(failed.reason, failed.start, failed.end)
                continue
            for target, fields in journal.emitted:
                result.add(target, [fields])
            result.add(DEFAULT_TARGET, [event.fields for event in events])
        return result

    def _through(self, event: Event, first: int) -> list[Event]:
        events = [event]
        for step in self.steps[first:]:
            events = [after for before in events for after in step.operation.run(before)]
        return events


@lru_cache(maxsize=64)
def compile_rule(text: str, source: str = "rule") -> Rule:
    """A rule from its text, compiled once in each process. Raises RuleInvalid with every problem."""
    return Rule(text, source)
