"""hashids_decoding"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.encoding._hashids import ALPHABET, hashids
from transforms.rules.functions.encoding._kinds import Alphabet, MinimalLength
from transforms.rules.kinds import Text


@expression(
    "encoding",
    parameters={
        "value": "The text that was made of integers.",
        "salt": "The salt with which it was made.",
        "min_length": "The minimal length with which it was made.",
        "alphabet": "The alphabet with which it was made.",
    },
    examples=[
        Example('hashids_decoding(v("h"), salt="this is my salt")', {"h": "NkK9"}, [12345]),
        Example('op_index(hashids_decoding("laHquq", "this is my salt"), 2)', {}, 3, title="One of several"),
        Example('hashids_decoding("NkK9", "another salt")', {}, error="this is no text that was made with this salt"),
    ],
    status="presumed",
)
def hashids_decoding(value: Text, salt: Text = "", min_length: MinimalLength = 0, alphabet: Alphabet = ALPHABET) -> list[int]:
    """Gives the integers of which `hashids_encoding` made a text, always as a list.

    A text that was made with another salt, minimal length or alphabet fails the event.
    """
    if len(value) > 25_000:
        raise ValueError("the text is longer than any that was made of integers")
    return hashids(salt, min_length, alphabet).decode(value)
