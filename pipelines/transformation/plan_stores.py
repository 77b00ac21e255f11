"""The Logstores that the logs of a job may go to: which there are, which are missing, which are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from pipelines.home import Home
from pipelines.transformation.transform_job import JobTarget, TransformJob
from transforms.core.errors import AlreadyExists, NotFound
from transforms.stores.catalogue import Catalogue
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["every_store", "make_missing", "missing_stores"]


def every_store(catalogue: Catalogue) -> dict[str, LogstoreDescriptor]:
    """Every Logstore of every project by ``PROJECT/LOGSTORE``."""
    return {f"{found.project}/{found.name}": found for found in catalogue.every_logstore()}


def missing_stores(job: TransformJob, stores: Mapping[str, LogstoreDescriptor]) -> tuple[JobTarget, ...]:
    """Those of the job that are to be made. Raises NotFound, with all of them, for those that are missing and shall not be made."""
    wanted: dict[str, JobTarget] = {}
    for target in (*job.targets.values(), job.dead_letters, job.internal_log):
        wanted.setdefault(target.key, target)
    missing = [target for key, target in wanted.items() if key not in stores]
    refused = [target for target in missing if not target.create]
    if refused:
        raise NotFound(
            f"there is no Logstore {', '.join(target.key for target in refused)}",
            hint=f"logsluice logstore create {refused[0].logstore}, or `create: true` beside it in the job file",
            code="LogStoreNotExist",
        )
    return tuple(missing)


def make_missing(home: Home, missing: Sequence[JobTarget]) -> dict[str, LogstoreDescriptor]:
    """Make Logstores, of one shard each; gives them by ``PROJECT/LOGSTORE``."""
    made = {}
    for target in missing:
        with suppress(AlreadyExists):  # another launcher was first
            home.create_logstore(LogstoreDescriptor(target.project, target.logstore, "", even_shards(1)))
        made[target.key] = home.catalogue().logstore(target.project, target.logstore)
    return made
