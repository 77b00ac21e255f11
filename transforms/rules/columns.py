"""What an expression gives over a frame: a column, and what column forms get as arguments.

A `Column` is one of

* `Fixed`: one value for all events;
* a Polars series of text, Booleans, int64 or float64, null = None;
* a list of any values of the language, one for each event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from transforms.rules.function import Decline
from transforms.rules.values import stored_text, truth

if TYPE_CHECKING:
    from transforms.rules.frame import Frame

__all__ = ["Arguments", "Column", "Fixed", "Rendered", "condition_mask", "encodable", "normal", "series", "stored", "together", "values_of"]


@dataclass(frozen=True)
class Fixed:
    """The same value for every event."""

    value: Any


class Rendered(list[Any]):
    """A list of values whose texts, as fields keep them, are made all at once; ``source`` is what it was made from."""

    __slots__ = ("source", "texts")

    def __init__(self, values: Sequence[Any], texts: Callable[[], pl.Series], source: Any) -> None:
        super().__init__(values)
        self.texts = texts
        self.source = source


Column = Fixed | pl.Series | list[Any]

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def values_of(column: Column, rows: int) -> Sequence[Any]:
    """One Python value for each event."""
    if isinstance(column, Fixed):
        return [column.value] * rows
    return column if isinstance(column, list) else column.to_list()


def normal(values: list[Any]) -> Column:
    """A list of values as a series, where all of them are text, Booleans or integers of 64 bits (or None); otherwise as it is."""
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if kinds == {str} or not kinds:
        try:
            return pl.Series("", values, pl.String)
        except UnicodeEncodeError:  # half of a surrogate pair, from an escape in JSON text
            return values
    if kinds == {bool}:
        return pl.Series("", values, pl.Boolean)
    if kinds == {int} and all(value is None or _SMALLEST <= value <= _LARGEST for value in values):
        return pl.Series("", values, pl.Int64)
    return values


def stored(column: Column, rows: int) -> pl.Series:
    """A column as fields keep it (`stored_text`): text, null where the field is left alone. Raises TypeError as `stored_text` does."""
    if isinstance(column, Fixed):
        text = stored_text(column.value)
        return pl.Series("", [encodable(text)], pl.String).new_from_index(0, rows)
    if isinstance(column, Rendered):
        return column.texts()
    if isinstance(column, list):
        return pl.Series("", [encodable(stored_text(value)) for value in column], pl.String)
    if column.dtype == pl.String:
        return column
    return _float_texts(column) if column.dtype == pl.Float64 else column.cast(pl.String)


def _float_texts(column: pl.Series) -> pl.Series:
    """Floats as Python writes them. Polars writes the same digits, but has other bounds for exponents and other words for what is no number."""
    texts = column.cast(pl.String)
    size = column.abs()
    plain = ((size >= 1e-4) & (size < 1e16)) | (size == 0)
    others = (~plain & column.is_not_null()).arg_true()
    if not len(others):
        return texts
    return texts.scatter(others, pl.Series("", [str(value) for value in column.gather(others).to_list()], pl.String))


def encodable(text: str | None) -> str | None:
    """Text that UTF-8 can hold: half of a surrogate pair becomes U+FFFD."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def condition_mask(column: Column, rows: int) -> pl.Series:
    """Which events a condition holds for: Booleans without null."""
    if isinstance(column, Fixed):
        return pl.Series("", [truth(column.value)], pl.Boolean).new_from_index(0, rows)
    if isinstance(column, list):
        return pl.Series("", [truth(value) for value in column], pl.Boolean)
    if column.dtype == pl.Boolean:
        return column.fill_null(False) if column.null_count() else column
    if column.dtype == pl.String:
        return (column.str.len_bytes() > 0).fill_null(False)
    return (column != 0).fill_null(False)


