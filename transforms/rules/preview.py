"""What a rule does to a few logs, step by step: the same steps that a job runs, looked at from the side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transforms.rules.context import Context
from transforms.rules.event import DEFAULT_TARGET
from transforms.rules.frame import Frame, State
from transforms.rules.rule import Rule, Step

__all__ = ["Change", "LogTrace", "Preview", "StepTrace", "preview"]


@dataclass(frozen=True)
class Change:
    """A field that a step wrote, took out or added: None = absent."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Happening:
    """What a step did to one event of a log: ``changed``, ``dropped``, ``failed``, ``sent`` to a target, or ``copied`` to one.

    ``event`` tells the events of a log apart that a split has made: 1, or 1.2 for the second part of the first.
    """

    step: str
    event: str
    kind: str
    changes: tuple[Change, ...] = ()
    target: str = ""
    parts: int = 1
    reason: str = ""


@dataclass
class LogTrace:
    """One log: what befell it, step by step, and where it ended. Steps that did nothing to it are left out."""

    number: int
    log: dict[str, str]
    happenings: list[Happening] = field(default_factory=list)
    outputs: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True)
class StepTrace:
    """One step: its time for all logs, the events that came in and went out, warnings with their counts."""

    label: str
    position: str
    seconds: float
    events_in: int
    events_out: int
    warnings: Mapping[str, int]


@dataclass
class Preview:
    """What `preview` found."""

    logs: list[LogTrace]
    steps: list[StepTrace]

    def plain(self) -> dict[str, Any]:
        """As plain values, for programs."""
        return {
            "steps": [
                {
                    "step": step.label, "position": step.position, "milliseconds": round(step.seconds * 1_000, 3),
                    "events_in": step.events_in, "events_out": step.events_out, "warnings": dict(step.warnings),
                }
                for step in self.steps
            ],
            "logs": [
                {
                    "number": trace.number,
                    "log": trace.log,
                    "happenings": [
                        {
                            "step": one.step, "event": one.event, "kind": one.kind,
                            **({"changes": [{"field": c.field, "before": c.before, "after": c.after} for c in one.changes]} if one.changes else {}),
                            **({"target": one.target} if one.target else {}),
                            **({"parts": one.parts} if one.parts > 1 else {}),
                            **({"reason": one.reason} if one.reason else {}),
                        }
                        for one in trace.happenings
                    ],
                    "outputs": [{"target": target, "log": log} for target, log in trace.outputs],
                    **({"failure": trace.failure} if trace.failure is not None else {}),
                }
                for trace in self.logs
            ],
        }  # fmt: skip


def preview(rule: Rule, logs: Sequence[Mapping[str, str]], context: Context | None = None) -> Preview:
    """Run a rule over a few logs and say what each step did to each of them."""
    watcher = _Watcher([LogTrace(number, dict(log)) for number, log in enumerate(logs, start=1)], context or Context())
    for step in rule.steps:
        watcher.step(step)
    return watcher.finished()


@dataclass(frozen=True)
class _Event:
    """An event on its way: of which log (from 0), what it is called, its fields."""

    log: int
    name: str
    fields: dict[str, str]


class _Watcher:
    """Runs the steps one by one. In each step every event counts as a source event of its own, so that it is known what became of which."""

    def __init__(self, traces: list[LogTrace], context: Context) -> None:
        self._traces = traces
        self._context = context
        self._steps: list[StepTrace] = []
        self._events = [_Event(number, "1", dict(trace.log)) for number, trace in enumerate(traces)]
        self._sent: list[tuple[int, str, dict[str, str]]] = []

    def step(self, step: Step) -> None:
        """One step for all events that are left."""
        before = self._events
        state = State(self._context)
        frame = Frame.from_logs([event.fields for event in before], state)
        started = time.perf_counter()
        after = step.apply(frame)
        seconds = time.perf_counter() - started
        for row, failure in sorted(state.failures.items()):
            trace = self._traces[before[row].log]
            if trace.failure is None:
                trace.failure = failure.reason
                self._happened(step, before[row], "failed", reason=failure.reason)
        made: dict[int, list[dict[str, str]]] = {}
        for row, fields in zip(after.origin.to_list(), after.to_logs(), strict=True):
            made.setdefault(row, []).append(fields)
        sent: set[int] = set()
        for emission in state.emitted:
            for row, fields in zip(emission.frame.origin.to_list(), emission.frame.to_logs(), strict=True):
                if self._lives(before[row]):
                    sent.add(row)
                    self._sent.append((before[row].log, emission.target.key, fields))
                    self._happened(step, before[row], "copied" if row in made else "sent", target=emission.target.key)
        self._events = [
            event
            for row, one in enumerate(before)
            if self._lives(one)
            for event in self._what_became(step, one, made.get(row, []), row in sent)
        ]
        position = f"{step.location.line}:{step.location.column}"
        warnings: dict[str, int] = {}
        for (_, _, message), times in state.warnings.counts.items():
            warnings[message] = warnings.get(message, 0) + times
        self._steps.append(StepTrace(step.label, position, seconds, len(before), len(self._events), warnings))

    def _lives(self, event: _Event) -> bool:
        return self._traces[event.log].failure is None

    def _what_became(self, step: Step, event: _Event, made: list[dict[str, str]], sent: bool) -> list[_Event]:
        if not made and not sent:
            self._happened(step, event, "dropped")
        found: list[_Event] = []
        for number, fields in enumerate(made, start=1):
            found.append(_Event(event.log, event.name if len(made) == 1 else f"{event.name}.{number}", fields))
            changes = _changes(event.fields, fields)
            if changes or len(made) > 1:
                self._happened(step, found[-1], "changed", changes, parts=len(made))
        return found

    def _happened(self, step: Step, event: _Event, kind: str, changes: tuple[Change, ...] = (), **more: Any) -> None:
        self._traces[event.log].happenings.append(Happening(step.label, event.name, kind, changes, **more))

    def finished(self) -> Preview:
        """Where each log ended. What belongs to a failed log is left out."""
        for number, target, fields in [*self._sent, *((event.log, DEFAULT_TARGET.key, event.fields) for event in self._events)]:
            if self._traces[number].failure is None:
                self._traces[number].outputs.append((target, fields))
        return Preview(self._traces, self._steps)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    names = [*before, *(name for name in after if name not in before)]
    return tuple(Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))
