"""e_tsv"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, extraction
from transforms.rules.functions.extraction._kinds import OneCharacter
from transforms.rules.functions.extraction._separated import columns, pairs
from transforms.rules.kinds import Flag, Names, Text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments


@extraction(
    "extraction",
    parameters={
        "field": "The field that holds the values.",
        "names": "The names of the values, as a list or as text with commas between.",
        "sep": "What stands between the values, one character.",
        "quote": "What stands around values that hold separators, one character; doubled inside, it stands for itself.",
        "restrict": "Whether the event stays as it is when there are not as many values as names.",
    },
    examples=[
        Example('e_tsv("line", "a, b, c")', {"line": "1\t2\t3"}, {"line": "1\t2\t3", "a": "1", "b": "2", "c": "3"}),
        Example(
            'e_tsv("line", ["a", "b"])',
            {"line": '"x\t ""z"""\t y'},
            {"line": '"x\t ""z"""\t y', "a": 'x\t "z"', "b": "y"},
            title="Quotes protect separators",
        ),
        Example('e_tsv("line", "a,b,c")', {"line": "1\t2"}, {"line": "1\t2", "a": "1", "b": "2"}, title="Values may be missing"),
        Example('e_tsv("line", "a,b,c", restrict=True)', {"line": "1\t2"}, {"line": "1\t2"}),
        Example('e_tsv("line", "a,b", sep="::")', {"line": "1::2"}, error="one character is needed"),
    ],
    mode="fill-auto",
)
def e_tsv(
    value: Text, names: Names, sep: OneCharacter = "\t", quote: OneCharacter = '"', restrict: Flag = False
) -> list[tuple[str, str]] | None:
    """Takes fields out of a line of values with tabs between them.

    Only the first record of the text is read. Blanks after a separator are left out. If there are fewer values than names, the other
    names get none; surplus values are ignored. With ``restrict`` such events stay as they are.
    """
    return pairs(value, names, sep, quote, restrict)


@e_tsv.columns
def _columns(source: pl.Series, call: Arguments, field_name: str) -> Any:
    return columns(source, call)
