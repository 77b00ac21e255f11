"""Each Logstore adapter in turn. A suite over another kind of storage gives its own ``adapter`` and ``describe``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.logstore_rows import ADAPTERS, Open
from transforms.core.clock import Clock
from transforms.core.errors import NotFound
from transforms.stores.logstore import Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture(params=sorted(ADAPTERS))
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def describe(adapter: str, tmp_path: Path) -> Callable[..., LogstoreDescriptor]:
    def make(shards: int = 1, **changes: Any) -> LogstoreDescriptor:
        location = str(tmp_path / "100% mine" / "web logs")
        return replace(LogstoreDescriptor("demo", "web", location, even_shards(shards), kind=adapter), **changes)

    return make


@pytest.fixture
def open_store(adapter: str, describe: Callable[..., LogstoreDescriptor]) -> Iterator[Open]:
    adapter_class, create, drop = ADAPTERS[adapter]

    def make(*, clock: Clock | None = None, field_columns: int = 1_000, **changes: Any) -> Logstore:
        descriptor = describe(**changes)
        create(descriptor)
        store: Logstore = adapter_class(descriptor, clock=clock, field_columns=field_columns)
        return store

    yield make
    try:
        drop(describe())
    except NotFound:
        pass  # the test made none, or dropped it
