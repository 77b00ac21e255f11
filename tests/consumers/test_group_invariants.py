"""What always holds in a consumer group, whoever calls whatever: numbered promises, each under random walks of the state machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.consumers.group_walk import (
    GroupWalk,
    check_checkpoints_go_forward,
    check_order,
    check_ownership,
    check_silence,
)

WALKS = [500, pytest.param(10_000, marks=pytest.mark.soak)]
STEPS = 30


def walk_all(walks: int, check: Callable[[GroupWalk], None], *, rude: bool = True) -> Counter[str]:
    seen: Counter[str] = Counter()
    for seed in range(walks):
        walk = GroupWalk(seed, rude=rude)
        for step in range(STEPS):
            walk.step()
            seen[walk.refused or walk.action] += 1
            seen.update(seat.state for seat in walk.state.seats.values())
            try:
                check(walk)
            except AssertionError as failure:
                raise AssertionError(f"seed {seed}, step {step}: {walk.action} of {walk.actor}: {failure}") from failure
    assert {"wait", "not_alloc", "already_alloc", "transfer", "over"} <= seen.keys()
    return seen


@pytest.mark.parametrize("walks", WALKS)
def test_1_one_owner_and_balance(walks: int) -> None:
    walk_all(walks, check_ownership)


@pytest.mark.parametrize("walks", WALKS)
def test_2_checkpoints_go_back_only_by_force_or_reset(walks: int) -> None:
    seen = walk_all(walks, check_checkpoints_go_forward)
    assert min(seen[code] for code in ("CheckPointBackwards", "ConsumerNotMatch", "ConsumerGroupBusy", "reset", "force")) > 0


@pytest.mark.parametrize("walks", WALKS)
def test_3_children_wait_for_all_ancestors(walks: int) -> None:
    walk_all(walks, check_order, rude=False)


@pytest.mark.parametrize("walks", WALKS)
def test_7_silence_counts_after_the_time_out_and_what_is_refused_changes_nothing(walks: int) -> None:
    seen = walk_all(walks, check_silence)
    assert min(seen[code] for code in ("NotExistConsumerWithBody", "clock", "pause", "leave")) > 0
