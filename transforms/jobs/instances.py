"""How many running instances a job may have, and needs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["InstanceSettings"]


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
