"""Empty catalogues in real databases, for tests of the ledgers that are kept in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.mariadb import MariadbServer
from transforms.connectors import open_catalogue
from transforms.connectors.sql_catalogue_engine import make_engine

__all__ = ["DATABASES", "empty_catalogue", "ledger_database_url"]

DATABASES = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]
_TABLES = (
    "job", "job_version", "job_lane", "job_figure", "consumer_group", "consumer", "seat",
    "schedule_task", "schedule_version", "schedule_instance", "schedule_backfill", "logstore", "name", "project",
)  # fmt: skip


@pytest.fixture(scope="session")
def ledger_database_url(mariadb: MariadbServer) -> Iterator[str]:
    """One MariaDB database for all tests of ledgers."""
    database = mariadb.database()
    url = f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
    open_catalogue(url).close()
    yield url


def empty_catalogue(request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a catalogue without anything in it. MariaDB's is emptied for each test: that is ten times quicker than making its tables."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'catalogue.sqlite'}"
    url: str = request.getfixturevalue("ledger_database_url")
    engine = make_engine(url)
    with engine.begin() as connection:
        for table in _TABLES:
            connection.execute(sa.text(f"delete from {table}"))
    engine.dispose()
    return url
