"""Logs of Logstores as tables for rules: oldest first, between two receive times, or followed as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from transforms.connectors import create_logstore, drop_logstore
from transforms.connectors.delta.logstore import DeltaLogstore
from transforms.connectors.rule_resources import ConnectedResources, ResourceSettings
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.rules.context import Context
from transforms.rules.functions.resources.res_log_logstore_pull import res_log_logstore_pull
from transforms.stores.logstore import Logstore, LogstoreDescriptor
from transforms.stores.rule_resources import LogstoreRequest, TableData
from transforms.stores.shard import even_shards

START = 1_790_000_000


@dataclass
class StoppedClock:
    """Time that goes on when it is told to."""

    seconds: int = START

    def now_us(self) -> int:
        return self.seconds * 1_000_000

    def sleep(self, seconds: float) -> None:
        self.seconds += int(seconds)


@pytest.fixture
def descriptor(tmp_path: Path) -> LogstoreDescriptor:
    return LogstoreDescriptor("hotel", "Guests", str(tmp_path / "guests"), even_shards(2))


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def store(descriptor: LogstoreDescriptor, clock: StoppedClock) -> DeltaLogstore:
    create_logstore(descriptor)
    return DeltaLogstore(descriptor, clock=clock)


@pytest.fixture
def resources(descriptor: LogstoreDescriptor) -> Iterator[ConnectedResources]:
    made = ResourceSettings(logstores=(("hotel/Guests", descriptor),), default_project="hotel", patience=1)()
    yield made
    made.close()


def add(store: Logstore, clock: StoppedClock, logs: Sequence[dict[str, str]], seconds: int = START, **more: Any) -> None:
    """Event times run against receive times, so that only the latter can make the order."""
    clock.seconds += 10
    store.append([LogGroup.from_logs(logs, [seconds - clock.seconds + START] * len(logs))], **more)


def asked(*fields: str, **more: Any) -> LogstoreRequest:
    return LogstoreRequest("", "Guests", tuple((name, name) for name in fields), **more)


def rows(data: TableData) -> list[tuple[str | None, ...]]:
    return [tuple(row.values()) for row in data.table.to_pylist()]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_oldest_first_with_absent_fields_and_other_names(store: DeltaLogstore, clock: StoppedClock, resources: ConnectedResources) -> None:
    for number in range(6):
        add(store, clock, [{"Guest Name": f"g{number}", **({"room": ""} if number % 2 else {})}], hash_key=str(number))
    fields = (("Guest Name", "who"), ("room", "room"), ("none", "none"), ("__time__", "when"))
    request = LogstoreRequest("hotel", "Guests", fields)
    data = resources.logstore_table(request)
    assert rows(data) == [(f"g{n}", "" if n % 2 else None, None, str(START - 10 * (n + 1))) for n in range(6)]
    assert resources.logstore_table(request) is data
    store.compact(min_files=2)
    again = ResourceSettings(logstores=(("hotel/Guests", store.descriptor),), default_project="hotel")()
    assert rows(again.logstore_table(request)) == rows(data), "compaction keeps the order of receiving"


def test_between_two_receive_times_both_included(store: DeltaLogstore, clock: StoppedClock, resources: ConnectedResources) -> None:
    for number in range(5):
        add(store, clock, [{"n": str(number)}])
    assert rows(resources.logstore_table(asked("n", from_time=START + 20, to_time=START + 40))) == [("1",), ("2",), ("3",)]
    assert rows(resources.logstore_table(asked("n", from_time=START + 60))) == []
    assert rows(resources.logstore_table(asked("n", from_time=START + 50, to_time=START + 10**6))) == [("4",)]


def test_an_empty_logstore_has_the_columns(store: DeltaLogstore, resources: ConnectedResources) -> None:
    assert store.version() >= 0
    data = resources.logstore_table(asked("a", "b"))
    assert data.table.column_names == ["a", "b"] and data.table.num_rows == 0


def test_followed_logs_come_after_the_others(store: DeltaLogstore, clock: StoppedClock, resources: ConnectedResources) -> None:
    add(store, clock, [{"n": "0"}, {"n": "1"}])
    request = asked("n", follow=True, fetch_interval=0.1)
    first = resources.logstore_table(request)
    assert rows(first) == [("0",), ("1",)]
    time.sleep(0.3)
    assert resources.logstore_table(request) is first
    for number in range(2, 7):
        add(store, clock, [{"n": str(number)}])
    store.compact(min_files=2)
    until(lambda: resources.logstore_table(request).table.num_rows == 7)
    second = resources.logstore_table(request)
    assert rows(second) == [(str(n),) for n in range(7)] and second.version >= 1
    assert first.table.num_rows == 2, "who holds the older one keeps it whole"
    time.sleep(0.3)
    assert resources.logstore_table(request) is second, "a compaction brings nothing new"


def test_replaced_logs_leave_a_followed_table(store: DeltaLogstore, clock: StoppedClock, resources: ConnectedResources) -> None:
    add(store, clock, [{"n": "old"}], origin="job-1")
    add(store, clock, [{"n": "other"}])
    request = asked("n", follow=True, fetch_interval=0.1)
    assert rows(resources.logstore_table(request)) == [("old",), ("other",)]
    add(store, clock, [{"n": "new"}], origin="job-1", replaces="job-1")
    until(lambda: rows(resources.logstore_table(request)) == [("other",), ("new",)])


def test_a_followed_logstore_that_goes_away_leaves_what_there_is(
    store: DeltaLogstore, clock: StoppedClock, resources: ConnectedResources, caplog: pytest.LogCaptureFixture
) -> None:
    add(store, clock, [{"n": "0"}])
    request = asked("n", follow=True, fetch_interval=0.1, base_retry_back_off=0.1, max_retry_back_off=0.1)
    first = resources.logstore_table(request)
    drop_logstore(store.descriptor)
    until(lambda: "cannot be refreshed" in caplog.text)
    assert resources.logstore_table(request) is first


def test_an_unknown_logstore_is_named_with_the_nearest(resources: ConnectedResources, store: DeltaLogstore) -> None:
    with pytest.raises(NotFound, match="hotel/Gests") as found:
        resources.logstore_table(LogstoreRequest("hotel", "Gests", (("n", "n"),)))
    assert found.value.hint is not None and "hotel/Guests" in found.value.hint
    assert store.version() >= 0


def test_a_maintained_table_of_a_rule(store: DeltaLogstore, clock: StoppedClock, resources: ConnectedResources) -> None:
    add(store, clock, [{"guest": "ann", "room": "1", "status": "in"}, {"guest": "bob", "room": "2", "status": "in"}])
    add(store, clock, [{"guest": "ann", "room": "9", "status": "in"}])
    context = Context(resources)
    from transforms.rules.query import Query

    def table() -> dict[str | None, str | None]:
        made = res_log_logstore_pull(
            context, "", "id", "key", "hotel", "Guests", (("guest", "guest"), ("room", "room")),
            to_time=None, primary_keys=("guest",), delete_data=Query.of("status: out"), fetch_interval=1,
        )  # fmt: skip
        return {made.cell(row, "guest"): made.cell(row, "room") for row in range(made.rows)}

    assert table() == {"ann": "9", "bob": "2"}
    add(store, clock, [{"guest": "bob", "room": "2", "status": "out"}, {"guest": "cid", "room": "3", "status": "in"}])
    until(lambda: table() == {"ann": "9", "cid": "3"})
