"""Lanes of slices in the ledger: what an owner may do, in which order, and what is left when somebody else is the owner."""

from __future__ import annotations

from tests.consumers.logs_in_shards import cursor_at
from tests.jobs.sql_job_ledgers import START_US, Kept, new, refused
from transforms.jobs.job import JobState
from transforms.jobs.ledger import MinuteFigures
from transforms.stores.cursor import BEGIN
from transforms.stores.slice import Intended, Slice, SliceCounts, Wanted

COUNTS = SliceCounts(3, 1, 1, 1)


def test_a_slice_goes_through_its_points(kept: Kept) -> None:
    job = kept.running()
    assert kept.joined(job) == {0: 1, 1: 1}
    slices = kept.ledger.slices(job)
    kept.logs.append(0, 5, shard=0)
    kept.logs.append(0, 5, shard=1)
    assert slices.unfinished("A", {0: 1, 1: 1}) == {0: None, 1: None}
    begun = slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(3)), 1: Wanted(1, BEGIN, cursor_at(5))}, "rule 1")
    assert begun == {0: Slice(1, BEGIN, cursor_at(3), "rule 1"), 1: Slice(1, BEGIN, cursor_at(5), "rule 1")}
    assert slices.unfinished("A", {0: 1, 1: 1}) == begun
    again = slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(4))}, "rule 2")
    assert again == {0: Slice(1, BEGIN, cursor_at(3), "rule 2")}, "the range stays; the rule is that of now"
    intended = slices.intend("A", {0: Intended(1, 1, "files", COUNTS), 1: Intended(1, 2, "files", COUNTS)})
    assert intended == {0: Slice(1, BEGIN, cursor_at(3), "rule 2", "files", COUNTS)}, "shard 1 has no slice 2"
    assert slices.intend("A", {0: Intended(1, 1, "others", SliceCounts(9))}) == intended, "the first intent counts"
    assert slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(4))}, "rule 3") == intended, "and keeps its rule"
    with refused("SliceNotIntended"):
        slices.finish("A", {0: (1, 1), 1: (1, 1)})
    assert [one.cursor for one in kept.groups.checkpoints(job.group)] == [None, None], "all or nothing"
    assert slices.finish("A", {0: (1, 1)}) == slices.finish("A", {0: (1, 1)}) == {0}
    assert [one.cursor for one in kept.groups.checkpoints(job.group)] == [cursor_at(3), None]
    assert kept.ledger.totals(job) == {0: COUNTS}, "counted once"
    assert slices.unfinished("A", {0: 1}) == {0: None}
    assert slices.intend("A", {0: Intended(1, 1, "files", COUNTS)}) == {}
    assert slices.finish("A", {0: (1, 2)}) == frozenset()
    for begin, end in ((3, 3), (2, 5), (4, 5), (0, 5)):
        with refused("ParameterInvalid"):
            slices.begin("A", {0: Wanted(1, cursor_at(begin), cursor_at(end))}, "rule")
    assert slices.begin("A", {0: Wanted(1, cursor_at(3), cursor_at(5))}, "rule")[0].number == 2


def test_where_to_begin_is_a_checkpoint(kept: Kept) -> None:
    job = kept.running(start_us=START_US - 5)
    kept.joined(job)
    slices = kept.ledger.slices(job)
    kept.logs.append(0, 5, shard=0)
    with refused("ParameterInvalid", "does not begin at the checkpoint"):
        slices.begin("A", {0: Wanted(1, cursor_at(2), cursor_at(3))}, "rule")
    with refused("InvalidShardCheckPoint"):
        slices.start_at("A", {0: (1, cursor_at(2)), 1: (1, cursor_at(9))})
    assert [one.cursor for one in kept.groups.checkpoints(job.group)] == [None, None], "all or nothing"
    assert slices.start_at("A", {0: (1, cursor_at(2)), 1: (7, BEGIN)}) == {0}
    assert slices.start_at("A", {0: (1, cursor_at(2)), 1: (1, BEGIN)}) == {0, 1}
    assert slices.start_at("A", {0: (1, cursor_at(3))}) == frozenset(), "it has another place already"
    assert slices.begin("A", {0: Wanted(1, cursor_at(2), cursor_at(3))}, "rule").keys() == {0}


def test_a_former_owner_changes_nothing(kept: Kept) -> None:
    job = kept.running()
    kept.joined(job)
    kept.logs.append(0, 5, shard=0)
    slices = kept.ledger.slices(job)
    slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(3))}, "rule 1")
    kept.later(31)
    assert kept.joined(job, "B") == {0: 2, 1: 2}
    kept.led(scheduler="s2")
    kept.joined(job, "A")
    assert slices.unfinished("A", {0: 1}) == slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(4))}, "rule 2") == {}
    assert slices.intend("A", {0: Intended(1, 1, "A's", COUNTS)}) == {}
    (found,) = slices.unfinished("B", {0: 2}).values()
    assert found == Slice(1, BEGIN, cursor_at(3), "rule 1")
    slices.intend("B", {0: Intended(2, 1, "B's", COUNTS)})
    assert slices.finish("A", {0: (1, 1)}) == slices.finish("B", {0: (1, 1)}) == slices.finish("C", {9: (1, 1)}) == frozenset()
    assert slices.finish("B", {0: (2, 1)}) == {0}


