"""What the suites over all Logstore adapters share: the adapters, and logs to write and to compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, drop_delta_logstore
from transforms.connectors.memory import MemoryLogstore, create_memory_logstore, drop_memory_logstore
from transforms.core.field_columns import TIME, TIME_NS
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import Logstore

__all__ = ["ADAPTERS", "Open", "group", "numbered", "rows", "values"]

Open = Callable[..., Logstore]
ADAPTERS = {
    "memory": (MemoryLogstore, create_memory_logstore, drop_memory_logstore),
    "delta": (DeltaLogstore, create_delta_logstore, drop_delta_logstore),
}


def group(*logs: dict[str, str], at: Iterable[int] | int = 100) -> LogGroup:
    return LogGroup.from_logs(logs, [at] * len(logs) if isinstance(at, int) else list(at))


def rows(groups: Iterable[LogGroup]) -> list[tuple[int, int, dict[str, str]]]:
    found: list[tuple[int, int, dict[str, str]]] = []
    for one in groups:
        seconds, nanoseconds = one.table[TIME].to_pylist(), one.table[TIME_NS].to_pylist()
        found += zip(seconds, nanoseconds, one.to_logs(), strict=True)
    return found


def values(groups: Iterable[LogGroup], field: str = "n") -> list[str]:
    return [log[field] for _, _, log in rows(groups)]


def numbered(numbers: Iterable[int], at: int = 100) -> LogGroup:
    return group(*({"n": str(n)} for n in numbers), at=at)
