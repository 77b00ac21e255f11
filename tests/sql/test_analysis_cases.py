"""Worked statements, when they lie beside the project: all of them must give the rows they promise.

They are found as ``../*/cases/sql.jsonl``, or where ``LOGSLUICE_CASES`` says.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.sql.worked_cases import problem_of

_ROOT = Path(__file__).parents[2]

ELSEWHERE = {"tw-008": "an empty time range is refused by whoever takes the range, before a statement is looked at"}


def _found() -> Path | None:
    named = os.environ.get("LOGSLUICE_CASES")
    if named:
        return Path(named) / "sql.jsonl"
    return next(iter(sorted(_ROOT.parent.glob("*/cases/sql.jsonl"))), None)


def _cases() -> list[dict[str, Any]]:
    path = _found()
    if path is None:
        return []
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [case for case in cases if case["kind"] != "search" and case["id"] not in ELSEWHERE]


CASES = _cases()


@pytest.mark.skipif(not CASES, reason="no worked cases beside the project")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(case: dict[str, Any]) -> None:
    assert problem_of(case) is None
