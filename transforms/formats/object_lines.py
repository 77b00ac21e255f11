"""Columns of text as JSON lines: one object a line with the fields that a row has, written by the engine and not by Python."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

__all__ = ["object_lines", "written"]

_MOST_PATTERNS = 24
"""Rows are written by which fields they have; where they differ more, field by field."""


def object_lines(columns: Mapping[str, pl.Series], rows: int) -> pl.Series:
    """A compact JSON object for each row, without line ends; null = the row does not have the field. All values are text."""
    if not columns:
        return pl.Series("line", ["{}"], pl.String).new_from_index(0, rows)
    names = list(columns)
    frame = pl.DataFrame({str(place): columns[name].alias(str(place)) for place, name in enumerate(names)})
    holes = [place for place in frame.columns if frame[place].null_count()]
    if not holes:
        return _encoded(frame, names)
    pattern = frame.select(_pattern(holes)).to_series()
    if pattern.n_unique() > _MOST_PATTERNS:
        return _encoded_by_field(frame, names)
    number = pl.int_range(rows, dtype=pl.UInt32, eager=True)
    parts: list[pl.Series] = []
    places: list[pl.Series] = []
    for value in pattern.unique().to_list():
        mask = pattern == value
        part = frame.filter(mask)
        present = [place for place in part.columns if not part[place].null_count()]
        lines = (
            _encoded(part.select(present), [names[int(place)] for place in present])
            if present
            else pl.Series(["{}"] * len(part), dtype=pl.String)
        )
        parts.append(lines)
        places.append(number.filter(mask))
    order = pl.concat(places).arg_sort()
    return pl.concat(parts).gather(order)


def written(lines: pl.Series) -> bytes:
    """Lines with their ends, as bytes."""
    return pl.DataFrame({"line": lines}).write_csv(include_header=False, quote_style="never").encode() if len(lines) else b""


def _pattern(holes: list[str]) -> pl.Expr:
    if len(holes) <= 63:
        return pl.sum_horizontal(
            pl.when(pl.col(place).is_null()).then(0).otherwise(1 << bit).cast(pl.Int64) for bit, place in enumerate(holes)
        )
    return pl.concat_str([pl.when(pl.col(place).is_null()).then(pl.lit("0")).otherwise(pl.lit("1")) for place in holes])


def _encoded(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    named = pl.struct(pl.col(place).alias(name) for place, name in zip(frame.columns, names, strict=True))
    return frame.select(named.struct.json_encode().alias("line")).to_series()


def _encoded_by_field(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    """Each field as a member, null where it is absent; the members that there are, between braces."""
    members = [
        pl.when(pl.col(place).is_not_null()).then(
            pl.struct(pl.col(place).alias(name)).struct.json_encode().str.strip_chars_start("{").str.head(-1)
        )
        for place, name in zip(frame.columns, names, strict=True)
    ]
    return frame.select(
        pl.concat_str([pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}")]).alias("line")
    ).to_series()
