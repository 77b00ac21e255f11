"""The Delta adapter: a Logstore as a Delta table on a folder or an object store."""

from __future__ import annotations

from transforms.connectors.delta.logstore import DeltaLogstore, create, drop
from transforms.core.clock import Clock
from transforms.stores.logstore import LogstoreDescriptor

__all__ = ["DeltaLogstore", "create_delta_logstore", "drop_delta_logstore", "open_delta_logstore"]


def open_delta_logstore(descriptor: LogstoreDescriptor, clock: Clock | None = None) -> DeltaLogstore:
    """Open a Logstore. Raises NotFound when there is none at its location."""
    return DeltaLogstore(descriptor, clock=clock)


def create_delta_logstore(descriptor: LogstoreDescriptor) -> DeltaLogstore:
    """Make a Logstore, unless it is there, and open it."""
    create(descriptor)
    return DeltaLogstore(descriptor)


def drop_delta_logstore(descriptor: LogstoreDescriptor) -> None:
    """Delete a Logstore with all its logs. Raises NotFound when there is none."""
    drop(descriptor)
