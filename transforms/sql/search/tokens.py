"""Cuts the search part into tokens with spans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from transforms.core.errors import Location, SearchError
from transforms.sql.search.nodes import Span
from transforms.sql.statement import Statement

__all__ = ["Kind", "Token", "tokenize"]

Kind = Literal["word", "quoted", "phrase", "and", "or", "not", "in", "(", ")", "[", "]", ":", "compare", "end"]

_OPERATORS = {"and": "and", "or": "or", "not": "not"}
_VALUE_ENDS = frozenset('():"|')
_WORD_ENDS = _VALUE_ENDS | frozenset("<>=")
_RANGE_ENDS = _WORD_ENDS | frozenset("[]")


@dataclass(frozen=True)
class Token:
    """``text`` has quotes and backslashes resolved."""

    kind: Kind
    text: str
    span: Span


def tokenize(statement: Statement) -> list[Token]:
    """All tokens of the search part, closed by an ``end`` token.

    Raises:
        SearchError: a quote is not closed, or stands in the middle of a word.
    """
    return list(_Lexer(statement).tokens())


class _Lexer:
    def __init__(self, statement: Statement) -> None:
        self.text = statement.text
        self.at = statement.search_start
        self.stop = statement.search_start + len(statement.search)
        self.previous: Kind = "end"
        self.in_range = False

    def tokens(self) -> Iterator[Token]:
        while True:
            while self.at < self.stop and self.text[self.at].isspace():
                self.at += 1
            if self.at >= self.stop:
                yield Token("end", "", Span(self.stop, self.stop))
                return
            token = self._next()
            self.previous = token.kind
            yield token

    def _next(self) -> Token:
        start, character = self.at, self.text[self.at]
        if character == '"':
            return self._quoted(start, "quoted")
        if character == "#" and self.text.startswith('"', start + 1) and start + 1 < self.stop:
            self.at += 1
            return self._quoted(start, "phrase")
        if character in "()":
            self.in_range = self.in_range and character == "("
            return self._single(character)  # type: ignore[arg-type]
        if character == ":":
            return self._single(":")
        if self.in_range and character in "[]":
            self.in_range = character == "["
            return self._single(character)  # type: ignore[arg-type]
        if character in "<>=" and self.previous != ":":
            return self._comparison(start)
        return self._word(start)

    def _single(self, kind: Kind) -> Token:
        self.at += 1
        return Token(kind, kind, Span(self.at - 1, self.at))

    def _comparison(self, start: int) -> Token:
        while self.at < self.stop and self.text[self.at] in "<>=":
            self.at += 1
        text = self.text[start : self.at]
        if text not in ("<", "<=", ">", ">=", "="):
            hint = "write 'not field:value' for unequal" if text == "<>" else "the comparison signs are =, <, <=, > and >="
            raise self._error(f"{text} is not a comparison sign", start, self.at, hint)
        return Token("compare", text, Span(start, self.at))

    def _word(self, start: int) -> Token:
        # After a colon or a comparison sign the value is expected: signs are ordinary characters there (`/path?x=1`).
        ends = _RANGE_ENDS if self.in_range else _VALUE_ENDS if self.previous in (":", "compare") else _WORD_ENDS
        characters: list[str] = []
        while self.at < self.stop:
            character = self.text[self.at]
            if character == "\\" and self.text[self.at + 1 : min(self.at + 2, self.stop)] in ('"', "\\"):
                characters.append(self.text[self.at + 1])
                self.at += 2
                continue
            if character.isspace() or character in ends:
                break
            characters.append(character)
            self.at += 1
        if self.at < self.stop and self.text[self.at] == '"':
            raise self._error(
                "a quotation mark in the middle of a word", self.at, self.at + 1,
                'write \\" for a quotation mark that belongs to the word, or put a blank before it',
            )  # fmt: skip
        text = "".join(characters)
        span = Span(start, self.at)
        kind: Kind = "word"
        if text == self.text[start : self.at]:
            kind = _OPERATORS.get(text.lower(), "word")  # type: ignore[assignment]
        if text == "in" and self.previous in ("word", "quoted") and self.text[self.at : self.stop].lstrip()[:1] in ("(", "["):
            self.in_range = True
            kind = "in"
        return Token(kind, text, span)

    def _quoted(self, start: int, kind: Kind) -> Token:
        self.at += 1
        characters: list[str] = []
        while self.at < self.stop:
            character = self.text[self.at]
            if character == "\\" and self.text[self.at + 1 : min(self.at + 2, self.stop)] in ('"', "\\"):
                characters.append(self.text[self.at + 1])
                self.at += 2
                continue
            self.at += 1
            if character == '"':
                return self._closed(Token(kind, "".join(characters), Span(start, self.at)))
            characters.append(character)
        raise self._error(
            "the quotation mark is never closed", start, start + (2 if kind == "phrase" else 1),
            'close it with ", or write \\" for a quotation mark that belongs to the word',
        )  # fmt: skip

    def _closed(self, token: Token) -> Token:
        following = self.text[self.at : min(self.at + 1, self.stop)]
        if following and not following.isspace() and following not in "():<>=[]":
            raise self._error(
                "a word follows the quotation mark without a blank", self.at, self.at + 1,
                'put a blank between them, or write \\" for a quotation mark that belongs to the word',
            )  # fmt: skip
        return token

    def _error(self, message: str, start: int, end: int, hint: str) -> SearchError:
        return SearchError(message, hint=hint, location=Location(self.text, start, end), code="ParseError")
