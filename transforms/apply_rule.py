"""ApplyRule: a rule of the transformation language over LogGroups.

    outputs = groups | ApplyRule('e_set("kind", "access")', targets=["errors"])
    outputs.default, outputs.targets["errors"], outputs.dead_letters

Each top-level step is a transform of its own, named after it, so that a runner's page shows the rule. Between them travels a RuleBatch;
what steps emit is released by the last one, since a source event counts whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam import coders
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from transforms.core.clock import SystemClock
from transforms.core.error_transport import portable_errors
from transforms.core.errors import ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.core.tally import tell
from transforms.log_group_coder import register_log_group_coder
from transforms.rules.batch import BatchCounts, RuleBatch
from transforms.rules.brake import Brake
from transforms.rules.context import Context
from transforms.rules.dead_letters import dead_letters
from transforms.rules.event import Target
from transforms.rules.report import RuleReport
from transforms.rules.rule import Rule, compile_rule
from transforms.stores.rule_resources import NoResources, ResourcesFactory

__all__ = ["ApplyRule", "RuleOutputs", "RuleSurroundings"]

register_log_group_coder()

_MULTIPLYING = {"e_split", "e_to_metric", "e_if", "e_if_else", "e_switch", "e_compose"}
"""Steps after which a batch may hold more logs than before and is cut again."""


class RuleOutputs(NamedTuple):
    """What a rule gives. Elements are LogGroups, or pairs (key, LogGroup) if the input's are.

    ``targets`` has the named targets; ``routed`` pairs (Target, LogGroup) for outputs that name a project and Logstore, or choose a
    shard; ``dead_letters`` LogGroups as `transforms.rules.dead_letters` says; ``reports`` one RuleReport a batch, so pairs (key, RuleReport)
    if the input's are.
    """

    default: PCollection[Any]
    targets: Mapping[str, PCollection[Any]]
    routed: PCollection[Any]
    dead_letters: PCollection[Any]
    reports: PCollection[Any]


@dataclass(frozen=True)
class RuleSurroundings:
    """What a rule runs in; travels to workers, so it holds references and no secret.

    Attributes:
        source: ``PROJECT/LOGSTORE`` of the logs, for dead letters.
        resources: makes the rule's resources, once in each process.
        job: values of ``C_JOB_NAME`` and its siblings.
        logstores: ``PROJECT/LOGSTORE`` names that outputs may go to; None = any.
        project: of outputs that name a Logstore only.
        drop_unknown: leave outputs to other Logstores out, with a warning, instead of failing their events.
        brake: when to stop because most logs fail.
    """

    source: str = ""
    resources: ResourcesFactory = NoResources
    job: Mapping[str, str | None] = field(default_factory=dict)
    logstores: Collection[str] | None = None
    project: str = ""
    drop_unknown: bool = False
    brake: Brake | None = None


class ApplyRule(beam.PTransform[Any, Any]):
    """Runs a rule over LogGroups.

    Args:
        rule: rule text, or a compiled Rule.
        targets: names that ``e_output`` and ``e_coutput`` may use, besides the default target.
        surroundings: resources, job constants and the like.

    Raises RuleInvalid for text that is no rule and for constant target names that are not among ``targets``.
    """

    def __init__(self, rule: str | Rule, targets: Sequence[str] = (), surroundings: RuleSurroundings | None = None) -> None:
        super().__init__()
        self.rule = compile_rule(rule) if isinstance(rule, str) else rule
        self.targets = tuple(dict.fromkeys(targets))
        if any(not name for name in self.targets):
            raise ParameterInvalid("a target's name is empty", hint="name the targets as the rule does")
        self.rule.check_targets(self.targets)
        self.surroundings = surroundings or RuleSurroundings()

    def expand(self, groups: PCollection[Any]) -> RuleOutputs:
        batches: PCollection[RuleBatch] = groups | "Begin" >> beam.Map(_begin).with_output_types(RuleBatch)
        for step in self.rule.steps:
            apply = _ApplyStep(self.rule, step.number, self.surroundings)
            if step.operation.function.name in _MULTIPLYING:
                batches = batches | f"Step {step.label}" >> beam.FlatMap(_Multiplied(apply)).with_output_types(RuleBatch)
            else:
                batches = batches | f"Step {step.label}" >> beam.Map(apply).with_output_types(RuleBatch)
        tags = {name: _tag(number) for number, name in enumerate(self.targets)}
        # Without types Beam would pickle elements whole to guess their size.
        whole: Any = LogGroup if not _keyed(groups.element_type) else tuple[Any, LogGroup]
        routed: Any = tuple[Target, LogGroup] if not _keyed(groups.element_type) else tuple[Any, tuple[Target, LogGroup]]
        reports: Any = RuleReport if not _keyed(groups.element_type) else tuple[Any, RuleReport]
        types = {"routed": routed, "dead": whole, "reports": reports, **dict.fromkeys(tags.values(), whole)}
        release = beam.ParDo(_Release(self.rule, tags, self.surroundings)).with_output_types(whole, **types)
        outputs = batches | "Release" >> release.with_outputs("routed", "dead", "reports", *tags.values(), main="default")
        return RuleOutputs(
            outputs.default, {name: outputs[tag] for name, tag in tags.items()}, outputs.routed, outputs.dead, outputs.reports
        )


def _keyed(element_type: Any) -> bool:
    """Whether a PCollection's elements are pairs."""
    return getattr(element_type, "__origin__", None) is tuple or hasattr(element_type, "tuple_types")


