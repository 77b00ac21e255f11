"""e_kv_delimit"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, extraction
from transforms.rules.functions.extraction._keyed import delimited_pattern
from transforms.rules.functions.extraction._kinds import GrouplessRegex, SeparatorSet
from transforms.rules.functions.extraction._names import is_field_name
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments


@extraction(
    "extraction",
    parameters={
        "fields": "The field that is searched, or a list of fields, one after the other.",
        "pair_sep": r"Characters that separate pairs, as inside of […] in a regular expression, such as \s or &?.",
        "kv_sep": "What stands between key and value, a regular expression without groups.",
        "prefix": "Put before each key.",
        "suffix": "Put behind each key.",
    },
    examples=[
        Example('e_kv_delimit("m")', {"m": "i=c1 k1=v1"}, {"m": "i=c1 k1=v1", "i": "c1", "k1": "v1"}),
        Example('e_kv_delimit("q", pair_sep="&?")', {"q": "a=1&b=2?c=3"}, {"q": "a=1&b=2?c=3", "a": "1", "b": "2", "c": "3"}),
        Example(
            'e_kv_delimit("m", pair_sep="|", kv_sep=" eat ")',
            {"m": "rats eat rice, oil|cats eat fish|"},
            {"m": "rats eat rice, oil|cats eat fish|", "rats": "rice, oil", "cats": "fish"},
        ),
        Example(
            'e_kv_delimit("m", pair_sep=",", suffix="_")',
            {"m": "a=1=2,1b=2,c=,=3,d=4"},
            {"m": "a=1=2,1b=2,c=,=3,d=4", "d_": "4"},
            title="Cut at the last separator; odd keys and empty values are left out",
        ),
        Example('e_kv_delimit("m", pair_sep="z-a")', {"m": "a=1"}, error="invalid regular expression"),
    ],
    mode="fill-auto",
)
def e_kv_delimit(
    value: Text,
    pair_sep: SeparatorSet = r"\s",  # type: ignore[assignment]
    kv_sep: GrouplessRegex = "=",  # type: ignore[assignment]
    prefix: Text = "",
    suffix: Text = "",
) -> list[tuple[str, str]] | None:
    """Takes pairs of key and value out of a text that is cut at separators.

    Between separators, each pair is cut at its last ``kv_sep``; quotes and blanks mean nothing special. Keys and values must not be
    empty, and keys that could not be field names (``1k``, `` k``) are left out.
    """
    pattern = delimited_pattern(kv_sep.text)
    found = [
        (f"{prefix}{match[1]}{suffix}", match[2])
        for pair in pair_sep.split(value)
        if pair and (match := pattern.whole(pair)) is not None and is_field_name(match[1])
    ]
    return found or None


@e_kv_delimit.columns
def _columns(source: pl.Series, call: Arguments, field_name: str) -> Any:
    from transforms.rules.functions.extraction._keyed_columns import delimited_columns

    return delimited_columns(source, call)
