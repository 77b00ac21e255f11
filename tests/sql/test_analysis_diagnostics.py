"""What people read when SQL is refused, whole: one file for each under diagnostics/sql.

The first line of a file is the statement, the message follows. Write them anew with ``LOGSLUICE_WRITE_DIAGNOSTICS=1``, then
read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sql.statement_world import refusal
from transforms.core.diagnostics import render

FILES = sorted((Path(__file__).parent / "diagnostics" / "sql").glob("*.txt"))


def test_there_are_files() -> None:
    assert len(FILES) > 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_refusal_reads_like_this(path: Path) -> None:
    statement, expected = path.read_text(encoding="utf-8").split("\n", 1)
    shown = render(refusal(statement.replace("\\n", "\n"))) + "\n"
    if os.environ.get("LOGSLUICE_WRITE_DIAGNOSTICS"):
        path.write_text(f"{statement}\n{shown}", encoding="utf-8")
        return
    assert shown == expected
