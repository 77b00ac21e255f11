"""Balance: which consumer gets which shard. After it no two loads differ by more than one and nothing readable is without an owner."""

from __future__ import annotations

from dataclasses import replace

from transforms.stores.consumer_group import GroupState, Seat

__all__ = ["balance", "loads", "seat_given", "seat_kept"]


def loads(state: GroupState) -> dict[str, int]:
    """For each live consumer the shards it will have when everyone has let go: its own that are promised to nobody, and those promised to it."""
    counts = dict.fromkeys(state.consumers, 0)
    for seat in state.seats.values():
        if seat.state in ("already_alloc", "transfer"):
            counts[seat.heir or seat.owner] += 1
    return counts


def seat_given(seat: Seat, owner: str) -> Seat:
    """Owned by a new owner, under an epoch of its own."""
    return replace(seat, state="already_alloc", owner=owner, heir="", epoch=seat.epoch + 1)


def seat_kept(seat: Seat) -> Seat:
    """A promise lapsed: the owner goes on, as the owner it was."""
    return replace(seat, state="already_alloc", heir="")


def balance(state: GroupState) -> None:
    """Give away what is free, then let the most loaded promise shards to the least loaded. Ties go by name; a promise that is still
    open moves before a shard that is being read."""
    counts = loads(state)
    if not counts:
        return
    for shard in sorted(state.seats):
        if state.seats[shard].state == "not_alloc":
            receiver = min(counts, key=lambda name: (counts[name], name))
            state.seats[shard] = seat_given(state.seats[shard], receiver)
            counts[receiver] += 1
    while True:
        receiver = min(counts, key=lambda name: (counts[name], name))
        heirs = {seat.heir for seat in state.seats.values()}
        giver = min(counts, key=lambda name: (-counts[name], name not in heirs, name))
        if counts[giver] - counts[receiver] <= 1:
            return
        _promise_one(state, giver, receiver)
        counts[giver] -= 1
        counts[receiver] += 1


def _promise_one(state: GroupState, giver: str, receiver: str) -> None:
    promised = [seat.shard for seat in state.seats.values() if seat.heir == giver]
    if promised:
        seat = state.seats[max(promised)]
        state.seats[seat.shard] = seat_kept(seat) if seat.owner == receiver else replace(seat, heir=receiver)
        return
    own = max(seat.shard for seat in state.seats.values() if seat.owner == giver and seat.state == "already_alloc")
    state.seats[own] = replace(state.seats[own], state="transfer", heir=receiver)
