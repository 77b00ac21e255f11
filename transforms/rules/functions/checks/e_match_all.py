"""e_match_all"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Example, expression
from transforms.rules.functions.checks import _pairs
from transforms.rules.kinds import Flag, Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "checks",
    parameters={
        "pairs": "One or more pairs of a field name and a regular expression.",
        "full": "Whether the whole values have to match; otherwise parts of them are enough.",
    },
    examples=[
        Example(r'e_match_all("status", r"2\d\d", "method", "GET")', {"status": "200", "method": "GET"}, True),
        Example(
            r'e_match_all("status", r"2\d\d", "method", "GET")', {"status": "200", "method": "PUT"}, False, title="All pairs have to match"
        ),
        Example('e_match_all("path", "/api", full=False)', {"path": "/api/users"}, True, title="Parts of the values"),
        Example('e_match_all("path", ".*")', {}, False, title="A missing field does not match"),
        Example('e_match_all("status", "[45")', {}, error="invalid regular expression"),
        Example('e_match_all("status")', {}, error="an odd number of arguments"),
    ],
    pairs=True,
)
def e_match_all(event: Event, *pairs: Text, full: Flag = True) -> bool:
    """Tells whether all fields match their regular expressions.

    A missing field does not match, so that the answer is false then. Pairs after the first that does not match are not tried.
    """
    return all(_pairs.each(event, pairs, full))


@e_match_all.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return _pairs.problems(known)


@e_match_all.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from functools import reduce

    return reduce(lambda found, one: found & one, _pairs.masks(frame, call))
