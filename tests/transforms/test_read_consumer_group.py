"""ReadConsumerGroup, on the runner of this process (bounded by a receive time)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.launch import options_of, run_pipeline
from transforms.core.errors import ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.read_logstore import ReadLogstore
from transforms.slot_restriction import OVER, Slot, SlotName, Slots, SlotTracker
from transforms.stores.consumer_group import ConsumerGroup
from transforms.stores.control_database import ControlDatabase
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture
def source(home: Home) -> LogstoreDescriptor:
    """Three shards, a group."""
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "events", "", even_shards(3)))
    home.consumer_groups(DEFAULT_PROJECT, "events").create(ConsumerGroup("billing", 5))
    return home.catalogue().logstore(DEFAULT_PROJECT, "events")


def append(home: Home, numbers: range) -> None:
    """One log a commit and number."""
    store = home.open_logstore(DEFAULT_PROJECT, "events")
    store.append([LogGroup.from_logs([{"n": str(n)} for n in numbers], [1_700_000_000 + n for n in numbers])])


def read(home: Home, source: LogstoreDescriptor, folder: Path, **how: Any) -> Counter[str]:
    """What a pipeline with two slots reads, and that each element has the time of its first log."""
    out = folder / f"read-{time.monotonic_ns()}"
    pipeline = beam.Pipeline(options=options_of([]))
    groups = pipeline | ReadLogstore(source, group="billing", database=database(home), slots=2, **how)
    timed: Any = _Timed
    groups | beam.ParDo(timed()) | beam.io.WriteToText(str(out), shard_name_template="")
    run_pipeline(pipeline)
    return Counter(out.read_text().split())


class _Timed(beam.DoFn):
    def process(self, group: LogGroup, timestamp: Any = beam.DoFn.TimestampParam) -> Iterable[str]:
        times = group.receive_times
        assert times is not None
        assert timestamp.micros == times[0].as_py() == min(times.to_pylist())
        yield from (log["n"] for log in group.to_logs())


def database(home: Home) -> ControlDatabase:
    return ControlDatabase(str(home.path / "catalogue.sqlite"))


def now_us() -> int:
    return time.time_ns() // 1_000


def test_all_logs_up_to_a_time_are_read_once_and_the_group_knows(home: Home, source: LogstoreDescriptor, tmp_path: Path) -> None:
    for first in range(0, 40, 10):
        append(home, range(first, first + 10))
    assert read(home, source, tmp_path, stop_at=now_us()) == Counter(str(n) for n in range(40))
    append(home, range(40, 50))
    assert read(home, source, tmp_path, stop_at=now_us()) == Counter(str(n) for n in range(40, 50))
    assert read(home, source, tmp_path, stop_at=now_us()) == Counter()
    groups = home.consumer_groups(DEFAULT_PROJECT, "events")
    assert not groups.state("billing").consumers
    ends = {shard: extent.end for shard, extent in home.open_logstore(DEFAULT_PROJECT, "events").extents().shards.items()}
    saved = {one.shard: one.cursor for one in groups.checkpoints("billing") if one.cursor is not None}
    assert all(saved[shard] == ends[shard] for shard in saved)


def test_a_group_begins_behind_what_there_is_or_at_a_time(home: Home, source: LogstoreDescriptor, tmp_path: Path) -> None:
    append(home, range(10))
    between = now_us()
    append(home, range(10, 20))
    stop = now_us()
    assert read(home, source, tmp_path, start=between, stop_at=stop) == Counter(str(n) for n in range(10, 20))


def test_the_end_leaves_earlier_logs_out(home: Home, source: LogstoreDescriptor, tmp_path: Path) -> None:
    append(home, range(10))
    assert read(home, source, tmp_path, start="end", stop_at=now_us()) == Counter()


def test_a_group_takes_no_interval_and_needs_its_database(home: Home, source: LogstoreDescriptor) -> None:
    with pytest.raises(ParameterInvalid, match="as they come"):
        ReadLogstore(source, group="billing")
    with pytest.raises(ParameterInvalid, match="no place to start"):
        ReadLogstore(source, group="billing", database=database(home), start="middle")  # type: ignore[arg-type]
    with pytest.raises(ParameterInvalid, match="at least 1 slot"):
        ReadLogstore(source, group="billing", database=database(home), slots=0)


def test_a_pipeline_carries_no_password() -> None:
    with pytest.raises(ParameterInvalid) as refused:
        ControlDatabase("mysql://ada:geheim@db/logs")
    assert "geheim" not in str(refused.value)
    assert ControlDatabase("mysql://ada:env:DB_PASSWORD@db/logs").where() == "mysql://ada:env:DB_PASSWORD@db/logs"
    assert ControlDatabase("/srv/catalogue.sqlite").where() == Path("/srv/catalogue.sqlite")


def test_a_reference_is_resolved_where_the_database_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALOGUE_OF_TEST", "mysql://ada:geheim@db/logs")
    kept = ControlDatabase("env:CATALOGUE_OF_TEST")
    assert "geheim" not in repr(kept)
    assert kept.where() == "mysql://ada:geheim@db/logs"


def test_a_slot_that_is_split_goes_on_later_with_what_it_knows() -> None:
    slots = Slots()
    first, second = (slots.initial_restriction(SlotName("slot-0")) for _ in range(2))
    assert first.consumer != second.consumer
    tracker = slots.create_tracker(first)
    assert tracker.try_claim({0: "here"})
    assert tracker.try_split(0.5) is None
    split = tracker.try_split(0)
    assert split is not None
    done, later = split
    assert done.over
    assert later == Slot(first.consumer, first.incarnation, {0: "here"}, turn=1)
    assert not tracker.try_claim({0: "there"})
    tracker.check_done()
    again = SlotTracker(later)
    with pytest.raises(ValueError, match="neither"):
        again.check_done()
    assert again.try_claim(OVER)
    again.check_done()
    assert slots.restriction_coder().decode(slots.restriction_coder().encode(later)) == later
