"""What a job gives its rule: resources that workers can open by themselves."""

from __future__ import annotations

from pipelines.transform_plan import TransformPlan
from transforms.connectors.rule_resources import ResourceSettings

__all__ = ["resources_of"]


def resources_of(plan: TransformPlan) -> ResourceSettings:
    """The resources of a job: its parameters, its files, every Logstore of the home."""
    job = plan.job
    return ResourceSettings(
        parameters=tuple(sorted(job.parameters.items())),
        files=job.resources.files,
        ip_databases=tuple(sorted(job.resources.ip_databases.items())),
        threat_intelligence=job.resources.threat_intelligence,
        logstores=tuple(sorted(plan.stores.items())),
        default_project=plan.project,
    )
