"""A job file before it becomes a job: all that is wrong with it is said now, and nothing is made. Imports no Beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.home import Home
from pipelines.transformation.plan_stores import every_store, missing_stores
from pipelines.transformation.transform_job import JobTarget, TransformJob
from transforms.core.moments import format_moment, parse_zone
from transforms.jobs.ledger import NewJob
from transforms.rules.rule import Rule, compile_rule

__all__ = ["CheckedJob", "check_job"]


@dataclass(frozen=True)
class CheckedJob:
    """A job that can be started: what its file says, its compiled rule, the Logstores that its start will make."""

    job: TransformJob
    rule: Rule
    missing: tuple[JobTarget, ...]

    def described(self, new: NewJob) -> dict[str, Any]:
        """As plain values, with the range that the ledger would be given."""
        job, instances = self.job, self.job.instances
        return {
            "job": job.name,
            "source": job.source.key,
            "from": _moment(new.start_us),
            "to": _moment(new.end_us),
            "steps": [{"step": step.label, "position": f"{step.location.line}:{step.location.column}"} for step in self.rule.steps],
            "targets": {name: target.key for name, target in job.targets.items()},
            "dead_letters": job.dead_letters.key,
            "internal_log": job.internal_log.key,
            "logstores_to_make": [target.key for target in self.missing],
            "instances": {"least": instances.least, "most": instances.most},
            "runner": dict(job.runner),
            "external": new.external,
        }


def check_job(home: Home, job: TransformJob) -> CheckedJob:
    """Raises RuleInvalid with everything that is wrong with the rule, NotFound for the source and for all targets that are missing."""
    rule = compile_rule(job.rule_text, job.rule_source)
    rule.check_targets(tuple(job.targets))
    home.catalogue().logstore(job.source.project, job.source.logstore)
    return CheckedJob(job, rule, missing_stores(job, every_store(home.catalogue())))


def _moment(us: int | None) -> str | None:
    return None if us is None else format_moment(us // 1_000_000, parse_zone("UTC"))