class Arguments:
    """The arguments of one call over a frame, by parameter name (``name[i]`` of a variadic parameter by `many`).

    The getters raise `Decline` for what they cannot give, so that a column form covers just what it asks for.
    """

    __slots__ = ("_columns", "_scalar", "end", "rows", "start")

    def __init__(
        self,
        columns: Mapping[str, Column | tuple[Column, ...]],
        rows: int,
        start: int = 0,
        end: int = 0,
        scalar: Callable[[pl.Series], Column] | None = None,
    ) -> None:
        self._columns = columns
        self._scalar = scalar
        self.rows = rows
        self.start = start
        self.end = end

    def column(self, name: str) -> Column:
        """An argument as it is."""
        column = self._columns[name]
        assert not isinstance(column, tuple)
        return column

    def many(self, name: str) -> tuple[Column, ...]:
        """The arguments of a variadic parameter."""
        columns = self._columns[name]
        assert isinstance(columns, tuple)
        return columns

    def lazy(self, name: str) -> Any:
        """An argument that is evaluated when it is needed: a `Later` or an `Operation`; None for an operation that was not given."""
        given: Any = self._columns[name]
        return None if isinstance(given, Fixed) else given

    def fixed(self, name: str) -> Any:
        """The value of an argument that is the same for all events, converted as the parameter asks. Declines for others."""
        return fixed(self.column(name))

    def text(self, name: str) -> pl.Series:
        """An argument as texts (numbers and Booleans as fields keep them), null = None. Declines for floats and mixed values."""
        return text(self.column(name), self.rows)

    def completed(self, found: pl.Series, covered: pl.Series) -> Column:
        """``found`` for the events of a mask without nulls; for the others what the scalar form gives (that is where it fails)."""
        if covered.all():
            return found
        if self._scalar is None:
            raise Decline
        return together([covered, ~covered], [found.filter(covered), self._scalar(~covered)])


def together(masks: Sequence[pl.Series], parts: Sequence[Column]) -> Column:
    """One column out of parts: ``parts[i]`` has the values of the events of ``masks[i]``, and each event is in just one mask."""
    rows = len(masks[0])
    whole = [series(part, int(mask.sum())) for mask, part in zip(masks, parts, strict=True)]
    order = pl.concat([mask.arg_true() for mask in masks])
    kinds = {part.dtype for part in whole if isinstance(part, pl.Series) and part.null_count() < len(part)}
    if len(kinds) <= 1 and all(isinstance(part, pl.Series) for part in whole):
        kind = kinds.pop() if kinds else pl.String
        return pl.concat([part.cast(kind) for part in whole if isinstance(part, pl.Series)]).gather(order.arg_sort())
    values: list[Any] = [None] * rows
    for mask, part in zip(masks, whole, strict=True):
        for row, value in zip(mask.arg_true().to_list(), part if isinstance(part, list) else part.to_list(), strict=True):
            values[row] = value
    return normal(values)


def series(column: Column, rows: int) -> pl.Series | list[Any]:
    """A column with a value for each event."""
    if not isinstance(column, Fixed):
        return column
    one = normal([column.value])
    return one.new_from_index(0, rows) if isinstance(one, pl.Series) and rows else [column.value] * rows


def fixed(column: Column) -> Any:
    """The value of a `Fixed` column; declines for others."""
    if isinstance(column, Fixed):
        return column.value
    raise Decline


def text(column: Column, rows: int) -> pl.Series:
    """A column as texts; declines for floats and mixed values, whose text only Python knows."""
    if isinstance(column, Fixed):
        if column.value is None or isinstance(column.value, str | bool | int):
            return stored(column, rows)
        raise Decline
    if isinstance(column, list) or column.dtype == pl.Float64:
        raise Decline
    return column if column.dtype == pl.String else column.cast(pl.String)


def frame_column(frame: Frame, name: str) -> pl.Series:
    """A field of a frame as texts, null where (or when) it is absent."""
    found = frame.column(name)
    return found if found is not None else pl.Series(name, [None], pl.String).new_from_index(0, frame.rows)
