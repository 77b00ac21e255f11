"""dct_make"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.dictionaries._kinds import KeyOrValue, as_key


@expression(
    "dictionaries",
    parameters={"pairs": "A key, its value, the next key, its value, and so on."},
    examples=[
        Example('dct_make("k1", "v1", "k2", "v2")', {}, {"k1": "v1", "k2": "v2"}),
        Example('dct_make(v("a"), 1, "x", 2)', {"a": "x"}, {"x": 2}, title="Of equal keys the last one wins"),
        Example("dct_make()", {}, {}),
        Example('dct_make("k1")', {}, error="an odd number of arguments"),
        Example("dct_make(lst_make(), 1)", {}, error="a list cannot be a key"),
    ],
    pairs=True,
)
def dct_make(*pairs: KeyOrValue) -> dict[Any, Any]:
    """Makes a dictionary of keys and values.

    Keys are text or numbers; values keep their kinds. ``{key: value}`` means the same.
    """
    return dict(zip(map(as_key, pairs[::2]), pairs[1::2], strict=True))
