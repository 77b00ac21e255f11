"""What the instances of a continuous job need: its compiled rule, its source, the Logstores that its logs may go to."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.home import Home
from pipelines.jobs.definition import job_of
from pipelines.transformation.plan_stores import every_store, make_missing, missing_stores
from pipelines.transformation.transform_job import TransformJob
from pipelines.transformation.transform_plan import DEAD_LETTERS
from transforms.jobs.job import Job
from transforms.rules.rule import Rule, compile_rule
from transforms.stores.logstore import LogstoreDescriptor

__all__ = ["JobPlan", "ReachableStores", "plan_job"]

LOOK_SECONDS = 3.0


@dataclass(frozen=True)
class JobPlan:
    """A continuous job, ready to run.

    Attributes:
        job: as the ledger has it.
        definition: what its running version says.
        rule: the compiled rule.
        source: the Logstore that is read.
        stores: ``PROJECT/LOGSTORE`` → descriptor of every Logstore that logs may go to.
        targets: logical name → ``PROJECT/LOGSTORE``; `DEAD_LETTERS` among them.
    """

    job: Job
    definition: TransformJob
    rule: Rule
    source: LogstoreDescriptor
    stores: Mapping[str, LogstoreDescriptor]
    targets: Mapping[str, str]

    @property
    def project(self) -> str:
        """Whose ledger keeps the job."""
        return self.job.project

    @property
    def named(self) -> tuple[str, ...]:
        """``PROJECT/LOGSTORE`` of the targets that the definition names, and of the dead letters, each once."""
        return tuple(dict.fromkeys(self.targets.values()))


def plan_job(home: Home, job: Job, definition_text: str) -> JobPlan:
    """Compile the rule, check the targets, make the Logstores that the definition lets be made.

    Raises RuleInvalid with everything that is wrong with the rule, NotFound with all Logstores that are missing.
    """
    definition = job_of(definition_text)
    rule = compile_rule(definition.rule_text, definition.rule_source)
    rule.check_targets(tuple(definition.targets))
    source = home.catalogue().logstore(*job.source)
    stores = every_store(home.catalogue())
    made = make_missing(home, missing_stores(definition, stores))
    targets = {name: target.key for name, target in definition.targets.items()}
    return JobPlan(job, definition, rule, source, {**stores, **made}, {**targets, DEAD_LETTERS: definition.dead_letters.key})


class ReachableStores:
    """A plan kept up with the catalogue: Logstores that are made while the job runs can be written to, deleted ones cannot.

    Args:
        home: whose catalogue is asked, one short question every few seconds.
        plan: as it was when the job started.
        monotonic: tells seconds.
    """

    def __init__(self, home: Home, plan: JobPlan, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._plan = plan
        self._monotonic = monotonic
        self._looked = monotonic()

    def plan(self, *, fresh: bool = False) -> JobPlan:
        """The plan; the same object as long as nothing changed. ``fresh``: ask now."""
        now = self._monotonic()
        if fresh or not 0 <= now - self._looked < LOOK_SECONDS:
            stores = every_store(self._home.catalogue())
            self._looked = now
            if stores != self._plan.stores:
                self._plan = dataclasses.replace(self._plan, stores=stores)
        return self._plan
