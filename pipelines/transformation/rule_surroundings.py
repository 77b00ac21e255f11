"""What a job gives its rule: resources that workers can open by themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from transforms.connectors.rule_resources import ConnectedResources, ResourceSettings
from transforms.rules.context import Context

if TYPE_CHECKING:
    from pipelines.cli.app import App
    from pipelines.jobs.job_plan import JobPlan
    from pipelines.transformation.transform_plan import TransformPlan

__all__ = ["PREVIEW_PATIENCE", "preview_context", "resources_of"]

PREVIEW_PATIENCE = 10.0
"""Seconds that a person waits for a database which does not answer."""


def resources_of(plan: TransformPlan | JobPlan) -> ResourceSettings:
    """The resources of a job: its parameters, its files, every Logstore of the home. It waits until a database answers."""
    job = plan.definition
    return ResourceSettings(
        parameters=tuple(sorted(job.parameters.items())),
        files=job.resources.files,
        ip_databases=tuple(sorted(job.resources.ip_databases.items())),
        threat_intelligence=job.resources.threat_intelligence,
        logstores=tuple(sorted(plan.stores.items())),
        default_project=plan.project,
        patience=math.inf,
    )


def preview_context(app: App, source: str, parameters: tuple[tuple[str, str], ...], tables: tuple[tuple[str, str], ...]) -> Context:
    """The surroundings of a preview: parameters and pasted tables; databases, Logstores and object stores as a job would have them.

    The home is opened when the rule asks for a Logstore. Nobody waits long for a database that does not answer.
    """
    del source
    settings = ResourceSettings(parameters=parameters, pasted=tables, default_project=app.project, patience=PREVIEW_PATIENCE)
    return Context(ConnectedResources(settings, lambda project, name: app.home.catalogue().logstore(project, name)))
