"""JMESPath expressions: what is refused at load, what is found, and the bounds."""

from __future__ import annotations

import pickle
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.rules.jmes import JmesPath


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be empty"),
        ("name-test", "unknown token"),
        ("a[", "incomplete expression"),
        ("foo(@)", "there is no function foo()"),
        ("a.length(@, @)", "length() takes 1 arguments, not 2"),
        ("not_null()", "not_null() takes at least 1 arguments, not 0"),
        ("a[::0]", "step of a slice"),
        ("(" * 4000 + "a" + ")" * 4000, "nested too deeply"),
        ("a." * 6000 + "a", "at most"),
    ],
)
def test_what_is_no_jmespath_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"JMESPath") as caught:
        JmesPath.of(text)
    assert message.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b[0].c", 1),
        ("a.b[-1].c", 2),
        ("a.b[7]", None),
        ("a.b.c", None),
        ('a."x-y"', "z"),
        ("a.b[].c", [1, 2]),
        ("a | b | [1].c", 2),
        ("length(a.b)", 2),
        ("a.b[?c > `1`].c", [2]),
        ("@", {"a": {"b": [{"c": 1}, {"c": 2}], "x-y": "z"}}),
    ],
)
def test_what_is_found(text: str, found: Any) -> None:
    assert JmesPath.of(text).search({"a": {"b": [{"c": 1}, {"c": 2}], "x-y": "z"}}) == found


@pytest.mark.parametrize(
    "text",
    [
        " | ".join(["[@, @]"] * 40),
        " | ".join(["[@, @] | []"] * 40),
        " | ".join(["join('', [@, @])"] * 40),
        " | ".join(["to_string([@])"] * 40),
        " | ".join(["[@, @]"] * 40) + " | " + "[*]" * 40,
    ],
)
def test_expressions_that_double_what_they_make_are_stopped(text: str) -> None:
    with pytest.raises(ValueError, match=r"more than [\d,]+"):
        JmesPath.of(text).search("some text \\")


def test_a_deep_document_is_an_error_and_no_crash() -> None:
    document: Any = None
    for _ in range(100_000):
        document = [document]
    with pytest.raises(ValueError, match="nested too deeply"):
        JmesPath.of("to_string(@)").search(document)


def test_it_survives_pickling() -> None:
    path = JmesPath.of("a.b[]")
    assert pickle.loads(pickle.dumps(path)) is path


_documents = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(
    _documents,
    st.sampled_from(
        ["a", "a.b", "a[0]", "[0]", "[-1].a", "a.b[1].c", "a | b", "*.a", "[].a", "[*].b[]", "{x: a, y: b}", "a || b", "[1:]", "@"]
    ),
)
def test_it_finds_what_the_library_finds(document: Any, text: str) -> None:
    assert JmesPath.of(text).search(document) == jmespath.search(text, document)
