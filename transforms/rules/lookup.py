"""Finding rows by their key, for whole columns of keys at once: an index of hashes that is built once and holds no Python objects.

Two million rows cost about 25 MB beside the key columns themselves, and 65 thousand keys are found in some 20 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from transforms.rules.text_columns import is_ascii, where

__all__ = ["KeyIndex", "Lookup", "folded"]

_MOST_COLUMNS = 60
_MOST_PATTERNS = 256


def folded(texts: pl.Series) -> pl.Series:
    """Texts as they are compared without regard to case (`str.casefold`); the same object where nothing changes."""
    lower = where(is_ascii(texts), texts, lambda part: part.str.to_lowercase(), str.casefold)
    return texts if (lower == texts).all() else lower


class KeyIndex:
    """Key → first row that has it. Rows whose key has a null in it are in no index.

    Args:
        keys: the key's columns.
        rows: which rows of the columns are meant (ascending), None = all.
        bits: how much of the hash is used; tests use little to make different keys meet.
    """

    __slots__ = ("_bits", "_hashes", "_keys", "_met", "_rows", "_seed")

    def __init__(self, keys: Sequence[pl.Series], rows: pl.Series | None = None, *, bits: int = 64, seed: int = 0) -> None:
        self._keys = tuple(keys)
        self._bits = bits
        self._seed = seed
        if rows is None:
            rows = pl.int_range(len(keys[0]), dtype=pl.UInt32, eager=True)
        for key in keys:
            if key.null_count():
                rows = rows.filter(key.gather(rows).is_not_null())
        parts = [key.gather(rows) for key in keys]
        ordered = pl.DataFrame({"hash": self._hashed(parts), "row": rows}).sort("hash", "row")
        first = ordered.unique("hash", keep="first", maintain_order=True)
        self._hashes = first["hash"]
        self._rows = first["row"].rechunk()
        self._met: KeyIndex | None = None
        if len(first) == len(ordered):
            return
        # Another key with the same hash: such rows get an index of their own, by another hash.
        others = ordered.join(first.rename({"row": "first"}), on="hash").filter(pl.col("row") != pl.col("first"))
        differs = pl.Series("", [False], pl.Boolean).new_from_index(0, len(others))
        for key in keys:
            differs = differs | (key.gather(others["row"]) != key.gather(others["first"]))
        if differs.any():
            self._met = KeyIndex(keys, others["row"].filter(differs).sort(), bits=bits, seed=seed + 1)

    def find(self, values: Sequence[pl.Series]) -> pl.Series:
        """For each tuple of values its row (UInt32), null if no row has it or a value is null."""
        if not len(self._rows):
            return pl.Series("", [None], pl.UInt32).new_from_index(0, len(values[0]))
        place = self._hashes.search_sorted(self._hashed(values), side="left").clip(0, len(self._hashes) - 1)
        row = self._rows.gather(place)
        same = pl.Series("", [True], pl.Boolean).new_from_index(0, len(row))
        for key, value in zip(self._keys, values, strict=True):
            same = same & (key.gather(row) == value)
        found = _masked(row, same.fill_null(False))
        if self._met is None:
            return found
        other = self._met.find(values)
        return found.zip_with(found.is_not_null(), other)

    def _hashed(self, parts: Sequence[pl.Series]) -> pl.Series:
        if len(parts) == 1:
            hashed = parts[0].hash(self._seed)
        else:
            hashed = pl.DataFrame({str(number): part for number, part in enumerate(parts)}).hash_rows(self._seed)
        return hashed if self._bits == 64 else hashed % (1 << self._bits)


class Lookup:
    """Key → first row whose cells equal it, where a cell ``*`` equals anything.

    Raises ValueError for tables that it is no good for: more than 60 key columns, or more than 256 combinations of columns with ``*``.
    """

    __slots__ = ("_always", "_groups")

    def __init__(self, keys: Sequence[pl.Series]) -> None:
        if len(keys) > _MOST_COLUMNS:
            raise ValueError(f"more than {_MOST_COLUMNS} key columns")
        stars = [(key == "*").fill_null(False) for key in keys]
        pattern = pl.Series("", [0], pl.UInt64).new_from_index(0, len(keys[0]))
        for number, star in enumerate(stars):
            pattern = pattern + star.cast(pl.UInt64) * (1 << number)
        self._always: int | None = None
        self._groups: list[tuple[tuple[int, ...], KeyIndex]] = []
        patterns = pattern.unique().to_list()
        if len(patterns) > _MOST_PATTERNS:
            raise ValueError(f"more than {_MOST_PATTERNS} combinations of columns with *")
        for which in patterns:
            rows = (pattern == which).arg_true()
            compared = tuple(number for number in range(len(keys)) if not which >> number & 1)
            if compared:
                self._groups.append((compared, KeyIndex([keys[number] for number in compared], rows)))
            else:
                self._always = int(rows[0])

    def find(self, values: Sequence[pl.Series]) -> pl.Series:
        """For each tuple of values its row (UInt32), null if there is none or a value is null."""
        always = pl.Series("", [self._always], pl.UInt32).new_from_index(0, len(values[0]))
        found = always
        for compared, index in self._groups:
            row = index.find([values[number] for number in compared])
            found = pl.select(pl.min_horizontal(found, row.alias("other"))).to_series()
        known = values[0].is_not_null()
        for value in values[1:]:
            known = known & value.is_not_null()
        return _masked(found, known)


def _masked(rows: pl.Series, mask: pl.Series) -> pl.Series:
    return rows.zip_with(mask, pl.Series("", [None], rows.dtype))
