"""Statements are cut at the first bar outside quotes."""

from __future__ import annotations

import pytest

from transforms.core.errors import StatementError
from transforms.sql.statement import split_statement


@pytest.mark.parametrize(
    ("text", "search", "sql"),
    [
        ("", "", None),
        ("  \n ", "", None),
        ("*", "*", None),
        ("* | select 1", "*", "select 1"),
        ("| select 1", "", "select 1"),
        (" status:200\n| select count(*)\n from log ", "status:200", "select count(*)\n from log"),
        ("* | select 1;", "*", "select 1"),
        ("* | select 1 ; ;\n", "*", "select 1"),
        ("error;", "error", None),
        ('a:"x|y" | select 1', 'a:"x|y"', "select 1"),
        ('a:"x\\"|y" | select 1', 'a:"x\\"|y"', "select 1"),
        ('a:x\\"y | select 1', 'a:x\\"y', "select 1"),
        ('a:"x\\\\" | select "1|2"', 'a:"x\\\\"', 'select "1|2"'),
        ("a:'x | select 1", "a:'x", "select 1"),
        ("* | select a || b", "*", "select a || b"),
        ("* | select 1 | select 2", "*", "select 1 | select 2"),
        ("selected | select 1", "selected", "select 1"),
        ("select:1 | select 1", "select:1", "select 1"),
        ('"select" | select 1', '"select"', "select 1"),
        ("insert failed | select 1", "insert failed", "select 1"),
        ("with error", "with error", None),
        ("日本 | select '日本'", "日本", "select '日本'"),
    ],
)
def test_the_parts_of_a_statement(text: str, search: str, sql: str | None) -> None:
    statement = split_statement(text)
    assert (statement.search, statement.sql) == (search, sql)
    assert text[statement.search_start : statement.search_start + len(search)] == search
    if sql is not None:
        assert text[statement.sql_start : statement.sql_start + len(sql)] == sql


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("select 1", "select"),
        ("  SELECT * from log", "SELECT"),
        ("select(1)", "select"),
        ("select", "select"),
        ("insert into t select 1", "insert"),
        ("with a as (select 1) select * from a", "with"),
        ("with recursive a (x, y) as (select 1) select * from a", "with"),
    ],
)
def test_sql_alone_is_refused(text: str, word: str) -> None:
    with pytest.raises(StatementError, match="sql query must follow search query") as caught:
        split_statement(text)
    location = caught.value.location
    assert location is not None
    assert text[location.start : location.end] == word
    assert caught.value.hint is not None and "put '* | ' before it" in caught.value.hint


@pytest.mark.parametrize("text", ["* |", "*|  ", "* | ;", "|", "|;;", " | "])
def test_nothing_after_the_bar(text: str) -> None:
    with pytest.raises(StatementError, match=r"nothing follows the \|") as caught:
        split_statement(text)
    location = caught.value.location
    assert location is not None
    assert text[location.start : location.end] == "|"


def test_two_bars_are_no_or() -> None:
    with pytest.raises(StatementError, match=r"no operator \|\|") as caught:
        split_statement("a || b")
    assert caught.value.location is not None
    assert (caught.value.location.start, caught.value.location.end) == (2, 4)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(StatementError, match="lone surrogate") as caught:
        split_statement("a:\ud800b")
    assert caught.value.location is not None
    assert caught.value.location.start == 2
    caught.value.location.text.encode()
