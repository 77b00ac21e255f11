"""Values between separators: what ``e_csv``, ``e_psv`` and ``e_tsv`` share."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments

__all__ = ["columns", "pairs"]

_MOST_COLUMNS = 1000


def pairs(value: str, names: tuple[str, ...], sep: str, quote: str, restrict: bool) -> list[tuple[str, str]] | None:
    """The names with the values of the first record; None if there is none, or, with ``restrict``, not as many values as names."""
    values = _record(value, sep, quote)
    if not values or (restrict and len(values) != len(names)):
        return None
    return list(zip(names, values, strict=False))


def _record(value: str, sep: str, quote: str) -> list[str] | None:
    csv.field_size_limit(sys.maxsize)  # the module's own limit is a setting of the process; fields of events have theirs elsewhere
    rows = csv.reader(io.StringIO(value, newline=""), delimiter=sep, quotechar=quote, skipinitialspace=sep != " ")
    try:
        return next(rows, None)
    except csv.Error:
        return None


def columns(source: pl.Series, call: Arguments) -> Any:
    """The same over a column: texts without quotes and line ends are cut at separators, the others are left to the scalar form."""
    import polars as pl

    names, sep, quote, restrict = call.fixed("names"), call.fixed("sep"), call.fixed("quote"), call.fixed("restrict")
    if not 0 < len(names) <= _MOST_COLUMNS or sep == " " or sep == quote:
        raise Decline
    odd = source.str.contains(quote, literal=True) | source.str.contains("[\\r\\n\\x00]")
    odd = odd.fill_null(False)
    known = source if not odd.any() else pl.select(pl.when(~odd).then(source)).to_series()
    matched = (known.str.len_bytes() > 0).fill_null(False)
    separators = known.str.count_matches(sep, literal=True)
    if restrict:
        matched = matched & (separators == len(names) - 1).fill_null(False)
    if not matched.all():
        known = pl.select(pl.when(matched).then(known)).to_series()
    parts = known.str.splitn(sep, len(names) + 1).struct.unnest()
    found = [(name, parts[:, number].str.strip_chars_start(" ")) for number, name in enumerate(names)]
    return (found, matched, odd) if odd.any() else (found, matched)
