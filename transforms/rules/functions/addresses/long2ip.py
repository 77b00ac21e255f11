"""long2ip"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.addresses._networks import dotted
from transforms.rules.kinds import AnyValue
from transforms.rules.values import as_integer


@expression(
    "addresses",
    parameters={
        "number": "A whole number from 0 to 4294967295.",
        "default": "What to give for what cannot be read.",
    },
    examples=[
        Example('long2ip(v("n"))', {"n": "167772160"}, "10.0.0.0"),
        Example('long2ip(v("n"))', {"n": "4294967296"}, ""),
        Example('long2ip(v("n"), default="none")', {"n": "ten"}, "none"),
        Example("long2ip()", {}, error="number"),
    ],
)
def long2ip(number: AnyValue, default: AnyValue = "") -> Any:
    """Turns a number into an IPv4 address.

    What is no such number gives the default.
    """
    try:
        whole = as_integer(number)
    except (ValueError, TypeError):
        return default
    return dotted(4, whole) if 0 <= whole < 1 << 32 else default
