"""hashids_encoding"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.encoding._hashids import ALPHABET, hashids
from transforms.rules.functions.encoding._kinds import Alphabet, MinimalLength, WholeNumbers
from transforms.rules.kinds import Text


@expression(
    "encoding",
    parameters={
        "value": "An integer from 0 on, or a list of them.",
        "salt": "A text that makes the results one's own.",
        "min_length": "How long the result is at least, to 1,000.",
        "alphabet": "The characters of which the result consists, at least 16.",
    },
    examples=[
        Example('hashids_encoding(v("id"), salt="this is my salt")', {"id": "12345"}, "NkK9"),
        Example('hashids_encoding([1, 2, 3], "this is my salt")', {}, "laHquq", title="Several integers in one text"),
        Example('hashids_encoding(1, "this is my salt", 8)', {}, "gB0NV05e"),
        Example('hashids_encoding(v("id"))', {"id": "-1"}, error="integers from 0 to"),
    ],
    status="presumed",
)
def hashids_encoding(value: WholeNumbers, salt: Text = "", min_length: MinimalLength = 0, alphabet: Alphabet = ALPHABET) -> str:
    """Turns integers into a short text that looks random (Hashids).

    `hashids_decoding` with the same salt, length and alphabet turns it back. It hides nothing from those who try: the salt can be
    worked out, so this is no encryption.
    """
    return hashids(salt, min_length, alphabet).encode(value)
