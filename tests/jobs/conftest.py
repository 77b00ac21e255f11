"""Ledgers of jobs for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.sql_job_ledgers import DATABASES, Kept, ledger_url
from transforms.connectors import open_catalogue


@pytest.fixture(scope="session")
def job_database(request: pytest.FixtureRequest) -> Any:
    """One MariaDB database for all tests of ledgers: emptying its tables is ten times quicker than making them."""
    database = request.getfixturevalue("mariadb").database()
    open_catalogue(f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}").close()
    return database


@pytest.fixture(params=DATABASES)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """An empty ledger with a clock that is set by hand."""
    opened = Kept(ledger_url(request, tmp_path))
    yield opened
    opened.ledger.close()
