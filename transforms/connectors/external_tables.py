"""An ExternalStore's rows as one Arrow table, for engines that join it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transforms.connectors import open_external_store
from transforms.stores.external_store import Condition, ExternalStoreDescriptor

__all__ = ["load_external_table"]


def load_external_table(descriptor: ExternalStoreDescriptor, columns: Sequence[str], conditions: Sequence[Condition] = ()) -> Any:
    """The rows that meet the conditions, just these columns. The password's reference is resolved here, where it is used.

    Raises StoreUnavailable or StoreRejected, naming the store.
    """
    import pyarrow as pa

    store = open_external_store(descriptor)
    try:
        types = {column.name: column.arrow_type for column in store.columns()}
        schema = pa.schema([(name, types[name]) for name in columns])
        return pa.Table.from_batches([batch for batch in store.read(columns, conditions) if batch.num_rows], schema)
    finally:
        store.close()
