"""What a rule finds around it while it runs: the job's constants and parameters, the time, resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.core.clock import Clock, SystemClock
from transforms.stores.rule_resources import NoResources, RuleResources

__all__ = ["Context"]


@dataclass
class Context:
    """Handed to functions that have a parameter ``context: Context``.

    Attributes:
        resources: tables, files and parameters (`transforms.stores.rule_resources`).
        clock: what time it is.
        job: the values of ``C_JOB_NAME`` and its siblings.
    """

    resources: RuleResources = field(default_factory=NoResources)
    clock: Clock = field(default_factory=SystemClock)
    job: Mapping[str, str | None] = field(default_factory=dict)

    def constant(self, name: str) -> Any:
        """The value of a job constant, None outside of a job."""
        return self.job.get(name)
