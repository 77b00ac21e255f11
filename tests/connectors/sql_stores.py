"""Opening ExternalStores on the suite's MariaDB and on SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.mariadb import Database
from transforms.connectors.sql_database import SqlDatabaseStore, open_sql_database
from transforms.core.secret import Secret
from transforms.stores.external_store import ExternalStoreDescriptor

__all__ = ["mysql_descriptor", "mysql_store", "rows", "sqlite_store"]


def mysql_descriptor(database: Database, table: str, folder: Path, **more: str) -> ExternalStoreDescriptor:
    parameter = database.parameter(table, **more)
    secret = folder / "password"
    secret.write_text(parameter.pop("password"))
    return ExternalStoreDescriptor(f"s_{table}", "rds-vpc", parameter, Secret(f"file:{secret}"))


def mysql_store(database: Database, table: str, folder: Path, **more: str) -> SqlDatabaseStore:
    return open_sql_database(mysql_descriptor(database, table, folder, **more))


def sqlite_store(path: Path, table: str, *statements: str) -> SqlDatabaseStore:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return open_sql_database(ExternalStoreDescriptor(f"s_{table}", "sqlite", {"db": str(path), "table": table}))


def rows(batches: Iterable[Any]) -> list[tuple[Any, ...]]:
    """All rows of record batches."""
    found = list(batches)
    return [tuple(row.values()) for row in pa.Table.from_batches(found).to_pylist()] if found else []
