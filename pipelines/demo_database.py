"""The demo's database: the tables `chiji_user`, `report` and `spend` in SQLite, or in MySQL or MariaDB when a URL names one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from transforms.core.errors import ParameterInvalid

__all__ = ["DemoDatabase"]

_MARK = "made by the Logsluice demo"
_TABLES = {
    "chiji_user": "create table chiji_user (uid int(11) not null default '0', user_nick text, gender tinyint(1) default null, "
    "age int(11) default null, balance float default null, province text, primary key (uid))",
    "report": "create table report (minute bigint(20) default null, pv bigint(20) default null)",
    "spend": "create table spend (hour bigint(20) not null, province varchar(40) default null, money bigint(20) default null, "
    "purchases bigint(20) default null)",
}


class DemoDatabase:
    """Where the tables are, and how they are registered as ExternalStores.

    Args:
        folder: holds ``game.sqlite`` when there is no URL.
        url: ``mysql://USER:PASSWORD@HOST:PORT/DATABASE``; percent-encoded parts are decoded.
    """

    def __init__(self, folder: Path, url: str | None) -> None:
        self._path = folder / "game.sqlite"
        self._url = urlsplit(url) if url else None
        if self._url is not None and not (
            self._url.scheme.startswith(("mysql", "mariadb")) and self._url.hostname and self._url.path.strip("/")
        ):
            # The URL may hold a password, so it is not repeated.
            raise ParameterInvalid("LOGSLUICE_MYSQL_URL is not usable", hint="mysql://USER:PASSWORD@HOST:3306/DATABASE")

    @property
    def kind(self) -> str:
        return "SQLite" if self._url is None else "MySQL"

    def config(self, table: str) -> dict[str, Any]:
        """The configuration of a table's ExternalStore, as `external-store create` takes it."""
        if self._url is None:
            return {"externalStoreName": table, "storeType": "sqlite", "parameter": {"db": str(self._path), "table": table}}
        parameter = {
            "region": "", "vpc-id": "", "instance-id": "", "host": self._url.hostname or "", "port": str(self._url.port or 3306),
            "username": unquote(self._url.username or ""), "password": unquote(self._url.password or ""),
            "db": unquote(self._url.path.strip("/")), "table": table,
        }  # fmt: skip
        return {"externalStoreName": table, "storeType": "rds-vpc", "parameter": parameter}

    def fill(self, users: Iterable[Sequence[Any]]) -> None:
        """Make the tables anew: users filled, the others empty. One transaction for the rows."""
        with self._connection() as (connection, mark):
            cursor = connection.cursor()
            for table in _TABLES:
                self._refuse_foreign(cursor, table)
            for table, statement in _TABLES.items():
                cursor.execute(f"drop table if exists {table}")
                cursor.execute(statement if self._url is None else f"{statement} default charset = utf8mb4 comment = '{_MARK}'")
            cursor.executemany(f"insert into chiji_user values ({', '.join([mark] * 6)})", list(users))
            connection.commit()

    def _refuse_foreign(self, cursor: Any, table: str) -> None:
        """Tables of these names may be somebody's own: only those that the demo has marked as its own are replaced."""
        if self._url is None:
            return  # the file is the demo's
        cursor.execute("select table_comment from information_schema.tables where table_schema = database() and table_name = %s", (table,))
        found = cursor.fetchone()
        if found is not None and found[0] != _MARK:
            raise ParameterInvalid(
                f"the database of LOGSLUICE_MYSQL_URL has a table {table!r} that this demo did not make; nothing was changed",
                hint="name an empty database",
            )

    @contextlib.contextmanager
    def _connection(self) -> Iterator[tuple[Any, str]]:
        if self._url is None:
            import sqlite3

            with contextlib.closing(sqlite3.connect(self._path)) as connection:
                yield connection, "?"
            return
        import pymysql

        connection = pymysql.connect(
            host=self._url.hostname, port=self._url.port or 3306, user=unquote(self._url.username or ""),
            password=unquote(self._url.password or ""), database=unquote(self._url.path.strip("/")), charset="utf8mb4",
        )  # fmt: skip
        with contextlib.closing(connection):
            yield connection, "%s"
