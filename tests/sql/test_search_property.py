"""The compiled SQL finds what the plain reference finds, on random logs and random searches."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.search_reference import found
from tests.sql.search_table import SearchTable
from transforms.core.errors import SearchError
from transforms.sql.search import compile_search, describe, parse_search
from transforms.sql.search.nodes import Node, Span
from transforms.sql.statement import split_statement
from transforms.stores.index import FieldIndex, FullTextIndex, Index

INDEXES = [
    Index(
        FullTextIndex(delimiters=" /x", case_sensitive=sensitive, exclude_indexed=exclude),
        {
            "text": FieldIndex(case_sensitive=sensitive),
            "whole": FieldIndex(delimiters="", case_sensitive=sensitive),
            "odd": FieldIndex(delimiters="a-]^\\", case_sensitive=sensitive),
            "long": FieldIndex("long"),
            "double": FieldIndex("double"),
            "json": FieldIndex("json", leaves={"n": FieldIndex("long"), "d.e": FieldIndex("double"), "t": FieldIndex()}),
        },
    )
    for sensitive in (False, True)
    for exclude in (False, True)
]

# Few different tokens, so that random words are often found and nearly found.
vocabulary = st.sampled_from(["a", "A", "aB", "aBa", "ab", "é", "É7", "中", "7", "7.", "a-", "-"])
separators = st.sampled_from([" ", "/", "x", "'", "\n", "?", "*", " /", "]", "^"])
values = st.lists(vocabulary | separators, max_size=6).map("".join)
numbers = st.sampled_from(
    ["0", "7", "8", "-7", "7.0", "7.5", "-0.5", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "70"]
)
leaves = st.one_of(values.map(lambda text: '"' + text.replace("\n", "\\n") + '"'), st.sampled_from(["7", "7.5", "true", "-7", "[7]"]))
jsons = st.one_of(
    st.tuples(leaves, leaves, leaves).map(lambda it: f'{{"n": {it[0]}, "d": {{"e": {it[1]}}}, "t": {it[2]}}}'),
    st.sampled_from(['{"n": 7', "", "7", "[1]"]),
)
logs = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "text": values, "whole": values, "odd": values, "free": values, "a b": values, "__topic__": values,
            "__tag__:k": values, "long": numbers | values, "double": numbers | values, "json": jsons,
        },
    ),
    max_size=6,
)  # fmt: skip

plain = st.lists(vocabulary | st.sampled_from(["/", "x"]), min_size=1, max_size=3).map("".join)
wild = st.tuples(vocabulary, st.sampled_from(["*", "?", "??", "*a", "?a", "*?", "/a*", "x?"])).map("".join)
quoted = st.lists(vocabulary | separators, min_size=1, max_size=4).map(lambda parts: f'"{"".join(parts)}"')
phrases = quoted.map(lambda text: f"#{text}")
words = plain | wild | quoted | phrases
text_keys = st.sampled_from(["text", "whole", "odd", "json", "json.t", "__topic__", "__tag__:k"])
number_keys = st.sampled_from(["long", "double", "json.n", "json.d.e"])
conditions = st.one_of(
    words,
    st.tuples(text_keys, words | st.sampled_from(["*", '""'])).map(":".join),
    st.tuples(number_keys, numbers | st.sampled_from(["*", '""'])).map(":".join),
    st.tuples(number_keys, st.sampled_from(["=", "<", "<=", " > ", ">="]), numbers).map("".join),
    st.builds(
        lambda key, low, high, opening, closing: f"{key} in {opening}{low} {high}{closing}",
        number_keys, numbers, numbers, st.sampled_from("[("), st.sampled_from("])"),
    ),
    st.just("*"),
)  # fmt: skip
searches = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " ", " or ", " not ", " AND not "]), inner).map("".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"({text})").map(lambda text: f"not {text}"),
    ),
    max_leaves=6,
)


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(logs, st.lists(searches, min_size=1, max_size=6), st.sampled_from(INDEXES))
def test_the_sql_finds_what_the_reference_finds(rows: list[dict[str, str]], texts: list[str], index: Index) -> None:
    table = SearchTable([{"id": str(number), **row} for number, row in enumerate(rows)])
    for text in texts:
        try:
            search = parse_search(split_statement(text))
            compile_search(search, index, table.columns)
        except SearchError as error:
            assert error.location is not None and error.hint, text
            continue
        assert table.find(text, index) == [str(number) for number, row in enumerate(rows) if found(row, search.root, index)], text


@settings(max_examples=300, deadline=None, derandomize=True)
@given(searches)
def test_the_description_parses_to_the_same_tree(text: str) -> None:
    try:
        search = parse_search(split_statement(text))
    except SearchError:
        return
    again = parse_search(split_statement(describe(search)))
    assert _shape(again.root) == _shape(search.root)
    assert describe(again) == describe(search)
    assert again.warnings == ()


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.text(alphabet='ab:"\\#()[]<>=*?|! inotrd_,5\n', max_size=30) | st.text(max_size=20))
def test_any_text_is_parsed_or_refused_with_its_place(text: str) -> None:
    try:
        search = parse_search(split_statement(text))
    except Exception as error:
        location = getattr(error, "location", None)
        assert location is not None, error
        assert 0 <= location.start <= location.end <= len(text)
        assert getattr(error, "hint", None)
    else:
        assert describe(search)


def _shape(node: Node) -> object:
    if isinstance(node, tuple):
        return tuple(_shape(part) for part in node)
    if hasattr(node, "__dataclass_fields__"):
        parts = {name: getattr(node, name) for name in node.__dataclass_fields__ if not isinstance(getattr(node, name), Span)}
        return (type(node).__name__, *(_shape(part) for name, part in parts.items() if name != "kind"))
    return node
