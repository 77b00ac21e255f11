"""e_search"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import QueryString

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "checks",
    parameters={"query": "What to look for, in the query language described here."},
    examples=[
        Example('e_search("status: 4?? and method == GET")', {"status": "404", "method": "GET"}, True),
        Example('e_search("error")', {"message": "an error occurred"}, True, title="Text without a field is looked for in all values"),
        Example('e_search("not error: *")', {"message": "error"}, True, title="Whether a field is missing"),
        Example('e_search("latency > 1.5 and bytes: [100, *]")', {"latency": "2", "bytes": "1e3"}, True, title="Numeric text"),
        Example('e_search("latency < 10")', {"latency": "fast"}, False, title="What is no number compares with none"),
        Example(r"""e_search('path ~= "^/api/v\d+/"')""", {"path": "/api/v2/users"}, True, title="A regular expression"),
        Example(
            r"""e_search(r'__tag__\:__path__: "/var/log*.gz"')""",
            {"__tag__:__path__": "/var/log/a.gz"},
            True,
            title="Special characters in a name",
        ),
        Example('e_search("status: (200 or 404")', {}, error="this bracket is not closed"),
        Example('e_search(v("query"))', {"query": "size > many"}, error="> compares numbers"),
    ],
)
def e_search(event: Event, query: QueryString) -> bool:
    r"""Tells whether the event is what a query looks for.

    - ``text``: some value has the text in it;
    - ``f: text``: the value of field ``f`` has the text in it; ``f: *`` asks whether there is such a field;
    - ``f: (a or b)``: as ``f: a or f: b``;
    - ``f == text``: the whole value is the text;
    - ``f ~= "regex"``: the regular expression matches somewhere in the value;
    - ``f > 5``: the value is a number and compares so; also ``>=``, ``<``, ``<=``, ``=``;
    - ``f: [1, 5]``: the value is a number between both, which count; ``*`` is an open end.

    Tests are joined by ``and`` (``&&``), ``or`` (``||``), ``not`` (``!``) and brackets; ``not`` binds closest, then ``and``. Tests side
    by side are joined by *or*: ``f: a b`` looks for ``a`` in ``f`` or for ``b`` anywhere. In texts ``*`` is any run of characters and
    ``?`` one; after a backslash they stand for themselves. Text with blanks or brackets is put in double quotes. Names are never quoted;
    special characters in them take a backslash. Upper and lower case differ. A field that is missing fails every test, so
    ``not`` of a test holds for it. ``=`` with something that is no number compares text.
    """
    return query.test(event.fields)


@e_search.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    query = call.fixed("query")
    try:
        found: Column = query.mask(frame, frame.rows)
    except TimeoutError:
        raise Decline from None  # the scalar form finds out which events take too long
    return found
