"""Cuts a statement ``search | SQL`` into its two parts, and remembers where each stood."""

from __future__ import annotations

import re
from dataclasses import dataclass

from transforms.core.errors import Location, StatementError

__all__ = ["Statement", "split_statement"]

# `insert` and `with` are also words somebody may search for, so they need the rest of their clause to count as SQL.
_SQL_FIRST = re.compile(
    r"""(select)(?![\w:.-]|\s*:)
      | (insert)\s+(?:into|overwrite)\b
      | (with)\s+(?:recursive\s+)?\S+\s*(?:\([^)]*\)\s*)?as\s*\(""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Statement:
    """A statement in its parts.

    ``text[search_start : search_start + len(search)] == search``, and the same for ``sql``; both are without the blanks
    around them. ``sql`` is None for a statement that only searches; an empty ``search`` filters nothing.
    """

    text: str
    search: str
    search_start: int
    sql: str | None
    sql_start: int


def split_statement(text: str) -> Statement:
    """Split at the first ``|`` outside double quotes.

    In the search part a backslash escapes a double quote, and single quotes are ordinary characters. Semicolons at the
    end of the statement are dropped.

    Raises:
        StatementError: the search part is missing, nothing follows the ``|``, or the text is not valid Unicode.
    """
    for position, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise StatementError(
                "the statement holds half of a character pair (a lone surrogate)",
                hint="write the statement as valid UTF-8",
                location=Location(text.encode("utf-8", "replace").decode(), position, position + 1),
            )
    end = len(text)
    while end and (text[end - 1].isspace() or text[end - 1] == ";"):
        end -= 1
    first = len(text) - len(text.lstrip())
    opening = _SQL_FIRST.match(text, first)
    if opening:
        word = next(group for group in opening.groups() if group)
        raise StatementError(
            "sql query must follow search query",
            hint="put '* | ' before it: everything is searched, then the SQL runs",
            location=Location(text, first, first + len(word)),
            code="SearchMissing",
        )
    bar = _first_bar(text)
    if bar is None or bar >= end:
        search, search_start = _trimmed(text, 0, end)
        return Statement(text, search, search_start, None, end)
    search, search_start = _trimmed(text, 0, bar)
    if text.startswith("||", bar):
        raise StatementError(
            "the search part has no operator ||",
            hint="write 'or' between two conditions; a single | starts the SQL",
            location=Location(text, bar, bar + 2),
        )
    sql, sql_start = _trimmed(text, bar + 1, end)
    if not sql:
        raise _nothing_follows(text, bar)
    return Statement(text, search, search_start, sql, sql_start)


def _nothing_follows(text: str, bar: int) -> StatementError:
    return StatementError(
        "nothing follows the |",
        hint="write a select after it, or leave the | away to get the logs themselves",
        location=Location(text, bar, bar + 1),
        code="SqlMissing",
    )


def _first_bar(text: str) -> int | None:
    quoted = False
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\" and text[position + 1 : position + 2] in ('"', "\\"):
            position += 2
            continue
        if character == '"':
            quoted = not quoted
        elif character == "|" and not quoted:
            return position
        position += 1
    return None


def _trimmed(text: str, start: int, end: int) -> tuple[str, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return text[start:end], start
