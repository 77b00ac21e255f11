"""How many instances a job gets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.jobs.instances import DOWN_AFTER_S, UP_AFTER_S, InstanceSettings, Load, wanted_instances

_MANY = st.integers(0, 100)
_SETTINGS = st.builds(
    InstanceSettings,
    least=st.integers(1, 8),
    most=st.none() | st.integers(8, 20),
    memory_mb=st.integers(1, 10_000),
    target_lag_s=st.floats(0.1, 1_000),
)
_LOADS = st.builds(
    Load,
    running=_MANY,
    shards=_MANY,
    lag_s=st.floats(0, 1e6),
    busy=st.floats(0, 1),
    memory_mb=st.floats(0, 1e5),
    cores=st.floats(0.1, 64),
    unchanged_s=st.floats(0, 1e4),
    calm_s=st.floats(0, 1e4),
)
BEHIND = Load(running=1, shards=4, lag_s=60, busy=1, memory_mb=300, cores=4, unchanged_s=UP_AFTER_S)
CALM = Load(running=3, shards=4, lag_s=0, busy=0.1, memory_mb=900, cores=4, unchanged_s=DOWN_AFTER_S, calm_s=DOWN_AFTER_S)


@given(_SETTINGS, _LOADS)
def test_limits_hold_whatever_is_measured(settings: InstanceSettings, load: Load) -> None:
    wanted = wanted_instances(settings, load)
    shards = max(1, load.shards)
    assert min(settings.least, shards) <= wanted <= min(shards, settings.most or shards)
    if wanted > load.running and load.running >= min(settings.least, shards):
        assert wanted == load.running + 1
        assert wanted <= max(1, round(load.cores))
        assert load.memory_mb < settings.memory_mb
        assert load.lag_s > settings.target_lag_s


@given(_SETTINGS, _LOADS, st.floats(0, 1e6))
def test_further_behind_never_means_fewer(settings: InstanceSettings, load: Load, more: float) -> None:
    assert wanted_instances(settings, replace(load, lag_s=load.lag_s + more)) >= wanted_instances(settings, load)


@given(_SETTINGS, _LOADS)
def test_what_is_measured_at_rest_settles(settings: InstanceSettings, load: Load) -> None:
    """With the same load for ever the number stops changing, and does not go up and down."""
    seen = [load.running]
    for _ in range(250):
        load = replace(load, running=wanted_instances(settings, load))
        seen.append(load.running)
        if seen[-1] == seen[-2]:
            break
    assert seen[-1] == seen[-2]
    steps = seen[2:]  # the first brings it within its limits
    assert steps == sorted(steps) or steps == sorted(steps, reverse=True)


@pytest.mark.parametrize(
    ("load", "wanted"),
    [
        (Load(running=0, shards=4), 1),
        (Load(running=0, shards=0), 1),
        (BEHIND, 2),
        (replace(BEHIND, lag_s=9), 1),
        (replace(BEHIND, unchanged_s=1), 1),
        (replace(BEHIND, memory_mb=2_100), 1),
        (replace(BEHIND, cores=1), 1),
        (replace(BEHIND, shards=1), 1),
        (replace(BEHIND, running=4), 4),
        (CALM, 2),
        (replace(CALM, calm_s=10), 3),
        (replace(CALM, unchanged_s=10), 3),
        (replace(CALM, busy=0.5), 3),
        (replace(CALM, lag_s=9), 3),
        (replace(CALM, running=1), 1),
        (replace(CALM, shards=1), 1),
    ],
)
def test_wanted(load: Load, wanted: int) -> None:
    assert wanted_instances(InstanceSettings(), load) == wanted


def test_at_least_so_many_whatever_the_load_but_not_more_than_shards() -> None:
    assert wanted_instances(InstanceSettings(least=3), Load(running=1, shards=4)) == 3
    assert wanted_instances(InstanceSettings(least=3), Load(running=1, shards=2)) == 2
    assert wanted_instances(InstanceSettings(least=3), replace(CALM, running=3)) == 3
