"""The column forms of ``e_kv`` and ``e_kv_delimit``: texts with the same keys in the same order are cut into columns.

Why a match is a proof. Everything but the values is the same in all texts of a template. A value holds none of the characters that end
it, and what stands behind it begins with one, so it is as long as the scalar form takes it. Between a value and the next key nothing
can be taken for a pair: that depends on fixed text only, and in the text that the template was made of, nothing was. What comes before
the first pair, or after the last, may be anything without the character between keys and values: no pair can be found there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import polars as pl

from transforms.rules.columns import Arguments
from transforms.rules.function import Decline
from transforms.rules.functions.extraction._keyed import BARE, KEY, delimited_pattern, quoted_pattern
from transforms.rules.functions.extraction._names import is_field_name
from transforms.rules.functions.extraction._templates import Slot, Template, Templates
from transforms.rules.pattern import Pattern

__all__ = ["delimited_columns", "quoted_columns"]

_KEYLIKE = re.compile(f"[{KEY}]")
_BARELIKE = re.compile(f"[{BARE}]")
_MOST_PAIRS = 100
_LONGEST_SAMPLE = 10_000
_PLAIN_SEPARATORS = frozenset("=:,;/&#@!<>")


def _fixed_character(regex: str) -> str | None:
    """The one character that an expression stands for, if it is that plain."""
    if regex in _PLAIN_SEPARATORS:
        return regex
    return regex[1] if len(regex) == 2 and regex[0] == "\\" and regex[1] in "|=:+*?$^&;,/" else None


def quoted_columns(source: pl.Series, call: Arguments) -> Any:
    """Pairs of name and texts, mask of matches, mask of texts that are left to the scalar form."""
    sep, quote, escape = call.fixed("sep"), call.fixed("quote"), call.fixed("escape")
    between = _fixed_character(sep.text)
    if between is None or between == quote or not quote.isascii() or quote.isspace() or _BARELIKE.match(quote):
        raise Decline
    templates = _quoted_templates(sep.text, between, quote, escape, call.fixed("prefix"), call.fixed("suffix"))
    left_out = {ord(quote), ord("\\")} if escape else {ord(quote)}
    inside = _class(frozenset(range(32, 127)) - left_out) + ("+" if escape else "*")
    mark = pl.escape_regex(quote)
    outside = f"[^{pl.escape_regex(between)}]*"
    spelling = {"bare": ("", r"[0-9A-Za-z_.\-%~]+", ""), "quoted": (mark, inside, mark), "outside": ("", outside, "")}
    return templates.cut(source, spelling, {"bare": _same, "quoted": lambda texts: texts.str.strip_chars(" ")})


@lru_cache(maxsize=256)
def _quoted_templates(sep: str, between: str, quote: str, escape: bool, prefix: str, suffix: str) -> Templates:
    pattern = quoted_pattern(sep, quote, escape)

    def make(text: str) -> Template | None:
        if len(text) > _LONGEST_SAMPLE:
            return None
        gaps: list[str] = []
        slots: list[Slot] = []
        at = 0
        head = -1
        bare = False
        for match in pattern.each(text):
            head = match.start() if head < 0 else head
            gap = text[at : match.start()]
            if at == 0 and between not in gap:
                gap = gap[-1:]
            if not _separates(gap, quote, bare):
                return None
            bare = match[2] is None
            start, end = match.span(3) if bare else (match.start(2) - 1, match.end(2) + 1)
            name = f"{prefix}{match[1]}{suffix}" if is_field_name(match[1]) else None
            gaps.append(text[at:start])
            slots.append(Slot(frozenset({"bare" if bare else "quoted"}), name))
            at = end
        rest = text[at:]
        end = rest[:1] if between not in rest else rest
        if not slots or (rest and not _separates(end + " ", quote, bare)) or not _distinct(slots):
            return None
        return _open_ended([*gaps, rest], slots, max(head, 0), between)

    return Templates(make)


def _open_ended(gaps: list[str], slots: list[Slot], head: int, between: str) -> Template:
    """A template whose text before the first key (``head`` characters long) and after the last value may vary, but for the characters
    next to them."""
    has_head = head > 1 and between not in gaps[0][:head]
    has_tail = len(gaps[-1]) > 1 and between not in gaps[-1]
    if has_head:
        gaps[0] = gaps[0][head - 1 :]
    if has_tail:
        gaps[-1] = gaps[-1][:1]
    return Template(tuple(gaps), tuple(slots), has_head, has_tail)


def _separates(gap: str, quote: str, bare: bool) -> bool:
    """Whether a key may be looked for after the gap only; ``bare``: the gap comes after a value without quotes."""
    if bare and (not gap or _BARELIKE.match(gap)):
        return False
    return quote not in gap and not (gap and _KEYLIKE.match(gap[-1]))


def delimited_columns(source: pl.Series, call: Arguments) -> Any:
    """Pairs of name and texts, mask of matches, mask of texts that are left to the scalar form."""
    pair_sep, kv_sep = call.fixed("pair_sep"), call.fixed("kv_sep")
    between = _fixed_character(kv_sep.text)
    ends = frozenset(code for code in range(128) if pair_sep.whole(chr(code)) is not None)
    if between is None or ord(between) in ends:
        raise Decline
    templates = _delimited_templates(pair_sep, kv_sep.text, between, call.fixed("prefix"), call.fixed("suffix"))
    value = _class(frozenset(range(32, 127)) - ends - {ord(between)}) + "+"
    outside = f"[^{pl.escape_regex(between)}]*"
    return templates.cut(source, {"value": ("", value, ""), "outside": ("", outside, "")}, {"value": _same})


@lru_cache(maxsize=256)
def _delimited_templates(pair_sep: Pattern, kv_sep: str, between: str, prefix: str, suffix: str) -> Templates:
    pattern = delimited_pattern(kv_sep)

    def make(text: str) -> Template | None:
        if len(text) > _LONGEST_SAMPLE:
            return None
        gaps: list[str] = []
        slots: list[Slot] = []
        at = begin = 0
        head = -1
        ends = [*(match.span() for match in pair_sep.each(text)), (len(text), len(text))]
        for end, next_begin in ends:
            match = pattern.whole(text[begin:end])
            if match is not None:
                head = begin if head < 0 else head
                name = f"{prefix}{match[1]}{suffix}" if is_field_name(match[1]) else None
                gaps.append(text[at : begin + match.start(2)])
                slots.append(Slot(frozenset({"value"}), name))
                at = end
            begin = next_begin
        if not slots or not _distinct(slots):
            return None
        return _open_ended([*gaps, text[at:]], slots, head, between)

    return Templates(make)


def _distinct(slots: list[Slot]) -> bool:
    """Whether no field is written twice, and there are not too many."""
    names = [slot.name for slot in slots if slot.name is not None]
    return len(set(names)) == len(names) and len(slots) <= _MOST_PAIRS


def _class(codes: frozenset[int]) -> str:
    return "[" + "".join(f"\\x{code:02x}" for code in sorted(codes)) + "]"


def _same(texts: pl.Series) -> pl.Series:
    return texts
