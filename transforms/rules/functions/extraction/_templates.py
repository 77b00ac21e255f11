"""Texts of one source are alike: the same names in the same order, only values differ. This cuts such texts into columns at once.

A text is turned into a `Template`: what is fixed in it (the gaps), and between that the slots with what may stand there. As a regular
expression it is tried on all texts of a batch. Whoever makes templates sees to it that a match is a proof: the scalar form would find
the same values under the same names. Texts that match no template are left to the scalar form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

__all__ = ["Finish", "Slot", "Spelling", "Template", "Templates", "resolved"]

Spelling = Mapping[str, tuple[str, str, str]]
"""Kind of value → (what stands before it, the value, what stands behind it), as regular expressions without groups."""

Finish = Mapping[str, Callable[[pl.Series], pl.Series]]
"""Kind of value → from texts as they stand (null: another kind, or no match) to what fields get."""

_SAMPLES = 12
_TRIES = 4
_FEW = 32
_KEPT = 16
_MOST_IN_VAIN = 6
_LONGEST = 20_000
_MOST_SLOTS = 120


@dataclass(frozen=True)
class Slot:
    """A place for a value: the kinds that were seen there, and the field that gets it (None: no field does)."""

    kinds: frozenset[str]
    name: str | None


@dataclass(frozen=True)
class Template:
    """``gaps`` are the fixed texts before, between and after the ``slots``; ``head`` and ``tail``: any text of the spelling's kind
    ``outside`` may come before and after all that."""

    gaps: tuple[str, ...]
    slots: tuple[Slot, ...]
    head: bool = False
    tail: bool = False

    @property
    def usable(self) -> bool:
        """Whether it is small enough to be tried, and gives something."""
        return len(self.slots) <= _MOST_SLOTS and sum(map(len, self.gaps)) <= _LONGEST and any(slot.name for slot in self.slots)

    def joined(self, other: Template) -> Template | None:
        """A template for the texts of both; None if they differ in more than kinds of values."""
        if (self.gaps, self.head, self.tail) != (other.gaps, other.head, other.tail) or any(
            one.name != two.name for one, two in zip(self.slots, other.slots, strict=True)
        ):
            return None
        slots = (Slot(one.kinds | two.kinds, one.name) for one, two in zip(self.slots, other.slots, strict=True))
        return Template(self.gaps, tuple(slots), self.head, self.tail)

    def pattern(self, spelling: Spelling) -> str:
        """As a regular expression: an empty group that takes part in every match, then one group for each kind of each named slot."""
        outside = "".join(spelling.get("outside", ""))
        parts = [r"\A()", outside if self.head else "", pl.escape_regex(self.gaps[0])]
        for slot, gap in zip(self.slots, self.gaps[1:], strict=True):
            ways = []
            for kind in sorted(slot.kinds):
                before, value, behind = spelling[kind]
                ways.append(f"{before}{f'({value})' if slot.name else f'(?:{value})'}{behind}")
            parts += [ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})", pl.escape_regex(gap)]
        return "".join([*parts, outside if self.tail else "", r"\z"])


class Templates:
    """The templates that texts of one step had so far. ``make`` turns a text into a template, None where it cannot.

    May be used from several threads: what one has learned may get lost to another, no more.
    """

    def __init__(self, make: Callable[[str], Template | None]) -> None:
        self._make = make
        self._known: list[Template] = []

    def cut(self, source: pl.Series, spelling: Spelling, finish: Finish) -> tuple[list[tuple[str, pl.Series]], pl.Series, pl.Series]:
        """Pairs of name and texts, which texts matched a template, and which did not."""
        tried: set[Template] = set()
        matched = source.is_null()
        found: dict[str, pl.Series] = {}
        in_vain = 0
        for _ in range(_TRIES):
            rest = (~matched).arg_true()
            if len(rest) < min(_FEW, len(source)) or not len(rest):
                break
            self._learn(source, rest)
            fresh = [template for template in self._known if template not in tried]
            if not fresh or in_vain >= _MOST_IN_VAIN:
                break
            for template in fresh:
                tried.add(template)
                before = int(matched.sum())
                hits = self._apply(template, source, matched, found, spelling, finish)
                if hits is not None:
                    matched = hits
                in_vain += int(matched.sum()) - before < len(rest) // 50
                if in_vain >= _MOST_IN_VAIN:  # the texts are not alike
                    break
        matched = matched & source.is_not_null()
        return list(found.items()), matched, ~matched & source.is_not_null()

    def _learn(self, source: pl.Series, rest: pl.Series) -> None:
        """Templates of some of the texts that are left."""
        step = max(1, len(rest) // _SAMPLES)
        all_known = list(self._known)
        for text in source.gather(rest.gather_every(step)).to_list():
            made = self._make(text)
            if made is None or not made.usable:
                continue
            for place, known in enumerate(all_known):
                both = known.joined(made)
                if both is not None:
                    made = both
                    del all_known[place]
                    break
            all_known.insert(0, made)
        self._known = all_known[:_KEPT]

    def _apply(
        self, template: Template, source: pl.Series, matched: pl.Series, found: dict[str, pl.Series], spelling: Spelling, finish: Finish
    ) -> pl.Series | None:
        """Adds what a template finds in texts that are not matched yet; the mask of matches then, None if it found nothing."""
        rows = None if not matched.any() else (~matched).arg_true()
        texts = source if rows is None else source.gather(rows)
        if not len(texts):
            return None
        try:
            groups = texts.str.extract_groups(template.pattern(spelling)).struct.unnest().get_columns()
        except pl.exceptions.ComputeError:  # larger than the engine allows
            return None
        hits = groups[0].is_not_null()
        if not hits.any():
            return None
        self._known = [template, *(known for known in self._known if known != template)]
        place = 1
        for slot in template.slots:
            if slot.name is None:
                continue
            value: pl.Series | None = None
            for kind in sorted(slot.kinds):
                one = finish[kind](groups[place])
                value = one if value is None else value.zip_with(value.is_not_null(), one)
                place += 1
            assert value is not None
            if rows is None:
                found[slot.name] = value
            else:
                before = found.get(slot.name)
                if before is None:
                    before = pl.Series("", [None], pl.String).new_from_index(0, len(source))
                found[slot.name] = before.scatter(rows.filter(hits), value.filter(hits))
        return hits if rows is None else matched.scatter(rows.filter(hits), True)


def resolved(texts: pl.Series, odd: pl.Series, resolve: Callable[[str], Any]) -> pl.Series:
    """The texts with those of a mask replaced by what ``resolve`` makes of them, once for each distinct text."""
    rows = odd.fill_null(False).arg_true()
    if not len(rows):
        return texts
    memo: dict[str, str] = {}
    results: list[str] = []
    for text in texts.gather(rows).to_list():
        known = memo.get(text)
        if known is None:
            known = memo[text] = resolve(text)
        results.append(known)
    return texts.scatter(rows, pl.Series("", results, pl.String))