def _begin(element: Any) -> RuleBatch:
    key, group = element if isinstance(element, tuple) else (None, element)
    return RuleBatch.of(group, key)


def _tag(number: int) -> str:
    # Tags travel through runners that allow few characters in them; targets may be called anything.
    return f"target_{number}"


class _ApplyStep:
    """One step over a batch, and no other."""

    def __init__(self, rule: Rule, number: int, surroundings: RuleSurroundings) -> None:
        self._rule = rule
        self._number = number
        self._surroundings = surroundings

    def __call__(self, batch: RuleBatch) -> RuleBatch:
        with portable_errors():
            batch.with_context(_context(self._surroundings))
            return batch.with_frame(self._rule.steps[self._number - 1].apply(batch.frame))


class _Multiplied:
    """A step that may multiply logs, and the batches cut again."""

    def __init__(self, step: _ApplyStep) -> None:
        self._step = step

    def __call__(self, batch: RuleBatch) -> Iterable[RuleBatch]:
        return self._step(batch).cut()


class _Release(beam.DoFn):
    """The end of a batch: each target its logs, failed events to the dead letters."""

    def __init__(self, rule: Rule, tags: Mapping[str, str], surroundings: RuleSurroundings) -> None:
        self._rule = rule
        self._tags = dict(tags)
        self._surroundings = surroundings
        self._counters = {name: Metrics.counter("logsluice", f"rule_events_{name}") for name in ("read", "delivered", "dropped", "dead")}

    def process(self, batch: RuleBatch) -> Iterable[Any]:
        with portable_errors():
            around = self._surroundings
            context = _context(around)
            batch.with_context(context)
            now_us = SystemClock().now_us()
            unknown = batch.check_targets(self._tags, around.logstores, around.project, drop_unknown=around.drop_unknown)
            outputs = batch.outputs(now_us // 1_000_000)
            letters = dead_letters(batch, self._rule, now_us, around.source, around.job.get("C_JOB_NAME"))
            counts = batch.counts(outputs)
            self._count(counts)
            if around.brake is not None:
                around.brake.check(counts, batch.failed(), self._rule)
            found: list[Any] = [TaggedOutput("reports", _labelled(batch.key, RuleReport.of(batch, counts, self._rule, unknown)))]
            found += [self._routed(batch.key, output.target, output.group) for output in outputs]
            if letters is not None:
                found.append(TaggedOutput("dead", _labelled(batch.key, letters)))
            batch.let_go()
        yield from found

    def _routed(self, key: Any, target: Target, group: LogGroup) -> Any:
        if target == Target():
            return _labelled(key, group)
        tag = self._tags.get(target.name or "")
        if tag is not None and target == Target(target.name):
            return TaggedOutput(tag, _labelled(key, group))
        return TaggedOutput("routed", _labelled(key, (target, group)))

    def _count(self, counts: BatchCounts) -> None:
        tell("rule_events", counts.read)
        for name, counter in self._counters.items():
            counter.inc(getattr(counts, name))


def _labelled(key: Any, value: Any) -> Any:
    return value if key is None else (key, value)


_contexts: dict[ResourcesFactory, Context] = {}


def _context(surroundings: RuleSurroundings) -> Context:
    """This process's context: resources are loaded once and shared by all bundles."""
    found = _contexts.get(surroundings.resources)
    if found is None:
        found = _contexts.setdefault(surroundings.resources, Context(surroundings.resources(), SystemClock()))
    found.job = surroundings.job
    return found


class _RuleBatchCoder(coders.Coder):
    """RuleBatch by pickle, whose parts are Arrow streams; its size costs nothing to tell."""

    def encode(self, batch: RuleBatch) -> bytes:
        import pickle

        return pickle.dumps(batch, protocol=5)

    def decode(self, encoded: bytes) -> RuleBatch:
        import pickle

        batch: RuleBatch = pickle.loads(encoded)  # noqa: S301 - what this job's own worker encoded
        return batch

    def estimate_size(self, batch: RuleBatch) -> int:
        return batch.nbytes

    def is_deterministic(self) -> bool:
        return False

    def to_type_hint(self) -> type[RuleBatch]:
        return RuleBatch


coders.registry.register_coder(RuleBatch, _RuleBatchCoder)
