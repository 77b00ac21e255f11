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
    """What a step did to one event of a log: ``changed``, ``dropped``, ``failed``, or ``sent`` to a target.

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
                            **({"target": one.target} if one.kind == "sent" else {}),
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
    state = State(context or Context())
    frame = Frame.from_logs(logs, state)
    watcher = _Watcher(rule, [LogTrace(number, dict(log)) for number, log in enumerate(logs, start=1)], state)
    names = [str(1)] * len(logs)
    for step in rule.steps:
        frame, names = watcher.step(step, frame, names)
    return watcher.finished(frame)


class _Watcher:
    def __init__(self, rule: Rule, traces: list[LogTrace], state: State) -> None:
        self._rule = rule
        self._traces = traces
        self._state = state
        self._steps: list[StepTrace] = []

    def step(self, step: Step, frame: Frame, names: list[str]) -> tuple[Frame, list[str]]:
        """One step; ``names`` are what the frame's events are called, and the answer's."""
        before, origins = frame.to_logs(), frame.origin.to_list()
        state = self._state
        failed, sent, warned = set(state.failures), len(state.emitted), dict(state.warnings.counts)
        started = time.perf_counter()
        after = step.apply(frame.begun())
        seconds = time.perf_counter() - started
        self._note_step(step, seconds, frame.rows, after.rows, warned)
        parents = list(range(after.rows)) if after.lineage is None else after.lineage.to_list()
        for number in sorted(set(state.failures) - failed):
            reason = state.failures[number].reason
            self._traces[number].failure = reason
            self._happened(number, Happening(step.label, "1", "failed", reason=reason))
        gone = set(range(len(before))) - set(parents)
        for emission in state.emitted[sent:]:
            for origin in emission.frame.origin.to_list():
                self._happened(origin, Happening(step.label, "1", "sent", target=emission.target.key))
                gone -= {row for row in gone if origins[row] == origin}
        for row in sorted(gone):
            if origins[row] not in state.failures:
                self._happened(origins[row], Happening(step.label, names[row], "dropped"))
        return after, self._compared(step, before, origins, names, after, parents)

    def _compared(
        self, step: Step, before: list[dict[str, str]], origins: list[int], names: list[str], after: Frame, parents: list[int]
    ) -> list[str]:
        parts = {parent: parents.count(parent) for parent in set(parents)}
        seen: dict[int, int] = {}
        found: list[str] = []
        for parent, log in zip(parents, after.to_logs(), strict=True):
            seen[parent] = seen.get(parent, 0) + 1
            name = names[parent] if parts[parent] == 1 else f"{names[parent]}.{seen[parent]}"
            found.append(name)
            changes = _changes(before[parent], log)
            if changes or parts[parent] > 1:
                self._happened(origins[parent], Happening(step.label, name, "changed", changes, parts=parts[parent]))
        return found

    def _note_step(self, step: Step, seconds: float, events_in: int, events_out: int, warned: dict[tuple[int, int, str], int]) -> None:
        warnings: dict[str, int] = {}
        for key, times in self._state.warnings.counts.items():
            if times > warned.get(key, 0):
                warnings[key[2]] = warnings.get(key[2], 0) + times - warned.get(key, 0)
        position = f"{step.location.line}:{step.location.column}"
        self._steps.append(StepTrace(step.label, position, seconds, events_in, events_out, warnings))

    def _happened(self, origin: int, happening: Happening) -> None:
        self._traces[origin].happenings.append(happening)

    def finished(self, frame: Frame) -> Preview:
        """Where each log ended. What belongs to a failed log is left out."""
        for emission in self._state.emitted:
            self._ended(emission.target.key, emission.frame)
        self._ended(DEFAULT_TARGET.key, frame)
        return Preview(self._traces, self._steps)

    def _ended(self, target: str, frame: Frame) -> None:
        whole = frame.without_failed(0)
        for origin, log in zip(whole.origin.to_list(), whole.to_logs(), strict=True):
            self._traces[origin].outputs.append((target, log))


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    names = [*before, *(name for name in after if name not in before)]
    return tuple(Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))
