"""Parses the search part.

How operators bind, tightest first: ``:`` and comparisons, parentheses, ``and`` (also where two conditions just follow each
other), ``not``, ``or``. That ``not`` is weaker than ``and`` surprises people: ``not a and b`` is everything but ``a and b``.
The language has it so; such a text is read that way and gets a warning.
"""

from __future__ import annotations

from dataclasses import replace

from transforms.core.errors import Location, SearchError
from transforms.sql.search.nodes import (
    And,
    Bounds,
    Compare,
    Difference,
    Everything,
    Everywhere,
    Field,
    Node,
    Or,
    Search,
    Span,
    Within,
    Word,
)
from transforms.sql.search.tokens import Kind, Token, tokenize
from transforms.sql.statement import Statement

__all__ = ["MOST_CONDITIONS", "MOST_PARENTHESES", "MOST_WILDCARD_WORD", "parse_search"]

MOST_CONDITIONS = 30
"""Conditions in one search."""
MOST_PARENTHESES = 50
"""Parentheses inside each other."""
MOST_WILDCARD_WORD = 64
"""Characters of a word with wildcards."""

_RANGE_HINT = "write two numbers with a blank between them, like status in [200 299] or status in (200 300)"
_VALUE_HINT = "write key:value; values with blanks or signs need quotation marks"
_RESERVED = frozenset({"sort", "asc", "desc", "avg", "sum", "min", "max", "limit", "in"})


def parse_search(statement: Statement) -> Search:
    """The tree of the search part.

    Raises:
        SearchError: with the place of the first problem.
    """
    return _Parser(statement).parse()


