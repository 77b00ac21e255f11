"""The shape of the compiled condition: what an engine can prune with, and what it reads."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from transforms.sql.search import SearchPredicate, compile_search, parse_search
from transforms.sql.statement import split_statement
from transforms.stores.index import FieldIndex, FullTextIndex, Index

INDEX = Index(FullTextIndex(), {"n": FieldIndex("long"), "d": FieldIndex("double"), "t": FieldIndex(), "w": FieldIndex(delimiters="")})


class Typed:
    """Columns as a Logstore with typed columns has them."""

    def text(self, field: str) -> str:
        return f"{field}_text" if field in ("n", "d") else field

    def number(self, field: str, kind: str) -> str:
        return field

    def leaf(self, field: str, path: str) -> str:
        return f"json_extract_string({field}, '$.{path}')"

    def fields(self) -> list[str]:
        return ["n", "d", "t", "w"]


def compiled(text: str) -> SearchPredicate:
    return compile_search(parse_search(split_statement(text)), INDEX, Typed())


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("*", "true"),
        ("n >= 500", "n >= 500"),
        ("n:5 and d < 2", "(n = 5 AND d < 2.0e0)"),
        ("n in [1 5)", "(n >= 1 AND n < 5)"),
        ("n > 5 not d = 1.5", "(n > 5 AND (d = 1.5e0) IS NOT TRUE)"),
        ("n > 5 or d > 1", "(n > 5 OR d > 1.0e0)"),
        ("w:Get", "lower(w) = 'get'"),
        ("w:404", "w = '404'"),
        ("w:/a/*", "starts_with(lower(w), '/a/')"),
        ("w:*", "w IS NOT NULL"),
        ('w:""', "w = ''"),
        ("n:-9223372036854775808", "n = CAST('-9223372036854775808' AS BIGINT)"),
    ],
)
def test_plain_conditions_stay_plain(text: str, sql: str) -> None:
    assert compiled(text).sql == sql


def test_numbers_reach_the_scan(tmp_path: Path) -> None:
    path = tmp_path / "logs.parquet"
    connection = duckdb.connect()
    connection.execute(f"COPY (SELECT i AS n, i::DOUBLE AS d, 'x' AS t FROM range(1000) r(i)) TO '{path}'")
    predicate = compiled("n >= 500 and d < 600 and t:x")
    rows = connection.execute(f"EXPLAIN SELECT count(*) FROM '{path}' WHERE {predicate.sql}").fetchall()
    scan = "".join(str(row[1]) for row in rows)
    scan = "".join(scan[scan.rindex("Filters") :].split()).replace("│", "")
    assert "n>=500" in scan
    assert "d<600.0" in scan
    found = connection.execute(f"SELECT count(*) FROM '{path}' WHERE {predicate.sql}").fetchone()
    assert found == (100,)


def test_the_fields_that_are_read() -> None:
    assert compiled("n > 5 t:x").fields == {"n", "t"}
    assert compiled("word").fields == {"n", "d", "t", "w"}
    assert compiled("*").fields == frozenset()


def test_a_search_for_everything_is_known_as_such() -> None:
    assert compiled("").matches_all
    assert compiled("(*)").matches_all
    assert not compiled("* and n:1").matches_all


def test_warnings_of_the_parser_are_kept() -> None:
    assert "binds weaker" in compiled("not n:1 and t:x").warnings[0]
