"""Query strings of rules, such as ``status: 2?? and not method == GET``: a small search language over the fields of a log.

`Query` is what functions get; `parse` makes its tree, `scalar` tests one log and is the definition, `columns` is the same over frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from transforms.rules.query.parse import QueryInvalid, parse_query
from transforms.rules.query.scalar import test
from transforms.rules.query.tree import Node, Not, Test

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.query.columns import Columns

__all__ = ["Query", "QueryInvalid"]


class Query:
    """A parsed query. Make them with `Query.of`, which keeps those in use.

    Raises QueryInvalid (a ValueError) for text that is no query.
    """

    __slots__ = ("text", "tree")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree: Node = parse_query(text)

    @staticmethod
    def of(text: str) -> Query:
        """The query of a text, parsed once."""
        return _parsed(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Query.of, (self.text,))

    def __repr__(self) -> str:
        return f"Query({self.text!r})"

    def test(self, fields: Mapping[str, str]) -> bool:
        """Whether a log (field → text) is what the query looks for. Raises TimeoutError for a regular expression that takes too long."""
        return test(self.tree, fields)

    def mask(self, source: Columns, rows: int) -> pl.Series:
        """Which rows of a frame or a table the query looks for (Boolean, no null). Raises TimeoutError as `test` does."""
        from transforms.rules.query.columns import mask

        return mask(self.tree, source, rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that it names."""
        return tuple(dict.fromkeys(leaf.field for leaf in _leaves(self.tree) if leaf.field is not None))


def _leaves(node: Node) -> Iterator[Test]:
    if isinstance(node, Test):
        yield node
    elif isinstance(node, Not):
        yield from _leaves(node.part)
    else:
        for part in node.parts:
            yield from _leaves(part)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Query:
    return Query(text)
