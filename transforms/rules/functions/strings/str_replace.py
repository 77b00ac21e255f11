"""str_replace"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Integer, Text
from transforms.rules.limits import MOST_CHARACTERS, within_limit

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "old": "What is replaced, literally.",
        "new": "What stands there instead; without it what is found is taken out.",
        "count": "How many are replaced at most, from the left; without it all.",
    },
    examples=[
        Example('str_replace(v("a"), "-", "%")', {"a": "a-b-c"}, "a%b%c"),
        Example('str_replace(v("a"), "-", "%", 1)', {"a": "a-b-c"}, "a%b-c"),
        Example('str_replace(v("a"), "-")', {"a": "a-b-c"}, "abc", title="Taken out"),
        Example('str_replace(v("a"), "", ".")', {"a": "ab"}, ".a.b.", title="An empty text is found between all characters"),
        Example('str_replace("a-b", "-", new="%")', {}, error="takes 'new' by position only"),
        Example('str_replace(v("missing"), "-", "%")', {}, error="None is not text"),
    ],
)
def str_replace(value: Text, old: Text, new: Text = "", count: Integer | None = None, /) -> str:
    """Replaces a piece of text by another.

    Arguments go by position only. The pieces are taken literally; `regex_replace` knows expressions. A count of 0 replaces nothing, a negative one all.
    """
    times = -1 if count is None else count
    if len(new) > len(old) and len(value) * (len(new) + 1) > MOST_CHARACTERS:
        found = value.count(old)
        within_limit(len(value) + (found if times < 0 else min(found, times)) * (len(new) - len(old)))
    return value.replace(old, new, times)


@str_replace.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.limits import MOST_CHARACTERS
    from transforms.rules.text_columns import longest

    value, old, new, count = call.text("value"), call.fixed("old"), call.fixed("new"), call.fixed("count")
    if not isinstance(old, str) or not isinstance(new, str) or not old:
        raise Decline
    if len(new) > len(old) and longest(value) * (len(new) + 1) > MOST_CHARACTERS:
        raise Decline
    if count == 0:
        return value
    if count is None or count < 0:
        return value.str.replace_all(old, new, literal=True)
    return value.str.replace(old, new, literal=True, n=count)
