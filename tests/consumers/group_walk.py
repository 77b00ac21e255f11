"""Random walks of one consumer group under callers that do anything: honest ones, sleepers, strangers, force, resets, clocks that jump."""

from __future__ import annotations

from random import Random

from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from transforms.consumers.balance import loads
from transforms.consumers.group_machine import GroupMachine
from transforms.core.clock import FixedClock
from transforms.core.errors import LogsluiceError
from transforms.stores.consumer_group import ConsumerGroup, GroupState, Seat
from transforms.stores.cursor import BEGIN

NAMES = ("A", "B", "C", "D", "E")
TIMEOUT_S = 30
START_US = 1_000_000_000


class GroupWalk:
    """``step`` does one thing and leaves what it was and how the group looked before it."""

    def __init__(self, seed: int, *, rude: bool = True) -> None:
        self.random = Random(seed)
        self.clock = FixedClock(START_US)
        self.logs = LogsInShards.of(self.random.randint(1, 6))
        self.state = GroupState(ConsumerGroup("group", TIMEOUT_S, order=self.random.random() < 0.5))
        self.rude = rude
        self.beats: dict[str, int] = {}
        """When each consumer was last heard, by the walk's own reckoning: as told by a clock that never ran backwards."""
        self.before = self.state
        self.action = ""
        self.actor = ""
        self.listed: tuple[int, ...] = ()
        self.refused = ""
        self.bring_up()

    def bring_up(self) -> GroupMachine:
        return GroupMachine(self.state, self.logs.extents(), self.clock.now_us())

    def step(self) -> None:
        self.action = self.random.choices(
            ("beat", "stray beat", "leave", "save", "append", "split", "merge", "tick", "pause", "clock", "force", "reset", "order"),
            (30, 5, 3, 20, 12, 4, 3, 12, 3, 2, 3, 2, 2),
        )[0]
        if not self.rude and self.action in ("force", "reset", "order", "clock"):
            self.action = "beat"
        self.actor, self.listed, self.refused = self.random.choice(NAMES), (), ""
        self.before = self.state.copy()
        try:
            getattr(self, "_" + self.action.replace(" ", "_"))()
        except LogsluiceError as refusal:
            self.refused = refusal.code
        self.bring_up()

    def _beat(self) -> None:
        """Reports what it is told, or lets go of what it is asked to let go of."""
        owned = [seat for seat in self.before.seats.values() if seat.owner == self.actor]
        keeps = self.random.random() < 0.5
        self._report(tuple(seat.shard for seat in owned if keeps or seat.state == "already_alloc"))

    def _stray_beat(self) -> None:
        self._report(tuple(self.random.sample(range(12), self.random.randint(0, 5))))

    def _report(self, listed: tuple[int, ...]) -> None:
        self.listed = listed
        self.bring_up().heartbeat(self.actor, listed)
        self.beats[self.actor] = self.clock.now_us()

    def _leave(self) -> None:
        self.bring_up().leave(self.actor)

    def _save(self) -> None:
        seat = self._any_seat()
        size = len(self.logs.received[seat.shard])
        done = 0 if seat.checkpoint is None else seat.checkpoint.row
        place = self.random.choice((size, self.random.randint(0, size), self.random.randint(min(done, size), size)))
        actor = seat.owner if self.random.random() < 0.8 else self.actor
        epoch = self.random.choice((None, seat.epoch, seat.epoch - 1))
        self.bring_up().save(seat.shard, cursor_at(place), consumer=actor, epoch=epoch)

    def _force(self) -> None:
        seat = self._any_seat()
        place = self.random.randint(0, len(self.logs.received[seat.shard]))
        self.bring_up().save(seat.shard, cursor_at(place), consumer=self.actor, force=True)

    def _reset(self) -> None:
        share = self.random.choice((0.0, 0.5, 1.0))
        self.bring_up().reset({shard: cursor_at(round(len(times) * share)) for shard, times in self.logs.received.items()})

    def _order(self) -> None:
        self.bring_up().update(order=not self.state.group.order)

    def _append(self) -> None:
        self.logs.append(self.clock.now_us(), self.random.randint(1, 4), key=f"{self.random.getrandbits(128):032x}")

    def _split(self) -> None:
        if len(self.logs.shards.writable) < 8:
            self.logs.split(self.random.choice(self.logs.shards.writable).id)

    def _merge(self) -> None:
        self.logs.merge(self.random.choice(self.logs.shards.writable).id)

    def _tick(self) -> None:
        self.clock.sleep(self.random.uniform(0, TIMEOUT_S / 3))

    def _pause(self) -> None:
        self.clock.sleep(self.random.choice((TIMEOUT_S, TIMEOUT_S + 0.000001, self.random.uniform(TIMEOUT_S, 3 * TIMEOUT_S))))

    def _clock(self) -> None:
        back = self.random.randint(1, 3_600) * 1_000_000
        self.clock.set(max(0, self.clock.now_us() - back))
        self.beats = {name: min(beat, self.clock.now_us()) for name, beat in self.beats.items()}

    def _any_seat(self) -> Seat:
        return self.random.choice(sorted(self.state.seats.values(), key=lambda seat: seat.shard))


