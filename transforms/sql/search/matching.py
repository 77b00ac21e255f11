"""How one value is matched against words: delimiters, letter case, wildcards, Chinese, as DuckDB expressions.

A value is cut into tokens at delimiters; a piece of a word matches when it is a whole token. That is one regular expression
(RE2: linear time) over the value as it is stored; a cheaper `contains` goes before it, so that the expression only runs on
values that have a chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["WHOLE", "Cutting", "Piece", "cut", "is_chinese", "matches", "matches_phrase", "piece_pattern", "quote", "wanted"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HAN_RUN = re.compile(f"[{_HAN}]+")
_META = frozenset("\\.+*?()|[]{}^$-#&~")


@dataclass(frozen=True)
class Cutting:
    """How values (and words looked for in them) are cut and compared."""

    delimiters: str
    case_sensitive: bool = False
    chinese: bool = False


WHOLE = Cutting("")
"""The value is one token."""


@dataclass(frozen=True)
class Piece:
    """A part of a word that must be one token. ``wild`` says whether ``*`` and ``?`` in it are wildcards."""

    text: str
    wild: bool

    @property
    def literals(self) -> list[str]:
        """The runs between the wildcards."""
        return [run for run in re.split(r"[*?]", self.text) if run] if self.wild else [self.text]


def cut(text: str, wild: bool, cutting: Cutting) -> list[Piece]:
    """The pieces of a word. In a word with wildcards ``*`` and ``?`` never cut, also where they are delimiters."""
    delimiters = set(cutting.delimiters) - (set("*?") if wild else set())
    pieces: list[str] = [""]
    for character in text:
        if character in delimiters:
            pieces.append("")
        else:
            pieces[-1] += character
    if cutting.chinese:
        pieces = [part for piece in pieces for part in _apart(piece)]
    return [Piece(piece, wild and ("*" in piece or "?" in piece)) for piece in pieces if piece]


def _apart(piece: str) -> list[str]:
    edges = sorted({0, len(piece), *(edge for run in _HAN_RUN.finditer(piece) for edge in run.span())})
    return [piece[start:end] for start, end in pairwise(edges)]


def wanted(pieces: list[Piece]) -> list[Piece]:
    """Without the pieces that any token matches."""
    return [piece for piece in pieces if not piece.wild or piece.text.strip("*")]


def matches(value: str, piece: Piece, cutting: Cutting, *, joined: bool = False) -> str:
    """A condition on the SQL expression ``value``: NULL exactly where the value is. ``joined``: it holds more than one."""
    text = piece.text
    if not piece.wild:
        contained = f"contains({_folded(value, text, cutting)}, {_literal(text, cutting)})"
        if is_chinese(piece, cutting):
            return contained
        equal = f"{_folded(value, text, cutting)} = {_literal(text, cutting)}"
        if not cutting.delimiters and not cutting.chinese:
            return equal
        if joined or _meets_delimiter(text, cutting):
            return _narrowed(value, text, [piece], cutting)
        # Most fields with few values hold single tokens: comparing them spares the expression.
        return f"({contained} AND ({equal} OR {_regexp(value, [piece], cutting)}))"
    if not cutting.delimiters and not cutting.chinese and piece.literals == [text[:-1]] and text[-1] == "*":
        return f"starts_with({_folded(value, text, cutting)}, {_literal(text[:-1], cutting)})"
    return _narrowed(value, max(piece.literals, key=len, default=""), [piece], cutting)


def matches_phrase(value: str, pieces: list[Piece], cutting: Cutting) -> str:
    """The pieces in this order with nothing but delimiters between them."""
    if len(pieces) == 1:
        return matches(value, pieces[0], cutting)
    return _narrowed(value, max((piece.text for piece in pieces), key=len), pieces, cutting)


def _narrowed(value: str, literal: str, pieces: list[Piece], cutting: Cutting) -> str:
    pattern = _regexp(value, pieces, cutting)
    if not literal:
        return pattern
    return f"(contains({_folded(value, literal, cutting)}, {_literal(literal, cutting)}) AND {pattern})"


def _folded(value: str, literal: str, cutting: Cutting) -> str:
    # Without letters there is nothing to fold, and folding a long value costs more than looking into it.
    return value if cutting.case_sensitive or not _has_case(literal) else f"lower({value})"


def _has_case(text: str) -> bool:
    return not text.isascii() or text.lower() != text.upper()


def piece_pattern(piece: Piece, cutting: Cutting) -> re.Pattern[str]:
    """The piece as a pattern for one token, outside the engine."""
    return re.compile(_body(piece, "", cutting), re.DOTALL)


def is_chinese(piece: Piece, cutting: Cutting) -> bool:
    """Whether the piece is Chinese that the cutting finds inside a longer run."""
    return cutting.chinese and _HAN_RUN.search(piece.text) is not None


def _regexp(value: str, pieces: list[Piece], cutting: Cutting) -> str:
    inside = _class(cutting.delimiters)
    edges = inside + (_HAN if cutting.chinese else "")
    before = f"(?:^|[{edges}])" if edges else "^"
    after = f"(?:[{edges}]|$)" if edges else "$"
    between = f"[{inside}]+" if inside else ""
    pattern = ""
    previous_chinese = False
    for position, piece in enumerate(pieces):
        chinese = is_chinese(piece, cutting)
        if position == 0:
            pattern += "" if chinese else before
        elif chinese or previous_chinese:
            pattern += f"[{inside}]*" if inside else ""
        else:
            pattern += between
        pattern += _body(piece, edges, cutting)
        previous_chinese = chinese
    pattern += "" if previous_chinese else after
    return f"regexp_matches({value}, {quote('(?s)' + pattern)})"


def _body(piece: Piece, edges: str, cutting: Cutting) -> str:
    one = f"[^{edges}]" if edges else "."
    runs = re.split(r"([*?])", piece.text) if piece.wild else [piece.text]
    parts: list[str] = []
    for position, run in enumerate(runs):
        if position % 2:
            parts.append(f"{one}*" if run == "*" else one)
        elif run:
            # Only the letters looked for fold, and only into what is no delimiter: a delimiter may be a letter.
            escaped = [f"(?-i:{_escape(it)})" if _meets_delimiter(it, cutting) else _escape(it) for it in run]
            parts.append("".join(escaped) if cutting.case_sensitive else f"(?i:{''.join(escaped)})")
    return "".join(parts)


def _meets_delimiter(text: str, cutting: Cutting) -> bool:
    return not cutting.case_sensitive and any(character.swapcase() in cutting.delimiters for character in text if character.isalpha())


def _class(delimiters: str) -> str:
    return "".join(_escape(character) for character in dict.fromkeys(delimiters))


def _escape(character: str) -> str:
    if character in _META:
        return f"\\{character}"
    if character < " " or character == "\x7f":
        return f"\\x{ord(character):02x}"
    return character


def _literal(text: str, cutting: Cutting) -> str:
    if cutting.case_sensitive or not _has_case(text):
        return quote(text)
    # Python and DuckDB fold some letters differently; DuckDB folds the values, so it folds such literals as well.
    return quote(text.lower()) if text.isascii() else f"lower({quote(text)})"


def quote(text: str) -> str:
    """A SQL string literal."""
    quoted = "'" + text.replace("'", "''") + "'"
    return quoted if "\0" not in text else "(" + quoted.replace("\0", "' || chr(0) || '") + ")"
