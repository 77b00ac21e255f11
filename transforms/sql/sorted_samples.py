"""The samples of a Metricstore, series by series: sorted by name, labels and time, streamed; the sort spills to disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from transforms.core.interval import ALL_TIME, Interval
from transforms.sql.engine import Engine, EngineLimits
from transforms.sql.scan import LOG, LogScan, RawColumns, ScanColumn, quoted
from transforms.stores.logstore import Snapshot
from transforms.stores.metricstore import LABELS, NAME, TIME_NANO, VALUE

__all__ = ["sorted_samples"]

_ALL = f"select name, labels, nano, value from {quoted(LOG)} order by name, labels, nano, value"
# Of two samples of one moment the greater counts: the answer must not depend on the order of files.
_LATEST = f"""select name, labels, newest.nano as nano, newest.value as value
from (select name, labels, max({{'nano': nano, 'value': value}}) as newest from {quoted(LOG)} group by name, labels)
order by name, labels"""


def sorted_samples(
    snapshot: Snapshot, times: Interval = ALL_TIME, *, latest: bool = False, limits: EngineLimits | None = None
) -> Iterator[Any]:
    """Arrow record batches with the columns ``name``, ``labels`` (as stored), ``nano`` and ``value``.

    Args:
        snapshot: of a Metricstore, taken for ``times``.
        times: seconds of the samples' times.
        latest: only the newest sample of each name with the same labels.
        limits: of the engine.

    Raises QueryFailed, StoreUnavailable.
    """
    raw = RawColumns(snapshot.fields, snapshot.has_overflow)
    columns = (
        ScanColumn("name", raw.text(NAME)),
        ScanColumn("labels", raw.text(LABELS)),
        ScanColumn("nano", raw.number(TIME_NANO, "long")),
        ScanColumn("value", raw.number(VALUE, "double")),
    )
    scan = LogScan(
        columns=columns,
        physical=tuple(raw.physical.items()),
        typed=tuple(raw.typed),
        predicate="",
        times=times,
        has_overflow=snapshot.has_overflow,
        known=frozenset(snapshot.fields),
        access=snapshot.access,
    )
    with closing(Engine(limits=limits)) as engine:
        for name, table in scan.tables(snapshot.files).items():
            engine.define_table(name, table)
        engine.define_log(scan.relation(snapshot.files))
        yield from engine.batches(_LATEST if latest else _ALL)
