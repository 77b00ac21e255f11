"""Text of a query → tree. What is wrong is a `QueryInvalid` with its place in the text.

query := or
or    := and (["or" | "||"] and)*          what stands side by side is "or"
and   := not (("and" | "&&") not)*
not   := ("not" | "!") not | primary
primary := "(" or ")" | name sign value | text
"""

from __future__ import annotations

import re
from decimal import Decimal

from transforms.rules.pattern import Pattern
from transforms.rules.query.numbers import read_number
from transforms.rules.query.tree import And, Comparison, Contains, Equals, Found, Node, Not, Or, Range, Test, Wildcards

__all__ = ["QueryInvalid", "parse_query"]

_NAME = re.compile(r"(?:[^\s\\:=<>~()\"*?&|!]|~(?!=)|&(?!&)|\|(?!\|)|!(?!=)|\\.)+", re.DOTALL)
"""Letters, digits and ``_ - .`` stand for themselves in names, others after a backslash; those that cannot be mistaken need none."""
_SIGN = re.compile(r"==|~=|>=|<=|[:=<>]")
_KEYWORD = re.compile(r"(and|or|not)(?![\w.\-*?\\/:=<>~])", re.IGNORECASE)
_BLANKS = re.compile(r"\s*")
_MOST_DEPTH = 50


class QueryInvalid(ValueError):
    """A query that cannot be understood: ``start`` and ``end`` say where in its text (characters)."""

    def __init__(self, message: str, text: str, start: int, end: int) -> None:
        shown = text[start : max(end, start + 1)][:40]
        where = f"at character {start + 1}, {shown!r}" if shown else "at its end"
        super().__init__(f"invalid query, {where}: {message}")
        self.start = start
        self.end = end


