"""NOT in front of LIKE, in each place it may stand."""

from __future__ import annotations

import pytest

from tests.sql.statement_world import rows_of


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("method like 'G%'", 4), ("method not like 'G%'", 3), ("not method like 'G%'", 3), ("not (method not like 'G%')", 4),
        ("method not like 'G$%' escape '$'", 7), ("method like 'G$%' escape '$'", 0), ("method not in ('GET')", 3), ("status not between 200 and 404", 2),
        ("method not like 'G%' and status not in (404)", 2),
    ],
)  # fmt: skip
def test_not(condition: str, found: int) -> None:
    assert rows_of(f"select count(*) from log where {condition}") == [(found,)]
