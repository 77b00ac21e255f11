"""Adapters, opened by kind. Nobody imports an adapter by name: this is the one place that knows which module keeps which kind.

An adapter is imported when the first store of its kind is opened, so that a command pays only for what it uses.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.suggest import suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from transforms.core.clock import Clock
    from transforms.jobs.ledger import JobLedger
    from transforms.schedule.ledger import ScheduleLedger
    from transforms.stores.catalogue import Catalogue
    from transforms.stores.consumer_group import ConsumerGroups, ShardExtents
    from transforms.stores.external_store import ExternalStore, ExternalStoreDescriptor
    from transforms.stores.logstore import Logstore, LogstoreDescriptor

__all__ = [
    "EXTERNAL_STORE_KINDS",
    "LOGSTORE_KINDS",
    "create_logstore",
    "drop_logstore",
    "open_catalogue",
    "open_consumer_groups",
    "open_external_store",
    "open_job_ledger",
    "open_logstore",
    "open_schedule_ledger",
]

LOGSTORE_KINDS = ("delta", "memory")
_EXTERNAL_STORES = {
    "rds-vpc": "transforms.connectors.sql_database:open_sql_database",
    "postgresql": "transforms.connectors.sql_database:open_sql_database",
    "sqlite": "transforms.connectors.sql_database:open_sql_database",
    "csv": "transforms.connectors.csv_table:open_csv_table",
    "oss": "transforms.connectors.csv_table:open_csv_table",
}
EXTERNAL_STORE_KINDS = tuple(_EXTERNAL_STORES)


def open_logstore(descriptor: LogstoreDescriptor, clock: Clock | None = None) -> Logstore:
    """Open a Logstore that exists; ``clock`` tells the moments of what is written, the system's if it is not given.

    Raises ParameterInvalid for an unknown kind, StoreError when the store does not answer.
    """
    store: Logstore = _logstore_function("open", descriptor)(descriptor, clock)
    return store


def create_logstore(descriptor: LogstoreDescriptor) -> Logstore:
    """Make the storage of a new Logstore and open it. The catalogue is not told."""
    _logstore_function("create", descriptor)(descriptor)
    return open_logstore(descriptor)


def drop_logstore(descriptor: LogstoreDescriptor) -> None:
    """Remove a Logstore's storage with all its logs; one that is gone already is fine. The catalogue is not told."""
    with suppress(NotFound):
        _logstore_function("drop", descriptor)(descriptor)


def open_external_store(descriptor: ExternalStoreDescriptor) -> ExternalStore:
    """Make an ExternalStore ready; its database is contacted when something is asked of it."""
    if descriptor.kind not in _EXTERNAL_STORES:
        raise _unknown_kind("ExternalStore", descriptor.name, descriptor.kind, EXTERNAL_STORE_KINDS)
    store: ExternalStore = _function(_EXTERNAL_STORES[descriptor.kind])(descriptor)
    return store


def open_catalogue(where: str | Path) -> Catalogue:
    """Open a catalogue by URL (``mysql://…``, ``sqlite:///…``) or by the path of its SQLite file; its tables are made or migrated."""
    catalogue: Catalogue = _function("transforms.connectors.sql_catalogue:open_sql_catalogue")(where)
    return catalogue


def open_schedule_ledger(where: str | Path) -> ScheduleLedger:
    """Open the ledger of scheduled SQL that a catalogue's database holds; ``where`` as in `open_catalogue`."""
    ledger: ScheduleLedger = _function("transforms.connectors.sql_schedule_ledger:open_sql_schedule_ledger")(where)
    return ledger


def open_job_ledger(where: str | Path, extents_of: Callable[[str, str], Callable[[], ShardExtents]]) -> JobLedger:
    """Open the ledger of continuous jobs that a catalogue's database holds; ``where`` as in `open_catalogue`.

    ``extents_of``: project and Logstore → what tells its shards as they are now; asked when slices of a job are.
    """
    ledger: JobLedger = _function("transforms.connectors.sql_job_ledger:open_sql_job_ledger")(where, extents_of)
    return ledger


def open_consumer_groups(where: str | Path, project: str, logstore: str, extents: Callable[[], ShardExtents]) -> ConsumerGroups:
    """Open the consumer groups of a Logstore that a catalogue's database holds; ``extents`` tells its shards, ``where`` as in `open_catalogue`."""
    opened = _function("transforms.connectors.sql_consumer_groups:open_sql_consumer_groups")(where, project, logstore, extents)
    groups: ConsumerGroups = opened
    return groups


def _logstore_function(verb: str, descriptor: LogstoreDescriptor) -> Callable[..., Any]:
    if descriptor.kind not in LOGSTORE_KINDS:
        raise _unknown_kind("Logstore", descriptor.name, descriptor.kind, LOGSTORE_KINDS)
    return _function(f"transforms.connectors.{descriptor.kind}:{verb}_{descriptor.kind}_logstore")


def _function(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def _unknown_kind(what: str, name: str, kind: str, known: tuple[str, ...]) -> ParameterInvalid:
    return ParameterInvalid(f"{what} {name!r} has the unknown kind {kind!r}", hint=suggestion(kind, known, "kind"))