class _Parser:
    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.tokens = tokenize(statement)
        self.at = 0
        self.conditions = 0
        self.depth = 0
        self.closed_by: dict[int, int] = {}
        self.warnings: list[str] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def at_kind(self, *kinds: Kind) -> bool:
        return self.token.kind in kinds

    def peek(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def parse(self) -> Search:
        if self.at_kind("end"):
            return Search(Everything(self.token.span), self.statement.text)
        root = self.union()
        if self.at_kind(")"):
            raise self.error("this parenthesis was never opened", self.token.span, "remove it, or open it earlier")
        if not self.at_kind("end"):
            raise self.unexpected()
        return Search(root, self.statement.text, tuple(self.warnings))

    def union(self) -> Node:
        parts = [self.difference()]
        while self.at_kind("or"):
            self.take()
            parts.append(self.difference())
        return parts[0] if len(parts) == 1 else Or(tuple(parts), parts[0].span.to(parts[-1].span))

    def difference(self) -> Node:
        start = self.token.span
        kept: Node | None = None
        removed: list[Node] = []
        if self.at_kind("not"):
            removed.append(self.subtracted())
        else:
            kept = self.intersection()
        while self.at_kind("not") or (self.at_kind("and") and self.peek().kind == "not"):
            if self.at_kind("and"):
                self.take()
            removed.append(self.subtracted())
        if not removed:
            assert kept is not None
            return kept
        return Difference(kept, tuple(removed), start.to(removed[-1].span))

    def subtracted(self) -> Node:
        negation = self.take()
        before = self.at
        node = self.intersection()
        if isinstance(node, And) and self.closed_by.get(before) != self.at - 1:
            text = self.statement.text[node.span.start : node.span.end]
            self.warnings.append(
                f"'not' binds weaker than 'and': at column {self.column(negation.span)} this reads as not ({text}); "
                "put parentheses where you mean them"
            )
        return node

    def intersection(self) -> Node:
        parts = [self.condition()]
        while True:
            if self.at_kind("and") and self.peek().kind != "not":
                self.take()
            elif self.token.kind in ("and", "or", "not", ")", "end"):
                break
            parts.append(self.condition())
        return parts[0] if len(parts) == 1 else And(tuple(parts), parts[0].span.to(parts[-1].span))

    def condition(self) -> Node:
        if self.at_kind("("):
            return self.group()
        if self.token.kind not in ("word", "quoted", "phrase"):
            raise self.unexpected()
        first = self.take()
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise self.error(
                f"a search has at most {MOST_CONDITIONS} conditions", first.span,
                "use wildcards or a range, or move conditions into a where clause after the |", "TooManyConditions",
            )  # fmt: skip
        if first.kind != "phrase":
            if self.at_kind(":"):
                return self.field_condition(first)
            if self.at_kind("compare"):
                return self.comparison(self.key(first))
            if self.at_kind("in"):
                return self.range(self.key(first))
        if first.kind == "word" and first.text == "*":
            return Everything(first.span)
        if first.kind == "word":
            self.refuse_reserved(first)
        word = self.word(first)
        return Everywhere(word, word.span)

    def group(self) -> Node:
        opened_at = self.at
        opening = self.take()
        self.depth += 1
        if self.depth > MOST_PARENTHESES:
            raise self.error(
                f"more than {MOST_PARENTHESES} parentheses inside each other", opening.span, "remove those that change nothing", "TooDeep"
            )
        if self.at_kind(")"):
            raise self.error("nothing stands between the parentheses", opening.span.to(self.token.span), "write a condition in them")
        node = self.union()
        if not self.at_kind(")"):
            if self.at_kind("end"):
                raise self.error("this parenthesis is never closed", opening.span, "add a ) where the group ends")
            raise self.unexpected()
        self.closed_by[opened_at] = self.at
        closing = self.take()
        self.depth -= 1
        return replace(node, span=opening.span.to(closing.span))

    def field_condition(self, first: Token) -> Node:
        key = self.key(first)
        self.take()
        if first.text.lower() == "__tag__" and first.kind == "word":
            tag = self.value("the tag's name")
            if not self.at_kind(":"):
                raise self.error(
                    "a tag is searched by its name and value",
                    first.span.to(tag.span),
                    f"write __tag__:{tag.text}:value",
                )
            self.take()
            key = Word(f"__tag__:{tag.text}", "quoted", first.span.to(tag.span))
        token = self.value("a value")
        if self.at_kind(":"):
            raise self.error("a second colon in one condition", self.token.span, 'put the value into quotation marks: key:"a:b"')
        if token.kind == "word" and token.text == "*":
            return Field(key, None, key.span.to(token.span))
        word = self.word(token)
        return Field(key, word, key.span.to(word.span))

    def comparison(self, key: Word) -> Node:
        sign = self.take()
        token = self.value("a number")
        if key.text.endswith("!") and sign.text == "=" and key.kind == "plain":
            raise self.error(
                "!= is not a comparison sign of the search part",
                key.span.to(sign.span),
                f"write 'not {key.text[:-1] or 'field'}:{token.text}'",
            )
        if token.kind == "word" and token.text == "*" and sign.text == "=":
            return Field(key, None, key.span.to(token.span))
        return Compare(key, sign.text, self.word(token), key.span.to(token.span))  # type: ignore[arg-type]

    def range(self, key: Word) -> Node:
        self.take()
        opening = self.take()
        low = self.value("the lower number of the range", _RANGE_HINT)
        high = self.value("the upper number of the range", _RANGE_HINT)
        if self.token.kind not in (")", "]"):
            raise self.error(
                "the range is not closed after its two numbers",
                opening.span.to(high.span),
                _RANGE_HINT,
            )
        closing = self.take()
        lower = Bounds(Word(low.text, "quoted", low.span), opening.kind == "[")
        upper = Bounds(Word(high.text, "quoted", high.span), closing.kind == "]")
        return Within(key, lower, upper, key.span.to(closing.span))

    def key(self, token: Token) -> Word:
        return Word(token.text, "plain" if token.kind == "word" else "quoted", token.span)

    def value(self, what: str, hint: str = _VALUE_HINT) -> Token:
        token = self.token
        if token.kind in ("and", "or", "not"):
            raise self.error(
                f"{token.text!r} is an operator, {what} was expected",
                token.span,
                f'put it into quotation marks to search for it: "{token.text}"',
                "ReservedWord",
            )
        if token.kind not in ("word", "quoted", "phrase"):
            found = "the search ends" if token.kind == "end" else f"found {token.text!r}"
            raise self.error(f"{what} was expected, {found}", self.place(token), hint)
        return self.take()

    def word(self, token: Token) -> Word:
        if token.kind != "word":
            return Word(token.text, token.kind, token.span)  # type: ignore[arg-type]
        if token.text[:1] in ("*", "?"):
            raise self.error(
                "a wildcard cannot be the first character of a word", Span(token.span.start, token.span.start + 1),
                f'begin with at least one letter, or put the word into quotation marks to mean {token.text[:1]} itself', "LeadingWildcard",
            )  # fmt: skip
        if len(token.text) > MOST_WILDCARD_WORD and ("*" in token.text or "?" in token.text):
            raise self.error(
                f"a word with wildcards has at most {MOST_WILDCARD_WORD} characters, this one has {len(token.text)}", token.span,
                "shorten it, or use like in a where clause after the |", "WordTooLong",
            )  # fmt: skip
        return Word(token.text, "plain", token.span)

    def refuse_reserved(self, token: Token) -> None:
        text, span = token.text.lower(), token.span
        if text == "group" and self.at_kind("word") and self.token.text.lower() == "by":
            text, span = "group by", span.to(self.token.span)
        elif text not in _RESERVED:
            return
        hint = f'put it into quotation marks to search for it: "{text}"'
        if text == "in":
            hint += "; a range is written key in [1 5]"
        raise self.error(f"{text!r} is a word of the language", span, hint, "ReservedWord")

    def place(self, token: Token) -> Span:
        if token.kind == "end" and self.at:
            before = self.tokens[self.at - 1].span
            return Span(before.start, before.end)
        return token.span

    def unexpected(self) -> SearchError:
        token = self.token
        if token.kind == "end":
            return self.error(
                f"the search ends after {self.tokens[self.at - 1].text!r}", self.place(token), "add a condition, or remove it"
            )
        hint = "conditions are words, key:value, key > number, key in [low high], joined by and, or, not"
        if token.kind == "not":
            hint = "write the inner part in parentheses: not (not x)"
        return self.error(f"a condition was expected, found {token.text!r}", token.span, hint)

    def column(self, span: Span) -> int:
        return Location(self.statement.text, span.start, span.end).column

    def error(self, message: str, span: Span, hint: str, code: str = "ParseError") -> SearchError:
        return SearchError(message, hint=hint, location=Location(self.statement.text, span.start, span.end), code=code)
