"""Queries that are tried in their order: what ``e_search_dict_map`` and ``e_search_table_map`` share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from transforms.rules.limits import within_limit
from transforms.rules.query import Query

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.frame import Frame

__all__ = ["Queries", "joined"]


def joined(texts: Iterable[str | None], join: str) -> str:
    """Texts of several hits as one. Raises ValueError if that is too long."""
    found = [text or "" for text in texts]
    within_limit(sum(map(len, found)) + len(join) * (len(found) - 1))
    return join.join(found)


class Queries:
    """Queries by place. A bare ``*`` is no query but the default; an empty text is skipped.

    Raises QueryInvalid for a text that is no query, when it is tried.
    """

    def __init__(self, texts: Sequence[str | None]) -> None:
        self.default = next((place for place, text in enumerate(texts) if text == "*"), None)
        self._texts = [(place, text) for place, text in enumerate(texts) if text and text != "*"]

    def hits(self, fields: Mapping[str, str], multi_match: bool) -> list[int]:
        """The places that a log hits, only the first one unless ``multi_match``; the default if there are none."""
        found: list[int] = []
        for place, text in self._texts:
            if Query.of(text).test(fields):
                found.append(place)
                if not multi_match:
                    break
        return found or ([] if self.default is None else [self.default])

    def first(self, frame: Frame) -> pl.Series:
        """For each event the place that it hits (UInt32), null for none. Raises QueryInvalid, TimeoutError."""
        import polars as pl

        places = pl.Series("", [None], pl.UInt32).new_from_index(0, frame.rows)
        for place, query in [(place, Query.of(text)) for place, text in self._texts]:
            here = pl.Series("", [place], pl.UInt32).new_from_index(0, frame.rows)
            places = places.zip_with(places.is_not_null() | ~query.mask(frame, frame.rows), here)
            if not places.null_count():
                break
        return places if self.default is None else places.fill_null(self.default)

    def joined(self, frame: Frame, columns: Sequence[pl.Series], join: str) -> tuple[list[pl.Series], pl.Series]:
        """For each column of texts (one for each place) the texts of all hits, joined; and which events hit something."""
        import polars as pl

        nothing = pl.Series("", [None], pl.String).new_from_index(0, frame.rows)
        found = [nothing for _ in columns]
        hit = pl.Series("", [False], pl.Boolean).new_from_index(0, frame.rows)
        for place, query in [(place, Query.of(text)) for place, text in self._texts]:
            mask = query.mask(frame, frame.rows)
            if mask.any():
                for number, texts in enumerate(columns):
                    text = texts[place] or ""
                    so_far = (found[number] + join + text).fill_null(text)
                    found[number] = so_far.zip_with(mask, found[number])
                hit = hit | mask
        if self.default is not None:
            found = [one.zip_with(hit, nothing.fill_null(texts[self.default] or "")) for one, texts in zip(found, columns, strict=True)]
            hit = hit | True
        for one in found:
            within_limit(int(one.str.len_chars().max() or 0))  # type: ignore[arg-type]
        return found, hit