def parse_query(text: str) -> Node:
    """The tree of a query. Raises QueryInvalid."""
    reader = _Reader(text)
    node = reader.alternatives(None)
    if reader.at < len(text):
        raise reader.problem("a closing bracket without an opening one")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self._blanks()

    def problem(self, message: str, start: int | None = None) -> QueryInvalid:
        begin = self.at if start is None else start
        return QueryInvalid(message, self.text, begin, max(self.at, begin + 1))

    # ── and, or, not ─────────────────────────────────────────────────────

    def alternatives(self, field: str | None) -> Node:
        """Up to the end or a closing bracket; ``field``: every text is tested on it."""
        parts = [self._all(field)]
        while self.at < len(self.text) and self.text[self.at] != ")":
            self._taken("or", "||")
            parts.append(self._all(field))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, field: str | None) -> Node:
        parts = [self._negated(field)]
        while self._taken("and", "&&"):
            parts.append(self._negated(field))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negated(self, field: str | None) -> Node:
        negations = 0
        while self._taken("not", "!"):
            negations += 1
        node = self._primary(field)
        return Not(node) if negations % 2 else node

    def _primary(self, field: str | None) -> Node:
        if self.at >= len(self.text):
            raise self.problem("something to look for is missing; * matches every log" if not self.text.strip() else "something is missing")
        character = self.text[self.at]
        if character == "(":
            return self._bracket(field)
        if character == ")":
            raise self.problem("something to look for is missing before the bracket")
        if self._keyword() in ("and", "or") or self.text.startswith(("&&", "||"), self.at):
            raise self.problem("something to look for is missing before this")
        if self._sign() is not None:
            raise self.problem("the name of a field is missing here; quote the text if it is meant as it is")
        if field is None:
            named = self._named()
            if named is not None:
                return named
        quoted = character == '"'
        start = self.at
        value = self._text()
        if quoted and field is None and (self._sign() is not None):
            raise self.problem("names of fields are not quoted; a special character in a name takes a backslash", start)
        return Test(field, Contains(_wildcards(value)))

    def _bracket(self, field: str | None) -> Node:
        start = self.at
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise self.problem(f"brackets are nested more than {_MOST_DEPTH} deep")
        self.at += 1
        self._blanks()
        node = self.alternatives(field)
        if self.at >= len(self.text):
            self.at = start + 1
            raise self.problem("this bracket is not closed", start)
        self.at += 1
        self._blanks()
        self.depth -= 1
        return node

    # ── name, sign, value ────────────────────────────────────────────────

    def _named(self) -> Node | None:
        """``name sign value``; None if something else stands here."""
        found = _NAME.match(self.text, self.at)
        if found is None:
            return None
        start = self.at
        self.at = found.end()
        self._blanks()
        sign = self._sign()
        if sign is None:
            if self.text.startswith("!=", self.at):
                raise self.problem(f"there is no !=; write: not {found.group()} == …")
            self.at = start
            return None
        self.at += len(sign)
        self._blanks()
        name = re.sub(r"\\(.)", r"\1", found.group(), flags=re.DOTALL)
        if self.at >= len(self.text) or (self.text[self.at] == ")" and sign != "~="):
            raise self.problem(f'a value is missing after {sign}; "" is an empty one', start)
        if sign == ":":
            if self.text[self.at] == "(":
                return self._bracket(name)
            if self.text[self.at] == "[":
                return Test(name, self._range())
            return Test(name, Contains(_wildcards(self._text())))
        if sign == "~=":
            return Test(name, Found(self._regex()))
        begin = self.at
        if self.text[begin] in "([":
            what = "alternatives in brackets" if self.text[begin] == "(" else "a range"
            raise self.problem(f"{what} can only follow :, not {sign}; quote the text if it is meant as it is")
        value = _wildcards(self._text())
        number = None if sign == "==" or value.literal is None else read_number(value.literal)
        if number is not None:
            return Test(name, Comparison(sign, number))
        if sign not in ("==", "="):
            raise QueryInvalid(f"{sign} compares numbers", self.text, begin, self.at)
        return Test(name, Equals(value))

    def _sign(self) -> str | None:
        found = _SIGN.match(self.text, self.at)
        return None if found is None else found.group()

    def _range(self) -> Range:
        start = self.at
        close = self.text.find("]", start)
        bounds = self.text[start + 1 : close].split(",") if close >= 0 else []
        if len(bounds) != 2:
            raise self.problem("a range is [low, high] with numbers, or * for an open end; quote the text if it is meant as it is")
        ends: list[Decimal | None] = []
        for bound in bounds:
            number = None if bound.strip() == "*" else read_number(bound)
            if number is None and bound.strip() != "*":
                raise QueryInvalid(f"{bound.strip()!r} is no number; a range is [low, high], * an open end", self.text, start, close + 1)
            ends.append(number)
        self.at = close + 1
        self._blanks()
        return Range(ends[0], ends[1])

    def _regex(self) -> Pattern:
        start = self.at
        raw = self._quoted() if self.text[start] == '"' else self._bare(brackets=True)
        # Inside quotes only the quote is escaped for the query's sake; all other backslashes are the expression's.
        text = raw[1:-1].replace('\\"', '"') if self.text[start] == '"' else raw
        self._blanks()
        try:
            return Pattern.of(text)
        except ValueError as error:
            raise QueryInvalid(str(error), self.text, start, self.at) from None

    def _text(self) -> str:
        """A text with its escapes, without its quotes; escapes of bare texts that mean the character itself are resolved."""
        start = self.at
        if self.text[start] == '"':
            raw = self._quoted()[1:-1]
        else:
            raw = self._bare(brackets=False)
            if len(raw) > 1 and raw[0] == raw[-1] == "'":
                raise self.problem('single quotes are no quotes here; use "…"', start)
            raw = re.sub(r"\\([^\w*?\\])", r"\1", raw)
        self._blanks()
        return raw

    def _quoted(self) -> str:
        start = self.at
        end = start + 1
        while end < len(self.text) and self.text[end] != '"':
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            self.at = start + 1
            raise self.problem("this quote is not closed", start)
        self.at = end + 1
        return self.text[start : self.at]

    def _bare(self, *, brackets: bool) -> str:
        """Up to white space, a closing bracket, ``&&`` or ``||``; ``brackets``: brackets that open in it close in it too."""
        start = end = self.at
        depth = 0
        while end < len(self.text):
            character = self.text[end]
            if character == "\\":
                end += 2
                continue
            if character.isspace() or (character == ")" and not depth) or self.text.startswith(("&&", "||"), end):
                break
            if brackets:
                depth += (character == "(") - (character == ")")
            end += 1
        self.at = min(end, len(self.text))
        if self.at == start:
            raise self.problem("a value is missing here")
        return self.text[start : self.at]

    # ── words ────────────────────────────────────────────────────────────

    def _blanks(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _keyword(self) -> str | None:
        found = _KEYWORD.match(self.text, self.at)
        return None if found is None else found.group().lower()

    def _taken(self, keyword: str, sign: str) -> bool:
        if self._keyword() == keyword:
            self.at += len(keyword)
        elif self.text.startswith(sign, self.at):
            self.at += len(sign)
        else:
            return False
        self._blanks()
        return True


def _wildcards(raw: str) -> Wildcards:
    """Text with its escapes → pieces. A backslash before anything but ``* ? " \\`` is a character like others."""
    pieces: list[list[str | None]] = [[]]
    at = 0
    while at < len(raw):
        character = raw[at]
        if character == "\\" and raw[at + 1 : at + 2] in ("*", "?", '"', "\\"):
            pieces[-1].append(raw[at + 1])
            at += 2
            continue
        if character == "*":
            pieces.append([])
        else:
            pieces[-1].append(None if character == "?" else character)
        at += 1
    return Wildcards(tuple(tuple(piece) for piece in pieces))
