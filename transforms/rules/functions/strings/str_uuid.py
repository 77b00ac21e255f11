"""str_uuid"""

from __future__ import annotations

import uuid

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Flag


@expression(
    "strings",
    parameters={"lower": "Whether the letters are small ones."},
    examples=[
        Example("str_uuid()", {}, "6f8d1a52-3b6e-4f0a-9c55-0d1b2f3a4c5d", run=False),
        Example("str_uuid(lower=false)", {}, "6F8D1A52-3B6E-4F0A-9C55-0D1B2F3A4C5D", run=False),
        Example("str_uuid(true, 1)", {}, error="takes 1 positional argument but 2 were given"),
    ],
    pure=False,
)
def str_uuid(lower: Flag = True) -> str:
    """Gives a random identifier (UUID of version 4).

    Each event gets one of its own. A job that repeats a batch after a failure gives other ones.
    """
    made = str(uuid.uuid4())
    return made if lower else made.upper()
