"""Logstores that stay open: what one knows of its table's log costs more than what is new in it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from transforms.connectors import open_logstore

if TYPE_CHECKING:
    from transforms.stores.logstore import Logstore, LogstoreDescriptor

__all__ = ["kept_logstore"]

_MOST = 64


class _Kept(threading.local):
    """A thread's own: an open Logstore belongs to one thread."""

    def __init__(self) -> None:
        self.stores: OrderedDict[tuple[str, str, str, str], Logstore] = OrderedDict()


_kept = _Kept()


def kept_logstore(descriptor: LogstoreDescriptor) -> Logstore:
    """Open a Logstore, or take the one that this thread opened by the same descriptor before. Raises like `open_logstore`; one that was
    deleted since raises NotFound when something is asked of it."""
    key = (descriptor.kind, descriptor.project, descriptor.name, descriptor.location)
    found = _kept.stores.get(key)
    if found is None or found.descriptor != descriptor:
        found = _kept.stores[key] = open_logstore(descriptor)
        while len(_kept.stores) > _MOST:
            _kept.stores.popitem(last=False)
    _kept.stores.move_to_end(key)
    return found