def check_ownership(walk: GroupWalk) -> None:
    state = walk.state
    live = set(state.consumers)
    for seat in state.seats.values():
        assert (seat.owner in live) == (seat.state in ("already_alloc", "transfer")), seat
        assert (seat.heir in live and seat.heir != seat.owner) if seat.state == "transfer" else not seat.heir, seat
        assert not live or seat.state != "not_alloc", seat
    counts = loads(state).values()
    assert not counts or max(counts) - min(counts) <= 1, counts
    for shard, seat in state.seats.items():
        was = walk.before.seats.get(shard)
        if was is None or not was.owner or seat.owner == was.owner:
            continue
        assert seat.epoch > was.epoch or not seat.owner, (was, seat)
        died = was.owner not in live or walk.clock.now_us() - walk.beats.get(was.owner, 0) > TIMEOUT_S * 1_000_000
        rejoined = walk.action in ("beat", "stray beat") and walk.actor == was.owner and not walk.listed
        let_go = was.state == "transfer" and walk.actor == was.owner and shard not in walk.listed
        assert seat.state == "over" or died or rejoined or let_go, (walk.action, walk.actor, walk.listed, was, seat)


def check_checkpoints_go_forward(walk: GroupWalk) -> None:
    extents = walk.logs.extents().shards
    for shard, seat in walk.state.seats.items():
        was = walk.before.seats.get(shard)
        assert (seat.checkpoint or BEGIN) <= extents[shard].end
        if was is None or walk.action in ("force", "reset"):
            continue
        assert (seat.checkpoint or BEGIN) >= (was.checkpoint or BEGIN), (walk.action, was, seat)
        if seat.checkpoint != was.checkpoint:
            assert walk.action == "save" and was.owner and seat.saved_by in walk.state.consumers | walk.before.consumers


def check_silence(walk: GroupWalk) -> None:
    now = walk.clock.now_us()
    for name in walk.before.consumers:
        silent_us = now - walk.beats[name]
        if walk.action == "leave" and walk.actor == name and not walk.refused:
            assert name not in walk.state.consumers
        else:
            assert (name in walk.state.consumers) == (silent_us <= TIMEOUT_S * 1_000_000), (name, silent_us)
    if walk.refused:
        # What is refused changes nothing but what the time had changed anyway.
        undisturbed = walk.before.copy()
        GroupMachine(undisturbed, walk.logs.extents(), now)
        assert undisturbed == walk.state, walk.refused


def check_order(walk: GroupWalk) -> None:
    if not walk.state.group.order:
        return
    for shard, seat in walk.state.seats.items():
        if any(walk.state.seats[ancestor].state != "over" for ancestor in walk.logs.ancestors(shard)):
            assert seat.state in ("wait", "over") and seat.checkpoint is None and not seat.owner, seat
