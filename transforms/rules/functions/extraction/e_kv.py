"""e_kv"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, extraction
from transforms.rules.functions.extraction._keyed import quoted_pattern
from transforms.rules.functions.extraction._kinds import GrouplessRegex, OneCharacter
from transforms.rules.functions.extraction._names import is_field_name
from transforms.rules.kinds import Flag, Text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments


@extraction(
    "extraction",
    parameters={
        "fields": "The field that is searched, or a list of fields, one after the other.",
        "sep": "What stands between key and value, a regular expression without groups; blanks around it are allowed.",
        "quote": "What may stand around values, one character.",
        "escape": "Whether a backslash before the quote makes it part of the value.",
        "prefix": "Put before each key.",
        "suffix": "Put behind each key.",
    },
    examples=[
        Example('e_kv("q")', {"q": "/s?a=1&b=x%20y"}, {"q": "/s?a=1&b=x%20y", "a": "1", "b": "x%20y"}),
        Example(
            """e_kv("m", sep=":", prefix="m_")""",
            {"m": 'k: "two words", n:3'},
            {"m": 'k: "two words", n:3', "m_k": "two words", "m_n": "3"},
        ),
        Example(r'e_kv("m", escape=True)', {"m": r'k="a\"b" n=1'}, {"m": r'k="a\"b" n=1', "k": 'a"b', "n": "1"}, title="Escaped quotes"),
        Example(r'e_kv("m")', {"m": r'k="a\"b"'}, {"m": r'k="a\"b"', "k": "a\\"}, title="Without escape the first quote ends the value"),
        Example('e_kv("m")', {"m": "a=1&b=&c=3"}, {"m": "a=1&b=&c=3", "a": "1", "c": "3"}, title="Empty values are left out"),
        Example('e_kv(["x", "y"])', {"x": "a=1", "y": "b=2"}, {"x": "a=1", "y": "b=2", "a": "1", "b": "2"}),
        Example('e_kv("m", sep="(=)")', {"m": "a=1"}, error="no groups are allowed"),
    ],
    mode="fill-auto",
)
def e_kv(
    value: Text,
    sep: GrouplessRegex = "=",  # type: ignore[assignment]
    quote: OneCharacter = '"',
    escape: Flag = False,
    prefix: Text = "",
    suffix: Text = "",
) -> list[tuple[str, str]] | None:
    """Takes pairs of key and value out of a text.

    Keys are made of letters, digits and ``_ . -``; a value without quotes of the same and ``% ~``, at least one of them. Values in quotes
    may hold anything but the quote; blanks at their ends are removed. Keys that could not be field names (``1k``, ``__1__``) are left
    out.
    """
    found = [
        (f"{prefix}{key}{suffix}", (quoted.replace(f"\\{quote}", quote) if escape else quoted).strip() if bare is None else bare)
        for key, quoted, bare in (match.groups() for match in quoted_pattern(sep.text, quote, escape).each(value))
        if is_field_name(key)
    ]
    return found or None


@e_kv.columns
def _columns(source: pl.Series, call: Arguments, field_name: str) -> Any:
    from transforms.rules.functions.extraction._keyed_columns import quoted_columns

    return quoted_columns(source, call)
