"""Columns of a result as text: what `transforms.sql.values.cell_text` says of each value, column by column where the type allows it."""

from __future__ import annotations

from typing import Any

from transforms.sql.values import cell_text, plain_value

__all__ = ["texts_of"]

_PLAIN_DOUBLES = (1e-4, 1e16)
"""Python writes doubles between these without an exponent, and so does Polars, digit by digit; others are few."""
_YEARS = (1000, 9998)
"""Python writes earlier years shorter than Arrow does, and knows no later ones."""
_ZONED_YEARS = (1970, 2036)
"""In other years Arrow knows no daylight saving."""


def texts_of(column: Any) -> Any:
    """An Arrow array (or chunked array) as an array of ``string``; NULL stays null."""
    import pyarrow as pa

    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or _is_text(kind):
        return values.cast(pa.string())
    if pa.types.is_floating(kind):
        return _doubles(values.cast(pa.float64()))
    if (pa.types.is_date(kind) or pa.types.is_timestamp(kind)) and _in_years(values):
        return values.cast(pa.string()) if pa.types.is_date32(kind) else _timestamps(values)
    if pa.types.is_decimal(kind) or pa.types.is_binary(kind) or pa.types.is_time(kind):
        distinct = values.dictionary_encode()
        return _each(distinct.dictionary).take(distinct.indices)
    return _each(values)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_large_string(kind) or kind == pa.string_view())


def _each(values: Any) -> Any:
    import pyarrow as pa

    return pa.array([None if value is None else cell_text(plain_value(value)) for value in values.to_pylist()], pa.string())


def _doubles(values: Any) -> Any:
    import polars as pl
    import pyarrow as pa
    import pyarrow.compute as pc

    size = pc.abs(values)
    least, most = _PLAIN_DOUBLES
    plain = pc.or_(pc.and_(pc.greater_equal(size, least), pc.less(size, most)), pc.equal(size, 0.0))
    texts = pl.Series(pl.from_arrow(values)).cast(pl.String).to_arrow().cast(pa.string())
    others = pc.invert(plain)  # null stays null, and a null is not replaced
    if not pc.any(others).as_py():
        return texts
    return pc.replace_with_mask(texts, pc.fill_null(others, False), _each(values.filter(others)))


def _in_years(values: Any) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    bounds = pc.min_max(values.cast(pa.timestamp("us")) if not pa.types.is_timestamp(values.type) else values)
    years = [pc.year(bounds[end]).as_py() for end in ("min", "max")]
    first, last = _ZONED_YEARS if pa.types.is_timestamp(values.type) and values.type.tz is not None else _YEARS
    return all(year is None or first <= year <= last for year in years)


def _timestamps(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.type.tz is not None:
        values = pc.local_timestamp(values)
    return pc.floor_temporal(values, unit="millisecond").cast(pa.timestamp("ms")).cast(pa.string())
