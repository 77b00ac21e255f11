"""The state machines of groups and lanes, example by example: what the promises under random walks would rarely meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from transforms.consumers.group_machine import GroupMachine
from transforms.consumers.progress import group_lag_us, has_read, shard_lag_us
from transforms.consumers.slice_lane import SliceLane
from transforms.core.errors import CommitConflict, LogsluiceError, NotFound, ParameterInvalid, UserError
from transforms.stores.consumer_group import ConsumerGroup, GroupState, ShardExtent, ShardExtents
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.slice import LaneState, SliceCounts


class Group:
    """A group whose time stands at 0 unless told otherwise."""

    def __init__(self, shards: int, *, order: bool = False) -> None:
        self.logs = LogsInShards.of(shards)
        self.state = GroupState(ConsumerGroup("group", 60, order))

    def at(self, second: float = 0) -> GroupMachine:
        return GroupMachine(self.state, self.logs.extents(), round(second * 1_000_000))

    def beat(self, consumer: str, *shards: int, second: float = 0) -> list[int]:
        return [one.shard for one in self.at(second).heartbeat(consumer, shards)]

    def seats(self) -> dict[int, str]:
        return {
            seat.shard: f"{seat.state} {seat.owner}{'>' if seat.heir else ''}{seat.heir}".strip() for seat in self.at().state.seats.values()
        }


def test_a_promise_to_someone_lapses_when_its_owner_needs_the_shard_itself() -> None:
    group = Group(6)
    group.beat("A")
    group.beat("B")
    assert group.seats() == {
        0: "already_alloc A",
        1: "already_alloc A",
        2: "already_alloc A",
        3: "transfer A>B",
        4: "transfer A>B",
        5: "transfer A>B",
    }
    group.logs.merge(0)
    group.logs.merge(6)
    assert group.seats() == {
        0: "over", 1: "over", 2: "over", 3: "transfer A>B", 4: "transfer A>B", 5: "already_alloc A", 6: "over", 7: "already_alloc A",
    }  # fmt: skip
    assert group.state.seats[5].epoch == 1, "it is the owner it was"


def test_an_owner_that_finishes_a_shard_it_shall_give_away_ends_the_move() -> None:
    group = Group(2, order=True)
    group.beat("A")
    group.beat("B")
    group.logs.append(0, 3, shard=1)
    group.logs.split(1)
    assert group.seats() == {0: "already_alloc A", 1: "transfer A>B", 2: "wait", 3: "wait"}
    group.at().save(1, cursor_at(3), consumer="A")
    assert group.seats() == {0: "already_alloc A", 1: "over", 2: "already_alloc B", 3: "already_alloc A"}


def test_every_owner_has_an_epoch_of_its_own() -> None:
    group = Group(1)
    assert group.at().heartbeat("A", ())[0].epoch == 1
    assert group.at(61).heartbeat("A", ())[0].epoch == 2
    group.logs.append(61, 5, shard=0)
    with pytest.raises(UserError, match="owner number 2, not 1") as refused:
        group.at(61).save(0, cursor_at(1), consumer="A", epoch=1)
    assert refused.value.code == "ConsumerNotMatch"
    group.at(61).save(0, cursor_at(1), consumer="A", epoch=2)


def test_a_name_belongs_to_one_process() -> None:
    group = Group(1)
    group.at().heartbeat("A", (), "one")
    for step in (lambda: group.at(60).heartbeat("A", (), "two"), lambda: group.at(60).leave("A", "two")):
        with pytest.raises(LogsluiceError) as refused:
            step()
        assert refused.value.code == "ConsumerAlreadyExist"
    assert [one.shard for one in group.at(60.000001).heartbeat("A", (), "two")] == [0]


def test_time_outs_run_out_one_after_the_other_however_late_someone_looks() -> None:
    early, late = Group(4), Group(4)
    for group in (early, late):
        for second, name in enumerate("ABCD"):
            group.beat(name, second=second)
        group.beat("C", second=50)
        group.beat("D", second=50)
    for second in (61, 62, 63):
        early.at(second)
    late.at(63)
    assert {k: (s.owner, s.heir, s.epoch) for k, s in early.state.seats.items()} == {
        k: (s.owner, s.heir, s.epoch) for k, s in late.state.seats.items()
    }
    assert set(late.state.consumers) == {"C", "D"}


def test_a_clock_that_is_set_back_removes_nobody_too_soon_and_nobody_never() -> None:
    group = Group(1)
    group.beat("A", second=10_000)
    group.at(5_000)
    assert "A" in group.at(5_060).state.consumers
    assert "A" not in group.at(5_060.5).state.consumers


def test_shards_whose_logs_have_expired_leave_the_group() -> None:
    group = Group(1, order=True)
    group.logs.append(0, 1, shard=0)
    group.logs.split(0)
    group.beat("A")
    assert group.seats() == {0: "already_alloc A", 1: "wait", 2: "wait"}
    left = {shard: extent for shard, extent in group.logs.extents().shards.items() if shard}
    GroupMachine(group.state, ShardExtents(9, left), 0)
    assert {shard: seat.state for shard, seat in group.state.seats.items()} == {1: "already_alloc", 2: "already_alloc"}
    with pytest.raises(ValueError, match="shards of version 1 after version 9"):
        group.at()


def test_a_reset_leaves_shards_it_does_not_name_at_their_beginning() -> None:
    group = Group(2)
    group.logs.append(0, 4, shard=0)
    group.at().reset({0: cursor_at(4)})
    assert [one.cursor for one in group.at().checkpoints()] == [cursor_at(4), BEGIN]
    for cursors, code in (({7: BEGIN}, "ShardNotExist"), ({0: cursor_at(5)}, "InvalidShardCheckPoint")):
        with pytest.raises(LogsluiceError) as refused:
            group.at().reset(cursors)
        assert refused.value.code == code
    assert [one.cursor for one in group.at().checkpoints()] == [cursor_at(4), BEGIN]


def test_cursors_are_text_and_back() -> None:
    for cursor in (BEGIN, Cursor(7, 2, 64_000), Cursor(2**63 - 1, 0, 1)):
        assert Cursor.of_text(cursor.text) == cursor
    for wrong in ("", "MS4y", "x", "MS4yLjM", Cursor(-1, 0, 0).text, Cursor(1 << 63, 0, 0).text, "MDEuMC4w", "MSAuMC4w"):
        with pytest.raises(ParameterInvalid) as refused:
            Cursor.of_text(wrong)
        assert refused.value.code == "InvalidCursor"


class TestLanes:
    def test_an_unfinished_slice_comes_again_with_its_range_and_the_newest_rule(self) -> None:
        state = LaneState()
        first = SliceLane(state, 1).begin(BEGIN, cursor_at(5), "old")
        again = SliceLane(state, 2).begin(BEGIN, cursor_at(9), "new")
        assert (again.number, again.begin, again.end, again.rule) == (first.number, first.begin, first.end, "new")

    def test_the_first_intent_counts_and_keeps_its_rule_and_counts(self) -> None:
        state = LaneState()
        SliceLane(state, 1).begin(BEGIN, cursor_at(5), "old")
        for intent, read in (("these files", 5), ("others", 6)):
            found = SliceLane(state, 1).intend(1, intent, SliceCounts(read))
            assert (found.intent, found.counts) == ("these files", SliceCounts(5))
        found = SliceLane(state, 2).begin(BEGIN, cursor_at(9), "new")
        assert (found.number, found.intent, found.rule) == (1, "these files", "old")

    def test_a_former_owner_may_do_nothing(self) -> None:
        state = LaneState()
        SliceLane(state, 2)
        with pytest.raises(CommitConflict) as refused:
            SliceLane(state, 1)
        assert refused.value.code == "SliceTakenOver"

    def test_slices_follow_each_other_without_gap_and_overlap(self) -> None:
        state = LaneState()
        lane = SliceLane(state, 1)
        lane.begin(BEGIN, cursor_at(5), "rule")
        assert state.position is None
        with pytest.raises(CommitConflict, match="has no intent"):
            lane.finish(1)
        lane.intend(1, "files", SliceCounts())
        lane.finish(1)
        assert state.position == cursor_at(5) and lane.unfinished is None
        late: Sequence[Callable[[], object]] = (
            lambda: lane.finish(1),
            lambda: lane.intend(1, "others", SliceCounts()),
            lambda: lane.intend(2, "others", SliceCounts()),
        )
        for step in late:
            with pytest.raises(CommitConflict, match="is not the open one"):
                step()
        for wrong in ((cursor_at(5), cursor_at(5)), (cursor_at(4), cursor_at(6)), (cursor_at(6), cursor_at(7))):
            with pytest.raises(ParameterInvalid):
                lane.begin(*wrong, "rule")
        assert lane.begin(cursor_at(5), cursor_at(6), "rule").number == 2
        for step in late[:2]:
            with pytest.raises(CommitConflict, match="slice 1 is not the open one"):
                step()


def test_lag() -> None:
    extent = ShardExtent(cursor_at(9))
    assert shard_lag_us(extent, cursor_at(9), 500, 100) == 0
    assert shard_lag_us(extent, cursor_at(8), 500, 500) == 1
    assert shard_lag_us(extent, None, 500, 100) == 400
    assert shard_lag_us(ShardExtent(BEGIN), None, 0, 0) == 0
    assert group_lag_us({0: 3, 1: 7}) == 7
    assert group_lag_us({}) == 0


def test_a_job_without_an_end_has_never_read_all() -> None:
    group = Group(1)
    assert not has_read(group.at().state, None)
    assert has_read(group.at().state, {0: BEGIN, 5: BEGIN})
    assert not has_read(group.at().state, {5: cursor_at(1)})


def test_splits_and_merges_keep_the_space_covered() -> None:
    shards = LogsInShards.of(2).shards
    shards, made = shards.split(0)
    shards, united = shards.merge(made[1])
    assert (made, united) == ((2, 3), 4)
    ranges = [(shard.begin, shard.end) for shard in shards.writable]
    assert ranges[0][0] == 0 and ranges[-1][1] == 1 << 128
    assert all(left[1] == right[0] for left, right in pairwise(ranges))
    assert shards.ancestors(4) == {0, 1, 3}
    for refused in (
        lambda: shards.split(0),
        lambda: shards.merge(1),
        lambda: shards.merge(4),
        lambda: shards.split(2, "0"),
        lambda: shards.split(2, "g"),
    ):
        with pytest.raises(ParameterInvalid):
            refused()
    with pytest.raises(NotFound, match="there is no shard 9"):
        shards.split(9)
    with pytest.raises(UserError) as error:
        shards.for_append(0)
    assert error.value.code == "ShardReadOnly"
