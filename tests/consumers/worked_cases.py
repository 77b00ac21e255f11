"""Worked cases of consumer groups: events on a Logstore's shards and its groups, what each answers, and how all looks at some moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from transforms.consumers import refusals
from transforms.consumers.group_machine import GroupMachine
from transforms.core.clock import FixedClock
from transforms.core.errors import LogsluiceError
from transforms.stores.consumer_group import MOST_GROUPS, ConsumerGroup, GroupState, checked_timeout
from transforms.stores.cursor import Cursor
from transforms.stores.shard import Shard

Answer = dict[str, Any]


def run_consumer(
    shards: int | Sequence[Mapping[str, Any]], timeout: int, order: bool, events: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
) -> Answer:  # fmt: skip
    """The reply to each event, and what is asked for at each moment."""
    world = _World(shards, timeout, order)
    waiting = sorted(range(len(samples)), key=lambda number: samples[number]["at"])
    answers: dict[int, Answer] = {}

    def look(before: float) -> None:
        while waiting and samples[waiting[0]]["at"] < before:
            number = waiting.pop(0)
            world.clock.set(samples[number]["at"] * 1_000_000)
            answers[number] = world.look(samples[number].get("group", "g"))

    replies = []
    for event in events:
        look(before=event["at"])
        world.clock.set(event["at"] * 1_000_000)
        try:
            reply = world.happens(event)
        except LogsluiceError as refusal:
            reply = {"refused": refusal.code}
        world.bring_up()
        replies.append(reply)
    look(before=float("inf"))
    return {"replies": replies, "samples": [answers[number] for number in range(len(samples))]}


class _World:
    def __init__(self, shards: int | Sequence[Mapping[str, Any]], timeout: int, order: bool) -> None:
        listed = shards if isinstance(shards, int) else [Shard(s["id"], int(s["begin"], 16), int(s["end"], 16)) for s in shards]
        self.logs = LogsInShards.of(listed)
        self.clock = FixedClock(0)
        self.groups = {"g": GroupState(ConsumerGroup("g", timeout, order))}
        self.bring_up()

    def machine(self, group: str) -> GroupMachine:
        if group not in self.groups:
            raise refusals.no_group(group, self.groups)
        return GroupMachine(self.groups[group], self.logs.extents(), self.clock.now_us())

    def bring_up(self) -> None:
        for group in self.groups:
            self.machine(group)

    def happens(self, event: Mapping[str, Any]) -> Answer:
        answer: Answer = getattr(self, f"_{event['type']}")(event, event.get("group", "g"))
        return answer

    def look(self, group: str) -> Answer:
        if group not in self.groups:
            return {}
        state = self.machine(group).state
        owned = {name: list(state.owned(name)) for name in state.consumers}
        return {
            "assignments": owned,
            "sizes": sorted(map(len, owned.values())),
            "states": {str(seat.shard): seat.state for seat in state.seats.values()},
            "heirs": {str(seat.shard): seat.heir for seat in state.seats.values() if seat.heir},
            "checkpoints": {str(seat.shard): _position(seat.checkpoint) for seat in state.seats.values()},
        }

    def _join(self, event: Mapping[str, Any], group: str) -> Answer:
        return {"shards": [one.shard for one in self.machine(group).heartbeat(event["consumer"], event.get("shards", ()))]}

    _heartbeat = _join

    def _leave(self, event: Mapping[str, Any], group: str) -> Answer:
        self.machine(group).leave(event["consumer"])
        return {}

    def _die(self, _event: Mapping[str, Any], _group: str) -> Answer:
        return {}

    def _split(self, event: Mapping[str, Any], _group: str) -> Answer:
        return {"created": list(self.logs.split(event["shard"], event.get("key")))}

    def _merge(self, event: Mapping[str, Any], _group: str) -> Answer:
        return {"created": list(self.logs.merge(event["shard"]))}

    def _append(self, event: Mapping[str, Any], _group: str) -> Answer:
        return {"shard": self.logs.append(event["at"], event["count"], shard=event.get("shard"), key=event.get("key", "0"))}

    def _checkpoint(self, event: Mapping[str, Any], group: str) -> Answer:
        consumer, force = event.get("consumer", ""), bool(event.get("force", False))
        self.machine(group).save(event["shard"], cursor_at(event["position"]), consumer=consumer, force=force)
        return {}

    def _get_checkpoint(self, event: Mapping[str, Any], group: str) -> Answer:
        stored = self.machine(group).checkpoints(event.get("shard"))
        return {"checkpoint": [[one.shard, _position(one.cursor)] for one in stored]}

    def _cursor(self, event: Mapping[str, Any], _group: str) -> Answer:
        return {"position": self.logs.position(event["shard"], event["from"])}

    def _reset(self, event: Mapping[str, Any], group: str) -> Answer:
        machine = self.machine(group)
        machine.reset({shard: cursor_at(self.logs.position(shard, event["to"])) for shard in machine.state.seats})
        return {}

    def _create_group(self, event: Mapping[str, Any], group: str) -> Answer:
        if group in self.groups:
            raise refusals.group_taken(group)
        if len(self.groups) >= MOST_GROUPS:
            raise refusals.too_many_groups()
        self.groups[group] = GroupState(ConsumerGroup(group, checked_timeout(event["timeout"]), bool(event.get("order", False))))
        return {}

    def _update_group(self, event: Mapping[str, Any], group: str) -> Answer:
        self.machine(group).update(event.get("timeout"), event.get("order"))
        return {}

    def _delete_group(self, _event: Mapping[str, Any], group: str) -> Answer:
        self.machine(group)
        del self.groups[group]
        return {}


def _position(cursor: Cursor | None) -> int | None:
    return None if cursor is None else cursor.row
