"""Field names as column names: reversible, and never the same column for two fields."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transforms.core.field_columns import (
    OVERFLOW,
    RECEIVE_TIME,
    SHARD,
    TIME,
    TIME_NS,
    TYPED,
    column_of,
    field_of,
    is_field_column,
    typed_column,
)

NAMES = st.text(st.characters(codec=None, categories=None), max_size=12)  # half surrogates too
TRICKY = st.text(st.sampled_from("aAbBzZ0~%_.- ıİKKéÉßẞ日Ⅳⅳ\x00\ud800"), max_size=8)


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("status", "status"), ("a.b-c_d", "a.b-c_d"), ("userId", "userId~10"), ("UserID", "UserID~31"), ("A", "A~1"),
        ("a b", "a%20b"), ("__tag__:pod", "__tag__%3apod"), ("", "%"), ("%", "%25"), ("%20", "%2520"), ("~x", "%7ex"),
        ("日本", "日本"), ("é", "%c3%a9"), ("a" * 300, "a" * 300), ("\x00", "%00"), ("\ud800", "%ed%a0%80"),
    ],
)  # fmt: skip
def test_the_escape(field: str, column: str) -> None:
    assert column_of(field) == column
    assert field_of(column) == field


@given(NAMES | TRICKY)
@example("%")
@example("~")
@example("A~1")
def test_every_field_has_a_column_that_tells_it(field: str) -> None:
    column = column_of(field)
    assert field_of(column) == field
    assert column and not column.startswith("~")
    assert is_field_column(column) == (field != TIME)
    assert "~~" not in column and column.encode()  # encodes, whatever the name held
    assert not set(column) & set(" ,;{}()\n\t=\"'`/\\")


@given(TRICKY, TRICKY)
@example("userId", "userid")
@example("K", "K")  # the Kelvin sign folds to k
@example("İ", "i̇")
@example("ſ", "s")
@example("Ⅳ", "ⅳ")
@example("é", "é")
def test_no_two_fields_share_a_column_where_letter_case_is_ignored(one: str, other: str) -> None:
    if one != other:
        for folded in (str.lower, str.upper, str.casefold, lambda text: unicodedata.normalize("NFKC", text).casefold()):
            assert folded(column_of(one)) != folded(column_of(other))


@given(NAMES, st.sampled_from(["long", "double"]))
def test_a_typed_twin_is_no_field(field: str, kind: str) -> None:
    assert typed_column(field, kind) == f"{column_of(field)}~~{kind}"
    assert not is_field_column(typed_column(field, kind))


def test_own_columns_are_no_fields() -> None:
    assert not any(map(is_field_column, [TIME, TIME_NS, RECEIVE_TIME, SHARD, TYPED, OVERFLOW]))


def test_plain_names_stay_readable() -> None:
    plain = string.ascii_lowercase + string.digits + "_.-"
    assert column_of(plain) == plain
