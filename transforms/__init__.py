"""The library: PTransforms over Logstores and ExternalStores, and the rooms they stand on.

The public names, imported when they are first used, so that importing the package imports no Beam.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transforms.core.log_group import LogGroup
    from transforms.query_logs import QueryLogs
    from transforms.read_consumer_group import ReadConsumerGroup
    from transforms.read_external_store import ReadExternalStore
    from transforms.read_logstore import ReadLogstore
    from transforms.write_external_store import WriteExternalStore
    from transforms.write_logstore import WriteLogstore
    from transforms.write_logstores import WriteLogstores

__all__ = [
    "LogGroup",
    "QueryLogs",
    "ReadConsumerGroup",
    "ReadExternalStore",
    "ReadLogstore",
    "WriteExternalStore",
    "WriteLogstore",
    "WriteLogstores",
]

_MODULES = {
    "LogGroup": "core.log_group",
    "QueryLogs": "query_logs",
    "ReadConsumerGroup": "read_consumer_group",
    "ReadExternalStore": "read_external_store",
    "ReadLogstore": "read_logstore",
    "WriteExternalStore": "write_external_store",
    "WriteLogstore": "write_logstore",
    "WriteLogstores": "write_logstores",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"transforms.{_MODULES[name]}"), name)
