"""Ledgers of scheduled SQL for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger_database import DATABASES
from tests.schedule.sql_ledger import Kept, ledger_url


@pytest.fixture(params=DATABASES)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """An empty ledger with a clock that is set by hand."""
    opened = Kept(ledger_url(request, tmp_path))
    yield opened
    opened.ledger.close()