def test_nothing_is_begun_for_a_job_that_does_not_run_but_what_is_begun_may_end(kept: Kept) -> None:
    job = kept.running()
    kept.joined(job)
    kept.logs.append(0, 5, shard=0)
    slices = kept.ledger.slices(job)
    slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(3))}, "rule")
    assert kept.ledger.act("shop", "clean", "stop").state == JobState.STOPPING
    for wanted in (Wanted(1, BEGIN, cursor_at(3)), Wanted(1, cursor_at(3), cursor_at(5))):
        with refused("JobNotRunning", "is STOPPING"):
            slices.begin("A", {0: wanted}, "rule")
    slices.intend("A", {0: Intended(1, 1, "files", COUNTS)})
    assert slices.finish("A", {0: (1, 1)}) == {0}


def test_an_older_generation_is_refused_from_its_first_moment_on(kept: Kept) -> None:
    job = kept.running()
    kept.joined(job)
    kept.advance(job, 0, 3)
    slices = kept.ledger.slices(job)
    kept.logs.append(0, 3, shard=0)
    slices.begin("A", {0: Wanted(1, cursor_at(3), cursor_at(6))}, "rule")
    anew = kept.ledger.act("shop", "clean", "rerun")
    assert (anew.generation, anew.state) == (2, JobState.RESTARTING)
    for late in (
        lambda: slices.unfinished("A", {0: 1}),
        lambda: slices.begin("A", {0: Wanted(1, cursor_at(3), cursor_at(6))}, "rule"),
        lambda: slices.intend("A", {0: Intended(1, 1, "files", COUNTS)}),
        lambda: slices.finish("A", {0: (1, 2)}),
        lambda: slices.start_at("A", {0: (1, BEGIN)}),
    ):
        with refused("ConsumerGroupNotExist"):
            late()
    assert [group.name for group in kept.groups.list()] == [anew.group]
    assert kept.ledger.totals(anew) == {}
    assert kept.joined(anew) == {0: 1, 1: 1}
    assert kept.ledger.slices(anew).unfinished("A", {0: 1}) == {0: None}


def test_figures_are_of_minutes_by_the_ledgers_clock_and_old_ones_are_one(kept: Kept) -> None:
    job = kept.running()
    kept.joined(job)
    kept.advance(job, 0, 5)
    kept.advance(job, 0, 4)
    kept.later(20)
    kept.joined(job)
    kept.later(20)
    kept.joined(job)
    kept.later(20)
    kept.advance(job, 0, 3)
    kept.advance(job, 1, 2)
    first, second = START_US, START_US + 60_000_000
    assert kept.ledger.figures(job, 0) == (
        MinuteFigures(first, 0, SliceCounts(9, 7, 0, 2)),
        MinuteFigures(second, 0, SliceCounts(3, 2, 0, 1)),
        MinuteFigures(second, 1, SliceCounts(2, 1, 0, 1)),
    )
    assert [one.shard for one in kept.ledger.figures(job, second)] == [0, 1]
    total = {0: SliceCounts(12, 9, 0, 3), 1: SliceCounts(2, 1, 0, 1)}
    assert kept.ledger.totals(job) == total
    for days in (2, 2, 2):
        kept.later(days * 86_400 + 61)
        epochs = kept.joined(job)
        kept.advance(job, 0, 1, epoch=epochs[0])
        total[0] += SliceCounts(1, 0, 0, 1)
        assert kept.ledger.totals(job) == total
        assert [one.minute_us for one in kept.ledger.figures(job, 0)] == [kept.now_us // 60_000_000 * 60_000_000]


def test_a_retired_shard_is_over_when_its_last_slice_is_done(kept: Kept) -> None:
    job = kept.running()
    kept.joined(job)
    kept.logs.split(0)
    assert {shard: seat.state for shard, seat in kept.groups.state(job.group).seats.items()} == {
        0: "over", 1: "already_alloc", 2: "already_alloc", 3: "already_alloc",
    }  # fmt: skip
    kept.advance(job, 1, 3)
    kept.logs.append(0, 2, shard=1)
    kept.logs.merge(2)
    seats = kept.groups.state(job.group).seats
    assert seats[4].state == "already_alloc"
    kept.ledger.create(new("second"))
    assert kept.groups.state(kept.job("second").group).seats[4].state in ("wait", "not_alloc")


def test_what_works_for_an_earlier_start_begins_no_more(kept: Kept) -> None:
    job = kept.running()
    kept.joined(job)
    slices = kept.ledger.slices(job)
    kept.logs.append(0, 5, shard=0)
    slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(3))}, "rule 1")
    kept.later(1)
    kept.ledger.act("shop", "clean", "restart")
    lead = kept.led(scheduler="s1")
    assert kept.ledger.settle(lead, JobState.STARTING).state == JobState.STARTING
    anew = kept.ledger.settle(lead, JobState.RUNNING)
    with refused("JobNotRunning"):
        slices.begin("A", {0: Wanted(1, BEGIN, cursor_at(3))}, "rule 1")
    assert slices.intend("A", {0: Intended(1, 1, "files", COUNTS)}).keys() == {0}, "what was begun before may still be finished"
    assert slices.finish("A", {0: (1, 1)}) == {0}
    assert kept.ledger.slices(anew).begin("A", {0: Wanted(1, cursor_at(3), cursor_at(5))}, "rule 2").keys() == {0}
