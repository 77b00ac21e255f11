"""What the engine beam-sql refuses, and where it stands in the statement."""

from __future__ import annotations

import re

from sqlglot import exp

__all__ = ["Refused", "called"]


class Refused(Exception):
    """``what`` (a construct, as users call it) at ``node`` cannot run there; ``why``, if there is more to say.

    ``word``: how it begins in the statement, for nodes that do not remember where they stood.
    """

    def __init__(self, what: str, node: exp.Expr | None = None, *, why: str = "", word: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self._node = node
        self._word = word

    def span(self, sql: str) -> tuple[int, int]:
        """The characters it covers in the SQL part; the whole part when nothing tells."""
        if self._word:
            # Not inside a string: those are blanked out first.
            bare = re.sub(r"'[^']*'", lambda text: "_" * len(text[0]), sql)
            found = re.search(rf"\b{self._word}\b", bare, re.I)
            if found is not None:
                return found.span()
        node = self._node
        while node is not None:
            meta = node._meta or {}
            if meta.get("span"):
                start, end = meta["span"]
                return start, end
            node = node.parent
        return 0, len(sql)


def called(node: exp.Expr) -> str:
    """What the user called a function that became this node: the node's own mark, or that of what encloses it."""
    place: exp.Expr | None = node
    while place is not None and not isinstance(place, exp.Query):
        name = (place._meta or {}).get("called")
        if name:
            return str(name).casefold()
        place = place.parent
    return str(node.this).casefold() if isinstance(node, exp.Anonymous) else node.key
