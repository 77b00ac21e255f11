"""Tables of databases for rules: loaded whole, loaded anew, or kept up to date by what has changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.core.suggest import suggestion
from transforms.stores.rule_resources import SqlRequest, TableData

if TYPE_CHECKING:
    import polars as pl

    from transforms.connectors.sql_database_text import TextDatabase, TextQuery

__all__ = ["SqlTable"]

_ADDRESS = re.compile(r"(?:[a-z]+://)?(?P<host>\[[^\]]+\]|[^:/\s]+)(?::(?P<port>[0-9]{1,5}))?/?")
_MOST_AT_EDGE = 10_000
"""Rows of the newest moment that are remembered, to tell them from others of the same moment that come later."""
_MOST_STALE = 50_000


class SqlTable:
    """The rows that a request asks for. `load` gives them, `refresh` newer ones; both are called by one thread at a time.

    Args:
        request: what the rule says.
        folder: where a relative path of a SQLite file begins.
    """

    def __init__(self, request: SqlRequest, folder: str | None = None) -> None:
        self._request = request
        self._database = _database(request, folder)
        self._incremental = bool(request.update_time_key and request.primary_keys)
        self._newest: Any = None
        self._edge: set[tuple[Any, ...]] | None = set()
        self._base = 0

    def __repr__(self) -> str:
        return f"<SqlTable {self.name}>"

    @property
    def name(self) -> str:
        """What it is, for messages."""
        what = self._request.table if self._request.sql is None else "a SELECT"
        return f"{what} of the database {self._database.address}"

    def load(self) -> TableData:
        """All rows."""
        frame = self._read(self._query(None))
        self._base = len(frame)
        if not self._request.refresh_interval:
            self.close()  # a server has few connections and a job many processes
        return _data(frame, 0)

    def refresh(self, old: TableData) -> TableData:
        """The rows as they are now, with all that rules made of the old ones; the same object when they are the same."""
        where = self._newest, self._edge, self._base
        try:
            new = self._refreshed(old)
            if new is not old:
                new.follow(old)
        except BaseException:
            # What was read and did not become part of the table is read again.
            self._newest, self._edge, self._base = where
            raise
        return new

    def _refreshed(self, old: TableData) -> TableData:
        import polars as pl

        before: Any = pl.from_arrow(old.table)
        if not self._incremental or self._newest is None:
            frame = self._read(self._query(None))
            if frame.equals(before):
                return old
            self._base = len(frame)
            return _data(frame, old.version + 1)
        known = set(self._edge or ())
        frame = self._read(self._query(self._newest), known)
        if not len(frame):
            return old
        if frame.columns != before.columns:  # the table was altered meanwhile
            frame = self._read(self._query(None))
            self._base = len(frame)
            return _data(frame, old.version + 1)
        grown = before.vstack(frame)
        if len(grown) > self._base + max(_MOST_STALE, self._base // 4):
            # Rows that newer ones took the place of.
            grown = grown.unique(list(self._request.primary_keys), keep="last", maintain_order=True)
            self._base = len(grown)
        return _data(grown, old.version + 1)

    def close(self) -> None:
        """Let go of connections."""
        self._database.close()

    def _query(self, since: Any) -> TextQuery:
        from transforms.connectors.sql_database_text import TextQuery

        request = self._request
        grows = request.update_time_key if self._incremental else None
        source = {name: column for column, name in request.fields or ()}
        if grows is not None and request.sql is None and grows in source:
            grows = source[grows]
        table = request.table if request.sql is None else None
        fields = request.fields if request.sql is None else None
        return TextQuery(table, request.sql, fields, grows, since, inclusive=self._edge is not None)

    def _read(self, query: TextQuery, known: set[tuple[Any, ...]] | None = None) -> pl.DataFrame:
        """The rows, but for those that are known; remembers where to go on."""
        import polars as pl

        # Rows of the newest moment come again, all that there are now: so those are remembered, and not the ones before.
        newest = None if query.since is None else self._newest
        edge: set[tuple[Any, ...]] | None = None if newest is not None and self._edge is None else set()
        frames: list[pl.DataFrame] = []
        rounded = False
        for rows in self._database.read(query):
            frame = pl.DataFrame(pl.from_arrow(rows.batch))
            self._check(frame.columns)
            if rows.grown is not None:
                rounded = rounded or rows.rounded
                try:
                    newest, edge = _edge_of(frame, rows.grown, newest, edge)
                except (TypeError, ArithmeticError):
                    raise StoreRejected(
                        f"the column {query.grows!r} holds values that cannot be compared", hint="update_time_key is a time or a number"
                    ) from None
                if known:
                    frame = frame.filter(pl.Series([row not in known for row in frame.iter_rows()], dtype=pl.Boolean))
            frames.append(frame)
        whole = pl.concat(frames, rechunk=False)
        frames.clear()
        if rounded and newest is not None and edge is not None:
            # The server prints fewer digits than it compares: begin a little earlier, known rows are left out.
            newest = float(newest) - abs(float(newest)) * 1e-5
        self._newest, self._edge = newest, edge
        return whole.rechunk()

    def _check(self, names: Sequence[str]) -> None:
        for key in self._request.primary_keys:
            if key not in names:
                raise StoreRejected(f"the primary key {key!r} is not among the columns", hint=suggestion(key, names, "column"))


def _edge_of(
    frame: pl.DataFrame, given: Sequence[Any], newest: Any, edge: set[tuple[Any, ...]] | None
) -> tuple[Any, set[tuple[Any, ...]] | None]:
    """The newest value so far, and the rows that have it (None when they are too many to remember)."""
    values = _ordered(given)
    known = [value for value in values if value is not None]
    if not known:
        return newest, edge
    most = max(known)
    if newest is not None and most < newest:
        return newest, edge
    if newest is None or most > newest:
        edge = set()
    if edge is not None:
        rows = [number for number, value in enumerate(values) if value == most]
        if len(edge) + len(rows) > _MOST_AT_EDGE:
            return most, None
        edge |= set(frame[rows].iter_rows())
    return most, edge


def _ordered(values: Sequence[Any]) -> Sequence[Any]:
    """Values of the column that grows, so that they compare as in the database and go back to it as what they are."""
    first = next((value for value in values if value is not None), None)
    if not isinstance(first, bytes | str):
        return values
    texts = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    for number in (int, Decimal):
        try:
            return [None if text is None else number(text) for text in texts]
        except (ValueError, ArithmeticError):
            continue
    return texts


def _data(frame: pl.DataFrame, version: int) -> TableData:
    import polars as pl

    if max((column.n_chunks() for column in frame), default=0) > 16:
        frame = frame.rechunk()
    return TableData(frame.to_arrow(compat_level=pl.CompatLevel.newest()), version)


def _database(request: SqlRequest, folder: str | None) -> TextDatabase:
    from pathlib import Path

    from transforms.connectors.sql_database_text import TextDatabase

    if request.address.startswith("sqlite:"):
        path = Path(request.address.removeprefix("sqlite:")).expanduser()
        if not path.is_absolute() and folder is not None and "://" not in folder:
            path = Path(folder) / path
        return TextDatabase("sqlite", {"db": str(path)}, "")
    found = _ADDRESS.fullmatch(request.address.strip())
    if found is None or int(found["port"] or 1) not in range(1, 65_536):
        raise ParameterInvalid(
            f"the address {request.address!r} of the database is not HOST or HOST:PORT",
            hint="db.example.com:3306; a SQLite file: sqlite:PATH",
        )
    postgresql = request.connector == "pgsql"
    parameter = {
        "host": found["host"].strip("[]"),
        "port": found["port"] or ("5432" if postgresql else "3306"),
        "username": request.username,
        "db": request.database,
    }
    return TextDatabase("postgresql" if postgresql else "rds-vpc", parameter, request.password, use_ssl=request.use_ssl)
