"""Rust's engine against the ``regex`` module: equal spans and groups wherever a translation is given."""

from __future__ import annotations

import random

import polars as pl
import pytest

from transforms.rules.pattern import Pattern
from transforms.rules.pattern_rust import never_empty, sure_group, translate

ATOMS = [
    "a", "b", "A", "z", "0", "9", "_", "-", " ", ",", '"', r"\.", r"\[", r"\\", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "[ab]", "[^a]",
    "[a-c0-3]", r"[^\d,]", r"[\w.-]", r"[^\s\"]", "[]a]", "[^]a-]", r"[\x41-\x5a]", r"\x61", r"\u0062", "é", "[é-ü]", "[^é]", "[a-é]",
    r"\b", "^", "$", r"\A", r"\Z", r"\t", "ab", "abc", "(?#note)", r"[\b]", "{", "}", "]", r"\-", r"\/", "&", "[&&a]", "[+--]", "~", "#",
]  # fmt: skip
QUANTIFIERS = ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{,2}", "{1,}", "{2,}?", "{0}"]
ALPHABET = 'aabbcAzZ09_- ,."[]\\\t\r\x0b\x1c{}&~#/\x00\x7f'


def expression(seeded: random.Random, depth: int) -> str:
    kind = seeded.random()
    if depth == 0 or kind < 0.45:
        return seeded.choice(ATOMS) + seeded.choice(QUANTIFIERS)
    if kind < 0.7:
        return "".join(expression(seeded, depth - 1) for _ in range(seeded.randint(1, 4)))
    opening = seeded.choice(["(", "(", "(?:", "(?i:", "(?>", f"(?P<n{seeded.randint(0, 10**6)}>", f"(?<m{seeded.randint(0, 10**6)}>"])
    inner = "|".join(expression(seeded, depth - 1) for _ in range(seeded.randint(1, 3)))
    return f"{opening}{inner}){seeded.choice(QUANTIFIERS)}"


def whole_expression(seeded: random.Random) -> str:
    prefix = seeded.choice(["", "", "", "", "^", "(?i)", "(?s)", "(?m)", "(?im)"])
    return prefix + expression(seeded, 3) + seeded.choice(["", "", "", "$"])


def by_rust(pattern: str, values: list[str]) -> list[tuple[str | None, ...] | None]:
    found = pl.Series("", values, pl.String).str.extract_groups(f"({pattern})").struct.unnest().rows()
    return [None if row[0] is None else row for row in found]


def by_python(pattern: str, values: list[str]) -> list[tuple[str | None, ...] | None]:
    compiled = Pattern.of(pattern)
    matches = [compiled.search(value) for value in values]
    return [None if match is None else (match[0], *match.groups()) for match in matches]


@pytest.mark.parametrize("seed", range(6))
def test_random_expressions_find_the_same(seed: int) -> None:
    seeded = random.Random(seed)
    translated = 0
    for _ in range(900):
        text = whole_expression(seeded)
        try:
            Pattern.of(text)
        except ValueError:
            continue
        rust = translate(text)
        if rust is None:
            continue
        translated += 1
        values = ["".join(seeded.choices(ALPHABET, k=seeded.randint(0, 9))) for _ in range(40)]
        found = by_python(text, values)
        assert by_rust(rust, values) == found, (text, rust)
        sure = sure_group(text)
        if sure is not None:
            assert all(groups is None or groups[sure] is not None for groups in found), text
        if never_empty(text):
            assert all(groups is None or groups[0] for groups in found), text
    assert translated > 200


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"(?P<ip>\d+\.\d+\.\d+\.\d+) - (\S+)", "at 10.0.0.1 - me"),
        (r"^(?<verb>[A-Z]+) (?<path>[^ ?]*)(?:\?(?<query>\S*))? HTTP/(\d\.\d)$", "GET /a?b=c HTTP/1.1"),
        (r"(?:(?:\w+\.)+)com", "www.example.com"),
        (r"k=(\"(?:[^\"\\]|\\.)*\")", r'k="a \" b" c'),
        (r"(?i)error|fail(?:ed|ure)?", "It FAILED"),
        (r"[\u4e00-\u9fa5a-z]+(\d*)", "abc12"),
        (r"(?>\d\d){1,2}-x", "2020-x"),
        (r"(a)|b", "b"),
        (r"(?:(a)|(b))+", "abab"),
    ],
)
def test_usual_expressions_are_translated(text: str, value: str) -> None:
    rust = translate(text)
    assert rust is not None
    assert by_rust(rust, [value]) == by_python(text, [value])


@pytest.mark.parametrize(
    "text",
    [
        r"a(?=b)", r"(?<!a)b", r"(a)\1", r"(?P<x>a)(?P=x)", r"(?>a|ab)c", r"(?>a+)b", "a++", "a*+", r"\((?:[^()]|(?R))*\)", r"(?P<x>a)|(?P<x>b)",
        r"(a)?(?(1)b|c)", r"\h+", r"\p{L}", "(a*)*", "(?:a?)+", "(a+)+$", "(a|ab)*c", r"(\w+\s?)+$", "(?x) a b", "(?V1)[[a-z]--[b]]",
        "(?:abc){e<=1}", "a{e}", r"\X", r"\Ba", r"\R", "[[:alpha:]]", "(?i)é", "(?|a|b)", r"\G", r"\K", r"\N{DIGIT ONE}", r"\m", "a(?i)b",
        r"\101", "(a){0}b", "(?:" * 150 + "a" + ")" * 150, r"(?:\w{1,900}){1,900}", r"\L<x>", "(?r)a", "(?b)a",
    ],
)  # fmt: skip
def test_what_may_differ_is_left_to_python(text: str) -> None:
    assert translate(text) is None
