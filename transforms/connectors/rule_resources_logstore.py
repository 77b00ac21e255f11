"""Logs of a Logstore as a table for rules: read once, or followed as they come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transforms.connectors import open_logstore
from transforms.core.errors import NotFound
from transforms.core.field_columns import RECEIVE_TIME, TIME, column_of
from transforms.core.interval import Interval
from transforms.stores.rule_resources import LogstoreRequest, TableData

if TYPE_CHECKING:
    import polars as pl

    from transforms.core.log_group import LogGroup
    from transforms.stores.logstore import LogstoreDescriptor

__all__ = ["LogstoreTable"]

_MICROSECONDS = 1_000_000
_MOST_CHUNKS = 64
_ORDER = "~order"


class LogstoreTable:
    """The logs that a request asks for, oldest received first. `load` and `refresh` are called by one thread at a time."""

    def __init__(self, request: LogstoreRequest, descriptor: LogstoreDescriptor) -> None:
        self._request = request
        self._descriptor = descriptor
        self._version = 0

    @property
    def name(self) -> str:
        """What it is, for messages."""
        return f"the Logstore {self._descriptor.project}/{self._descriptor.name}"

    def load(self) -> TableData:
        """The logs there are. Raises NotFound, StoreUnavailable."""
        return _data(self._whole(), 0)

    def refresh(self, old: TableData) -> TableData:
        """With the logs that came since, and all that rules made of the old ones; the same object when none came."""
        where = self._version
        try:
            new = self._refreshed(old)
            if new is not old:
                new.follow(old)
        except BaseException:
            self._version = where  # what did not become part of the table is read again
            raise
        return new

    def _refreshed(self, old: TableData) -> TableData:
        import polars as pl

        before: Any = pl.from_arrow(old.table)
        store = open_logstore(self._descriptor)
        version, added = max(self._version, store.version()), []
        try:
            for batch in store.tail(self._version):
                if batch.replaced:
                    return self._anew(before, old)
                added.append(self._frame(batch.groups))
                version = max(version, batch.version)
        except NotFound as error:
            if error.code != "CursorExpired":
                raise
            return self._anew(before, old)
        self._version = version
        if not any(len(frame) for frame in added):
            return old
        return _data(pl.concat([before, *added], rechunk=False), old.version + 1)

    def _anew(self, before: pl.DataFrame, old: TableData) -> TableData:
        """All logs again: some that were read are no longer there, or what came in between is not told any more."""
        whole = self._whole()
        return old if whole.equals(before) else _data(whole, old.version + 1)

    def _whole(self) -> pl.DataFrame:
        store = open_logstore(self._descriptor)
        snapshot = store.snapshot(received=self._received())
        fields = [field for field, _ in self._request.fields]
        frame = self._frame(store.read_files(snapshot.files, received=self._received(), fields=fields))
        self._version = snapshot.version
        return frame

    def _received(self) -> Interval:
        request = self._request
        start = None if request.from_time is None else request.from_time * _MICROSECONDS
        return Interval.of(start, None if request.to_time is None else (request.to_time + 1) * _MICROSECONDS)

    def _frame(self, groups: Iterable[LogGroup]) -> pl.DataFrame:
        """The fields of logs as text columns, oldest received first."""
        import polars as pl

        schema = {name: pl.String for _, name in self._request.fields}
        received = self._received()
        frames: list[pl.DataFrame] = [pl.DataFrame(schema={**schema, _ORDER: pl.Int64})]
        for group in groups:
            whole = group.trimmed().frame()
            if RECEIVE_TIME in whole.columns:
                whole = whole.filter(pl.col(RECEIVE_TIME).is_between(received.start, received.end, closed="left"))
            order = pl.col(RECEIVE_TIME) if RECEIVE_TIME in whole.columns else pl.lit(None, pl.Int64)
            cells = [_cells(field, whole.columns).cast(pl.String).alias(name) for field, name in self._request.fields]
            frames.append(whole.select(*cells, order.cast(pl.Int64).alias(_ORDER)))
        return pl.concat(frames).sort(_ORDER, maintain_order=True).drop(_ORDER)


def _cells(field: str, columns: list[str]) -> pl.Expr:
    """A field's cells; a time as Unix seconds."""
    import polars as pl

    if field == TIME:
        return pl.col(TIME)
    if field == "__receive_time__" and RECEIVE_TIME in columns:
        return pl.col(RECEIVE_TIME) // _MICROSECONDS
    column = column_of(field)
    return pl.col(column) if column in columns else pl.lit(None, pl.String)


def _data(frame: pl.DataFrame, version: int) -> TableData:
    import polars as pl

    if max((column.n_chunks() for column in frame), default=0) > _MOST_CHUNKS:
        frame = frame.rechunk()
    return TableData(frame.to_arrow(compat_level=pl.CompatLevel.newest()), version)
