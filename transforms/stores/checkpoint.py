"""Checkpoint: up to where a consumer group has read a shard."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.stores.cursor import Cursor

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """What a group has stored for a shard.

    Attributes:
        shard: the shard's id.
        cursor: the next log to read lies behind it; None = never saved.
        updated_us: when it was saved, microseconds; 0 = never.
        consumer: who saved it; empty when it was set by force or a reset without a name.
    """

    shard: int
    cursor: Cursor | None
    updated_us: int = 0
    consumer: str = ""
