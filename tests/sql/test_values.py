"""Result values as plain JSON and as text."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import pytest

from transforms.sql.engine import Engine
from transforms.sql.result import Rows
from transforms.sql.values import cell_text, plain_value

CASES: list[tuple[str, Any]] = [
    ("1::bigint", 1),
    ("1.5::double", 1.5),
    ("true", True),
    ("'ü'", "ü"),
    ("null::bigint", None),
    ("timestamp '2026-01-02 03:04:05.678901'", "2026-01-02 03:04:05.678"),
    ("date '2026-01-02'", "2026-01-02"),
    ("time '03:04:05'", "03:04:05"),
    ("12.50::decimal(10,2)", 12.5),
    ("7::decimal(20,0)", 7),
    ("18446744073709551615::decimal(20,0)", "18446744073709551615"),
    ("0.1234567890123456789::decimal(20,19)", "0.1234567890123456789"),
    ("'ab'::blob", "YWI="),
    ("[1, null, 3]", [1, None, 3]),
    ("[]::bigint[]", []),
    ("map {'a': 1, 'b': null}", {"a": 1, "b": None}),
    ("map {1: [2.5::double]}", {"1": [2.5]}),
    ("map {}::map(varchar, bigint)", {}),
    ("row(1, 'x')", [1, "x"]),
]


@pytest.mark.parametrize(("sql", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_value_from_the_engine(sql: str, expected: Any) -> None:
    engine = Engine()
    try:
        table = engine.run(f"select {sql} as v")
    finally:
        engine.close()
    assert list(Rows(table).plain()) == [[expected]]
    json.dumps(expected)


@pytest.mark.parametrize("sql", [case[0] for case in CASES if not case[0].startswith(("map", "row", "["))])
def test_python_values_and_arrow_values_are_the_same(sql: str) -> None:
    engine = Engine()
    try:
        rows, table = engine.rows(f"select {sql} as v"), engine.run(f"select {sql} as v")
    finally:
        engine.close()
    assert rows.table is None
    assert list(rows.plain()) == list(Rows(table).plain())


def test_many_rows_stay_columns() -> None:
    engine = Engine()
    try:
        rows = engine.rows("select range as n from range(50000)")
    finally:
        engine.close()
    assert rows.table is not None and len(rows) == 50_000
    assert sum(row[0] for row in rows.plain()) == 50_000 * 49_999 // 2


def test_text_of_cells() -> None:
    assert [cell_text(value) for value in (None, True, 1.5, math.nan, -math.inf, {"a": [1]}, "x")] == [
        "null", "true", "1.5", "NaN", "-Infinity", '{"a": [1]}', "x",
    ]  # fmt: skip
    assert plain_value(Decimal("NaN")) == "NaN" and plain_value(dt.time(1, 2)) == "01:02:00"
