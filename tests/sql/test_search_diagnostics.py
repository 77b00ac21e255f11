"""What people read when a search is refused, whole: one file for each under diagnostics/search.

The first line of a file is the statement (``\\n`` stands for a line end), the second the index; the message follows.
Write them anew with ``LOGSLUICE_WRITE_DIAGNOSTICS=1``, then read the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.sql.search_table import SearchTable
from transforms.core.diagnostics import render
from transforms.core.errors import StatementError
from transforms.stores.index import Index

FILES = sorted((Path(__file__).parent / "diagnostics" / "search").glob("*.txt"))
LOGS = [{"method": "GET", "status": "200", "info": "{}", "__topic__": "t", "__source__": "s"}]


def test_there_are_files() -> None:
    assert len(FILES) > 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_refusal_reads_like_this(path: Path) -> None:
    statement, index_line, expected = path.read_text(encoding="utf-8").split("\n", 2)
    index = None if index_line == "none" else Index.from_json(json.loads(index_line))
    with pytest.raises(StatementError) as caught:
        SearchTable(LOGS).compiled(statement.replace("\\n", "\n"), index)
    message = render(caught.value)
    if os.environ.get("LOGSLUICE_WRITE_DIAGNOSTICS"):
        path.write_text(f"{statement}\n{index_line}\n{message}\n", encoding="utf-8")
    assert expected.rstrip("\n") == message
    assert caught.value.hint
    assert caught.value.exit_code == 2
