"""Labels asked for by a constant key come straight from the text of a sample: ten times as fast as by way of the map."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from transforms.core.field_columns import column_of
from transforms.sql.scan import LOG
from transforms.stores.metricstore import LABELS, is_label_key

__all__ = ["label_column", "pick_labels"]

_LOOKUP = "map_extract_value"


def label_column(key: str) -> str:
    """The column of ``"~log"`` that has the value of one label. The engine compares names without case, labels do not."""
    return f"~label:{column_of(key)}"


def pick_labels(tree: exp.Expr, columns: frozenset[str], *, pick: bool) -> tuple[exp.Expr, frozenset[str], tuple[str, ...]]:
    """A statement in which columns of single labels stand for lookups in the map of labels, when it uses the map for nothing else.

    Returns the tree (the very same when there is nothing to pick, or not ``pick``), those of the columns of ``"~log"`` that it still
    reads, and the keys whose columns it reads besides.
    """
    if not pick or LABELS not in columns:
        return tree, columns, ()
    copy = tree.copy()
    keys: dict[str, None] = {}
    for call in list(copy.find_all(exp.Anonymous)):
        key = _key_of(call)
        if key is not None:
            keys[key] = None
            table = call.expressions[0].args["table"].copy()
            call.replace(exp.Column(this=exp.Identifier(this=label_column(key), quoted=True), table=table))
    if any(column.name == LABELS for column in copy.find_all(exp.Column)):
        return tree, columns, ()  # grouped by the whole map, say: then a label is a part of the group's key and no column
    return copy, columns - {LABELS}, tuple(keys)


def _key_of(call: exp.Anonymous) -> str | None:
    if call.name.casefold() != _LOOKUP or len(call.expressions) != 2:
        return None
    column, key = call.expressions
    if not (isinstance(column, exp.Column) and column.name == LABELS and isinstance(key, exp.Literal) and key.is_string):
        return None
    # Any other key is none that a label has, and finds nothing in the map.
    return key.this if is_label_key(key.this) and _is_of_log(column) else None


def _is_of_log(column: exp.Column) -> bool:
    """Whether a column is one of ``"~log"`` itself, not of a subquery over it."""
    place = column.find_ancestor(exp.Select)
    while place is not None:
        for source in _sources(place):
            if source.alias_or_name == column.table:
                return isinstance(source, exp.Table) and source.name == LOG
        place = place.find_ancestor(exp.Select)
    return False


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    """What stands in FROM and JOIN."""
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from_.this
    for join in select.args.get("joins") or ():
        yield join.this
