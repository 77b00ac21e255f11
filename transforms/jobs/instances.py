"""How many running instances a job may have, and needs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["InstanceSettings", "Load", "wanted_instances"]

UP_AFTER_S = 5.0
"""Another instance is added so long after the last change at the soonest: it must have started and shown what it does."""
DOWN_AFTER_S = 60.0
"""One is taken away when the others would have done for so long."""
_IDLE_SHARE = 0.5
"""Up to this share of their time the instances that stay may be busy when one goes."""


@dataclass(frozen=True)
class InstanceSettings:
    """What people say of a job's instances.

    Attributes:
        least, most: of them; never more than the source has shards with something to read. ``most`` None = as many as those shards.
        memory_mb: all together; while they take more, none is added.
        target_lag_s: a job that is further behind gets another instance.
    """

    least: int = 1
    most: int | None = None
    memory_mb: int = 4_096
    target_lag_s: float = 10.0


@dataclass(frozen=True)
class Load:
    """What was measured of a job.

    Attributes:
        running: instances there are now.
        shards: of the source with something to read, now or later: the writable ones, and retired ones that are not read to their end.
        lag_s: the largest of the shards' lags.
        busy: share of their time that the instances worked, on average.
        memory_mb: that they take, all together.
        cores: the job's share of the machine's.
        unchanged_s: since when there are so many.
        calm_s: since when one less would have done (`one_less_would_do`).
    """

    running: int
    shards: int
    lag_s: float = 0.0
    busy: float = 0.0
    memory_mb: float = 0.0
    cores: float = 1.0
    unchanged_s: float = 0.0
    calm_s: float = 0.0

    def one_less_would_do(self, settings: InstanceSettings) -> bool:
        """Whether the work that is done leaves one of the instances over."""
        return self.running > 1 and self.lag_s <= settings.target_lag_s / 2 and self.busy * self.running <= _IDLE_SHARE * (self.running - 1)


def wanted_instances(settings: InstanceSettings, load: Load) -> int:
    """How many there shall be: at least one, up quickly one by one, down slowly.

    More than ``least`` only as the shards, the cores and the memory allow; more than the shards never, since the rest could only stand by.
    """
    shards = max(1, load.shards)
    least = min(settings.least, shards)
    most = max(least, min(shards, settings.most or shards, round(load.cores)))
    if load.running < least:
        return least
    if load.running > most:
        return most
    if load.running < most and _needs_another(settings, load):
        return load.running + 1
    if load.running > least and load.calm_s >= DOWN_AFTER_S and load.unchanged_s >= DOWN_AFTER_S and load.one_less_would_do(settings):
        return load.running - 1
    return load.running


def _needs_another(settings: InstanceSettings, load: Load) -> bool:
    if load.lag_s <= settings.target_lag_s or load.unchanged_s < UP_AFTER_S:
        return False
    each = load.memory_mb / load.running
    return load.memory_mb + each <= settings.memory_mb
