"""CSV text → columns of text, piece by piece, so that a large text does not become a list of Python rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_csv"]

_ROWS = 20_000


def read_csv(text: str, *, separator: str, quote: str, strip_left: bool, headers: Sequence[str] | None = None) -> dict[str, pl.Series]:
    """Name → texts. The first record names the columns unless ``headers`` do.

    Blank lines are skipped, missing cells are empty, surplus cells are dropped, columns without a name are left out, and of two columns
    with the same name the last is taken. Raises ValueError for a text without names.
    """
    import polars as pl

    if len(separator) != 1 or len(quote) > 1:
        raise ValueError(f"the separator of a CSV text is one character, the quote one or none, not {separator!r} and {quote!r}")
    # Half of a surrogate pair, which JSON text can bring, has no place in a column.
    clean = text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").removeprefix("\ufeff")
    csv.field_size_limit(max(csv.field_size_limit(), len(clean)))  # a setting of the process; the text has its limits elsewhere
    options: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO(clean, newline=""), delimiter=separator, skipinitialspace=strip_left, **options)
    records = _records(reader)
    names = [name.strip() if strip_left else name for name in (next(records, []) if headers is None else headers)]
    if not any(names):
        raise ValueError("a CSV text needs names of columns in its first line, or headers")
    pieces: list[list[pl.Series]] = [[] for _ in names]
    while chunk := list(islice(records, _ROWS)):
        for number, piece in enumerate(pieces):
            cells = [record[number] if number < len(record) else "" for record in chunk]
            piece.append(pl.Series("", cells, pl.String))
    empty = pl.Series("", [], pl.String)
    return {name: pl.concat(piece) if piece else empty for name, piece in zip(names, pieces, strict=True) if name}


def _records(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        for record in reader:
            if record and not (len(record) == 1 and not record[0].strip()):
                yield record
    except csv.Error as error:
        raise ValueError(f"the CSV text cannot be read: {error}") from None
