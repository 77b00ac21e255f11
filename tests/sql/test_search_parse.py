"""How the search part is read: binding, spans, warnings, limits."""

from __future__ import annotations

import pytest

from transforms.core.errors import SearchError
from transforms.sql.search import describe, parse_search
from transforms.sql.search.nodes import And, Compare, Everything, Field
from transforms.sql.statement import split_statement


def read(text: str) -> str:
    return describe(parse_search(split_statement(text)))


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("", "*"),
        ("  ", "*"),
        ("*", "*"),
        ("a b", "a and b"),
        ("a or b c", "a or (b and c)"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        ("(a or b) c", "(a or b) and c"),
        ("a not b and c", "a not (b and c)"),
        ("a not b c", "a not (b and c)"),
        ("not a and b", "not (a and b)"),
        ("(not a) and b", "(not a) and b"),
        ("a and not b", "a not b"),
        ("a not b not c", "a not b not c"),
        ("not a not b", "not a not b"),
        ("a or not b", "a or (not b)"),
        ("not a or b", "(not a) or b"),
        ("not (a or b) and c", "not ((a or b) and c)"),
        ("not (not a)", "not (not a)"),
        ("a AND b OR NOT c", "(a and b) or (not c)"),
        ("a : b", "a:b"),
        ("a>5 b >= 6", "a > 5 and b >= 6"),
        ("a in [1 2) and b in (3 4]", "a in [1 2) and b in (3 4]"),
        ("a in(1 2)", "a in (1 2)"),
        ("a = b", "a = b"),
        ("a = *", "a:*"),
        ("a:/p?x=1&y>2", "a:/p?x=1&y>2"),
        ('"a b":"c d"', '"a b":"c d"'),
        ('a:#"c d" #"e"', 'a:#"c d" and #"e"'),
        ('a:x\\"y\\"', 'a:x\\"y\\"'),
        ("__tag__:__path__:/x/y", '"__tag__:__path__":/x/y'),
        ("__tag__:k:*", '"__tag__:k":*'),
        ("a:'b", "a:'b"),
        ("a:b[0]", "a:b[0]"),
        ("* not a", "* not a"),
        ('a:""', 'a:""'),
        ("a:in", "a:in"),
    ],
)
def test_how_a_search_is_read(text: str, read_as: str) -> None:
    assert read(text) == read_as
    assert read(read_as) == read_as


def test_spans_count_in_the_whole_statement() -> None:
    text = "  \n status > 400 and method:GET | select 1"
    root = parse_search(split_statement(text)).root
    assert isinstance(root, And)
    compare, field = root.parts
    assert isinstance(compare, Compare)
    assert isinstance(field, Field)
    assert text[compare.span.start : compare.span.end] == "status > 400"
    assert text[compare.value.span.start : compare.value.span.end] == "400"
    assert text[field.span.start : field.span.end] == "method:GET"
    assert text[root.span.start : root.span.end] == "status > 400 and method:GET"


@pytest.mark.parametrize(
    ("text", "warns"),
    [
        ("not a and b", "not (a and b)"),
        ("a not b c", "not (b c)"),
        ("a not b and c", "not (b and c)"),
        ("not (a or b) and c", "not ((a or b) and c)"),
    ],
)
def test_a_not_before_an_and_warns(text: str, warns: str) -> None:
    warnings = parse_search(split_statement(text)).warnings
    assert len(warnings) == 1
    assert f"reads as {warns};" in warnings[0]
    assert "parentheses" in warnings[0]


@pytest.mark.parametrize("text", ["not (a and b)", "(not a) and b", "a not b not c", "a and not b", "not a or b", "a not (b c) not d"])
def test_clear_negations_do_not_warn(text: str) -> None:
    assert parse_search(split_statement(text)).warnings == ()


def test_thirty_conditions_are_allowed() -> None:
    assert isinstance(parse_search(split_statement(" or ".join(f"a:{n}" for n in range(30)))).root.parts, tuple)  # type: ignore[union-attr]
    with pytest.raises(SearchError, match="at most 30 conditions") as caught:
        parse_search(split_statement(" or ".join(f"a:{n}" for n in range(31))))
    assert caught.value.location is not None


def test_parentheses_nest_fifty_deep_and_no_deeper() -> None:
    assert read("(" * 50 + "a" + ")" * 50) == "a"
    for depth in (51, 100_000):
        with pytest.raises(SearchError, match="more than 50 parentheses") as caught:
            read("(" * depth)
        assert caught.value.location is not None
        assert caught.value.location.start == 50


def test_a_chain_of_stars_is_no_recursion() -> None:
    with pytest.raises(SearchError, match="at most 30"):
        read("* " * 10_000)
    assert isinstance(parse_search(split_statement("(*)")).root, Everything)


def test_words_with_wildcards_have_a_length() -> None:
    assert read("a:" + "x" * 63 + "*")
    assert read("a:" + "x" * 10_000)
    assert read('a:"' + "x" * 100 + '*"')
    with pytest.raises(SearchError, match="at most 64 characters"):
        read("a:" + "x" * 64 + "*")
