"""What a bounded job and one that never ends have in common of their pipelines: what a rule runs in, where its outputs go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.jobs.job_plan import JobPlan
from pipelines.transformation.rule_surroundings import resources_of
from pipelines.transformation.transform_plan import DEAD_LETTERS, TransformPlan
from transforms.apply_rule import RuleOutputs, RuleSurroundings
from transforms.core.log_group import LogGroup
from transforms.rules.brake import Brake
from transforms.rules.event import Target
from transforms.write_logstores import Destination

__all__ = ["brake_of", "directed_outputs", "surroundings_of"]

Plan = TransformPlan | JobPlan


def brake_of(plan: Plan, run: str) -> Brake | None:
    """The job's brake; ``run`` tells those runs apart that it counts for."""
    name = f"{plan.project}/{plan.definition.name}/{run}"
    return Brake(plan.definition.brake_share, plan.definition.brake_least, name) if plan.definition.brake_share < 1 else None


def surroundings_of(plan: Plan, brake: Brake | None) -> RuleSurroundings:
    """What the job's rule runs in."""
    job = {
        "C_JOB_NAME": plan.definition.name,
        "C_JOB_PROJECT": plan.project,
        "C_JOB_ID": f"{plan.project}/{plan.definition.name}",
        "C_JOB_REGION": plan.definition.parameters.get("region"),
    }
    source = f"{plan.source.project}/{plan.source.name}"
    return RuleSurroundings(
        source=source,
        resources=resources_of(plan),
        job=job,
        logstores=frozenset(plan.stores) - {source, plan.targets[DEAD_LETTERS]},
        project=plan.source.project,
        drop_unknown=plan.definition.drop_unknown_targets,
        brake=brake,
    )


def directed_outputs(outputs: RuleOutputs, plan: Plan) -> tuple[PCollection[Any], ...]:
    """All that a rule gave as pairs (Destination, LogGroup). The keys of the logs are their origins."""
    default = plan.definition.default_target.key
    directed = [
        _directed(outputs.default, "default target", default),
        _directed(outputs.dead_letters, "dead letters", plan.targets[DEAD_LETTERS]),
    ]
    directed += [_directed(groups, f"target '{name}'", plan.targets[name]) for name, groups in outputs.targets.items()]
    routed = beam.FlatMap(_routed, dict(plan.targets), default, plan.source.project).with_output_types(tuple[Destination, LogGroup])
    return (*directed, outputs.routed | "Route" >> routed)


def _directed(groups: PCollection[Any], name: str, key: str) -> PCollection[Any]:
    directed: PCollection[Any] = groups | f"To the {name}" >> beam.Map(_to, key).with_output_types(tuple[Destination, LogGroup])
    return directed


def _to(element: tuple[str, LogGroup], key: str) -> tuple[Destination, LogGroup]:
    return Destination(key, origin=element[0]), element[1]


def _routed(
    element: tuple[str, tuple[Target, LogGroup]],
    targets: Mapping[str, str],
    default: str,
    project: str,
) -> Iterable[tuple[Destination, LogGroup]]:
    """Logs that go to a Logstore of their own, or to a shard that a hash key chooses."""
    origin, (target, group) = element
    if target.project is not None or target.logstore is not None:
        key = f"{target.project or project}/{target.logstore or ''}"
    else:
        key = targets[target.name] if target.name is not None else default
    place = target.hash_key if target.hash_field is None else None
    yield Destination(key, origin=origin, place=place, hash_field=target.hash_field), group
