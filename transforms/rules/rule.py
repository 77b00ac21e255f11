"""A rule that can be run: over batches of events (`Rule.run`), or event by event (`Rule.run_events`, the reference)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from transforms.core.errors import Location
from transforms.rules.bind import bind
from transforms.rules.context import Context
from transforms.rules.event import DEFAULT_TARGET, Event, EventFailed, Journal, Target
from transforms.rules.frame import Failure, Frame, State
from transforms.rules.operations import Operation

__all__ = ["Rule", "RunResult", "Step", "compile_rule"]


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
        target_names: names of targets that the rule gives as constants.
    """

    def __init__(self, text: str, source: str = "rule") -> None:
        bound = bind(text, source)
        self.text = bound.rule.text
        self.source = source
        self.target_names = bound.targets
        steps: list[Step] = []
        for number, call in enumerate(bound.steps, start=1):
            location = Location(self.text, call.node.start, call.node.end, source)
            steps.append(Step(number, f"{number} {call.function.name}", Operation(call), location))
        self.steps = tuple(steps)

    def __reduce__(self) -> tuple[type[Rule], tuple[str, str]]:
        return (Rule, (self.text, self.source))

    def location(self, failure: Failure) -> Location:
        """Where in the rule an event failed."""
        return Location(self.text, failure.start, failure.end, self.source)

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


def compile_rule(text: str, source: str = "rule") -> Rule:
    """A rule from its text. Raises RuleInvalid with every problem."""
    return Rule(text, source)
