"""What a statement can see: the columns of its Logstore, the ExternalStores of its project, its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from transforms.core.interval import ALL_TIME, Interval
from transforms.stores.external_store import Column
from transforms.stores.index import Index
from transforms.stores.logstore import Telemetry
from transforms.stores.metricstore import LABELS, METRIC_INDEX, TABLE_SUFFIX

__all__ = ["ABSENT", "Absent", "ColumnKind", "LogColumn", "Scope", "log_columns_of", "metric_columns"]

ColumnKind = Literal["text", "long", "double", "json", "time", "receive_time", "labels"]
Absent = Literal["absent"]
ABSENT: Absent = "absent"

RESERVED = ("__time__", "__topic__", "__source__")


@dataclass(frozen=True)
class LogColumn:
    """One column of the Logstore as SQL sees it.

    Attributes:
        name: the field's name, its alias, or ``field.leaf``.
        sql_type: ``bigint``, ``double``, ``varchar``, ….
        field: the stored field it comes from.
        analysable: False for a field whose index keeps it out of SQL.
        kind: how it is stored.
        leaf: of a JSON leaf its path inside the field.
        listed: part of ``*``.
    """

    name: str
    sql_type: str
    field: str
    analysable: bool = True
    kind: ColumnKind = "text"
    leaf: str | None = None
    listed: bool = True


def _no_store(_name: str) -> tuple[Column, ...] | None:
    return None


def _no_target(_name: str) -> Index | Absent | None:
    return ABSENT


@dataclass(frozen=True)
class Scope:
    """Everything the analysis asks about the world.

    Attributes:
        logstore: the current Logstore's name; ``log`` means it too.
        log_columns: its columns, index order.
        external: name → columns of that ExternalStore, None when there is none.
        external_names: all ExternalStores, for suggestions.
        target_index: name → index of that Logstore (None: it has no index), ``"absent"`` when there is no such Logstore.
        time_zone: ``+08:00`` or an IANA name; timestamps are shown in it.
        interval: the requested range, Unix seconds.
        now_us: the moment ``now()`` gives, Unix microseconds.
        strict: False when the Logstore has no index: every field may be used as text.
        default_limit: rows of a select that says no LIMIT; None for no limit.
        telemetry: whether the Logstore keeps logs or, as a Metricstore, samples.
    """

    logstore: str = "log"
    log_columns: tuple[LogColumn, ...] = ()
    external: Callable[[str], tuple[Column, ...] | None] = _no_store
    external_names: tuple[str, ...] = ()
    target_index: Callable[[str], Index | Absent | None] = _no_target
    time_zone: str = "+08:00"
    interval: Interval = ALL_TIME
    now_us: int = 0
    strict: bool = True
    default_limit: int | None = 100
    telemetry: Telemetry = "logs"

    def is_log(self, name: str) -> bool:
        """Whether a table's name means the current Logstore: ``log``, its own name, of a Metricstore also ``NAME.prom``."""
        return name.casefold() == "log" or name == self.logstore or (self.telemetry == "metrics" and name == self.logstore + TABLE_SUFFIX)


def log_columns_of(index: Index | None, fields: tuple[str, ...] = ()) -> tuple[LogColumn, ...]:
    """The columns SQL has for an index; without one, each of ``fields`` as text. Reserved columns come last."""
    out: list[LogColumn] = []
    if index is None:
        out.extend(LogColumn(name, "varchar", name) for name in fields if name not in RESERVED)
    else:
        for name, entry in index.fields.items():
            if name in RESERVED:
                continue
            out.append(LogColumn(entry.alias or name, entry.sql_type, name, entry.analysable, entry.type))
            for path, leaf in entry.leaves.items():
                out.append(LogColumn(leaf.alias or f"{name}.{path}", leaf.sql_type, name, leaf.analysable, leaf.type, path))
    out.append(LogColumn("__time__", "bigint", "__time__", True, "time"))
    out.append(LogColumn("__topic__", "varchar", "__topic__"))
    out.append(LogColumn("__source__", "varchar", "__source__"))
    return tuple(out)


def metric_columns() -> tuple[LogColumn, ...]:
    """The columns SQL has for the samples of a Metricstore: their four fields, labels as a map, and unlisted ``__time__``."""
    typed = [LogColumn(name, entry.sql_type, name, kind=entry.type) for name, entry in METRIC_INDEX.fields.items() if name != LABELS]
    labels = LogColumn(LABELS, "map(varchar,varchar)", LABELS, kind="labels")
    return (typed[0], labels, *typed[1:], LogColumn("__time__", "bigint", "__time__", kind="time", listed=False))
