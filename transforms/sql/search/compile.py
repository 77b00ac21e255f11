"""Compiles a parsed search into a DuckDB condition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from transforms.core.errors import Location, SearchError
from transforms.sql.search.matching import Cutting, Piece, cut, is_chinese, matches, matches_phrase, piece_pattern, quote, wanted
from transforms.sql.search.names import Found, Names, SearchColumns, line_cutting
from transforms.sql.search.nodes import (
    And,
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
from transforms.sql.search.numbers import compare_sql, parse_number
from transforms.stores.index import DOUBLE_TEXT, LONG_TEXT, Index

__all__ = ["SearchPredicate", "compile_search"]

_Condition = Callable[[str], str]

_MANY = 64
"""With more fields than these, bare words look into the fields joined: planning thousands of conditions takes seconds."""


@dataclass(frozen=True)
class SearchPredicate:
    """A condition for a WHERE clause.

    ``sql`` is true for the logs that the search finds and false or NULL for the others: NULL only where a field of a
    condition outside any ``not`` is missing, and a filter drops both alike. Plain comparisons stay plain, so that the engine
    prunes with them. To use it as a value write ``(sql) IS TRUE``.
    """

    sql: str
    fields: frozenset[str]
    """Stored fields that the condition reads."""
    warnings: tuple[str, ...]
    matches_all: bool
    """The search filters nothing; ``sql`` is then ``true``."""


def compile_search(search: Search, index: Index | None, columns: SearchColumns) -> SearchPredicate:
    """The condition for ``search`` on a Logstore with this index; None for no index: all fields are searchable text.

    Raises:
        SearchError: a field without index, a word that needs the full-text index where there is none, a value that does not
            fit the field's type; with its place.
    """
    compiler = _Compiler(search, index, columns)
    sql = compiler.node(search.root)
    return SearchPredicate(sql, frozenset(compiler.fields), tuple(compiler.warnings), isinstance(search.root, Everything))


class _Compiler:
    def __init__(self, search: Search, index: Index | None, columns: SearchColumns) -> None:
        self.statement = search.statement
        self.columns = columns
        self.names = Names(index, columns)
        self.fields: set[str] = set()
        self.warnings = list(search.warnings)

    def node(self, node: Node) -> str:
        match node:
            case Everything():
                return "true"
            case And(parts=parts):
                return _join("AND", [self.node(part) for part in parts])
            case Or(parts=parts):
                return _join("OR", [self.node(part) for part in parts])
            case Difference(kept=kept, removed=removed):
                kept_sql = [] if kept is None or isinstance(kept, Everything) else [self.node(kept)]
                return _join("AND", kept_sql + [f"({self.node(part)}) IS NOT TRUE" for part in removed])
            case Everywhere(word=word):
                return self.everywhere([word])
            case Field():
                return self.field(node)
            case Compare():
                return self.compare(node)
            case Within():
                return self.within(node)

    # Bare words

    def everywhere(self, words: list[Word]) -> str:
        line = self.names.full_text
        if line is None:
            raise self.error(
                "this word names no field and the Logstore has no full-text index", words[0].span,
                "search one field with field:word, or add a full-text index: logsluice logstore update NAME --index …",
                "FullTextNotEnabled",
            )  # fmt: skip
        cutting = line_cutting(line)
        return _join("AND", [part for word in words for part in self.bare(word, cutting)])

    def bare(self, word: Word, cutting: Cutting) -> list[str]:
        pieces = self.pieces(word, cutting)
        if word.kind == "phrase":
            return [self.anywhere(pieces, cutting, word.text)]
        return [self.anywhere([piece], cutting) for piece in pieces] or ["true"]

    def anywhere(self, pieces: list[Piece], line: Cutting, phrase: str | None = None) -> str:
        """One piece, or the pieces of a phrase, in the name or the value of any field of the full-text index."""
        found: list[str] = []
        alike: dict[tuple[Piece, Cutting], list[str]] = {}
        for name, cutting in self.names.everywhere():
            value = self.text(name)
            if _name_matches(name, pieces, line):
                found.append(f"{value} IS NOT NULL")
                continue
            # A phrase is cut by the field's own delimiters, so that it can also be the whole value of a field without any.
            sources = pieces if phrase is None else [Piece(phrase, False)]
            own = wanted([part for piece in sources for part in cut(piece.text, piece.wild, cutting)])
            if not own or any(piece.text[0] in "*?" and piece.wild for piece in own):
                continue
            if phrase is not None:
                found.append(matches_phrase(value, own, cutting))
            elif len(own) > 1:
                found.append(_join("AND", [matches(value, part, cutting) for part in own]))
            else:
                alike.setdefault((own[0], cutting), []).append(value)
        for (piece, cutting), values in alike.items():
            if len(values) > _MANY and cutting.delimiters:
                # A delimiter between the values keeps their tokens apart, and one look at the joined text is enough.
                found.append(matches(f"concat_ws({quote(cutting.delimiters[0])}, {', '.join(values)})", piece, cutting, joined=True))
            else:
                found += [matches(value, piece, cutting) for value in values]
        return _join("OR", found) if found else "false"

    # One field

    def field(self, node: Field) -> str:
        found = self.find(node.key)
        if node.word is None:
            return self.each(found, lambda value: f"{value} IS NOT NULL")
        return self.match(found, node.word)

    def match(self, found: Found, word: Word) -> str:
        if not word.text and word.kind != "phrase":
            return self.each(found, lambda value: f"{value} = ''")
        if found.type in ("long", "double"):
            return self.number(found, "=", word)
        pieces = self.pieces(word, found.cutting)
        if not pieces:
            return self.each(found, lambda value: f"{value} IS NOT NULL")
        if word.kind == "phrase":
            return self.each(found, lambda value: matches_phrase(value, pieces, found.cutting))
        return self.each(found, lambda value: _join("AND", [matches(value, piece, found.cutting) for piece in pieces]))

    def compare(self, node: Compare) -> str:
        found = self.look_up(node.key)
        if found is not None and found.type in ("long", "double"):
            return self.number(found, node.operator, node.value)
        if found is not None and node.operator == "=":
            return self.match(found, node.value)
        if node.operator != "=" and parse_number(node.value.text) is None:
            raise self.error(
                f"{node.operator} compares numbers, {node.value.text!r} is none",
                node.value.span,
                "compare text in a where clause after the |",
                "NotANumber",
            )
        if found is not None and found.type == "any":
            return self.number(found, node.operator, node.value)
        return self.as_words(node, found, [node.value])

    def within(self, node: Within) -> str:
        found = self.look_up(node.key)
        for bound in (node.low, node.high):
            if parse_number(bound.value.text) is None:
                raise self.error(
                    f"a range needs numbers, {bound.value.text!r} is none",
                    bound.value.span,
                    "write two numbers with a blank between them, like status in [200 299]",
                    "NotANumber",
                )
        if found is None or found.type == "text":
            return self.as_words(node, found, [node.low.value, node.high.value])
        low = self.number(found, ">=" if node.low.closed else ">", node.low.value)
        high = self.number(found, "<=" if node.high.closed else "<", node.high.value)
        return _join("AND", [low, high])

    def as_words(self, node: Compare | Within, found: Found | None, values: list[Word]) -> str:
        """A comparison on a field that is not numeric looks for its words everywhere instead."""
        if self.names.full_text is None:
            if found is None:
                raise self.not_indexed(node.key)
            raise self.error(
                f"the field {found.name!r} is indexed as text, numbers in it cannot be compared",
                node.span,
                "index it as long or double: logsluice logstore update NAME --index …",
                "FieldNotNumeric",
            )
        words = [Word(node.key.text, "quoted", node.key.span), *values]
        what = "has no index" if found is None else "is indexed as text"
        self.warnings.append(
            f"{node.key.text!r} {what}, so this looks for the words {' and '.join(repr(word.text) for word in words)} "
            "in all fields instead of comparing; index it as long or double to compare"
        )
        return self.everywhere(words)

    def number(self, found: Found, operator: str, word: Word) -> str:
        kind: Literal["long", "double"] = "long" if found.type == "long" else "double"
        number = parse_number(word.text)
        if number is None:
            hint = f"a field indexed as {kind} takes no wildcards; use a range: {found.name} in [low high]"
            if "*" not in word.text and "?" not in word.text:
                hint = f"give a number, or index {found.name!r} as text: logsluice logstore update NAME --index …"
            raise self.error(f"the field {found.name!r} is indexed as {kind}, {word.text!r} is not a number", word.span, hint, "NotANumber")
        parts = []
        for name in found.stored:
            self.fields.add(name)
            if found.path is None:
                value = self.columns.number(name, kind)
            else:
                value = _leaf_number(self.columns.leaf(name, found.path), kind)
            parts.append(compare_sql(value, operator, number, kind))
        return _join("OR", parts) if parts else "false"

    # Shared

    def find(self, key: Word) -> Found:
        found = self.look_up(key)
        if found is None:
            raise self.not_indexed(key)
        return found

    def look_up(self, key: Word) -> Found | None:
        if key.text.casefold() == "__time__":
            raise self.error("__time__ is not searched", key.span, "give the time range of the query with --from and --to")
        found = self.names.find(key)
        if found is not None and not found.stored and found.type == "any" and self.columns.fields():
            near = self.names.near(key.text)
            self.warnings.append(f"no stored log has a field {key.text!r}" + (f"; did you mean {near!r}?" if near else ""))
        return found

    def not_indexed(self, key: Word) -> SearchError:
        near = self.names.near(key.text)
        hint = f"did you mean {near!r}? Otherwise " if near else ""
        hint += "index the field with logsluice logstore update NAME --index …"
        if self.names.full_text is not None:
            hint += f', or search the text with quotation marks: "{key.text}:…"'
        return self.error(
            f"key ({key.text}) is not config as key value config, if symbol : is in your log, please wrap : with quotation mark",
            key.span, hint, "KeyNotIndexed",
        )  # fmt: skip

    def each(self, found: Found, condition: _Condition) -> str:
        parts = []
        for name in found.stored:
            self.fields.add(name)
            parts.append(condition(self.text(name) if found.path is None else self.columns.leaf(name, found.path)))
        return _join("OR", parts) if parts else "false"

    def text(self, name: str) -> str:
        self.fields.add(name)
        return self.columns.text(name)

    def pieces(self, word: Word, cutting: Cutting) -> list[Piece]:
        pieces = cut(word.text, word.kind == "plain", cutting)
        for piece in pieces:
            if piece.wild and piece.text[0] in "*?" and piece.text.strip("*"):
                at = word.span.start + max(0, self.statement[word.span.start : word.span.end].find(piece.text))
                raise self.error(
                    "a wildcard cannot be the first character after a delimiter", Span(at, at + len(piece.text)),
                    "begin that part with at least one letter, or put the word into quotation marks", "LeadingWildcard",
                )  # fmt: skip
        if not pieces:
            raise self.error(
                "nothing is left to look for: all of it is delimiters", word.span,
                "delimiters separate words and cannot be found themselves; use like in a where clause after the |", "NothingToFind",
            )  # fmt: skip
        return wanted(pieces)

    def error(self, message: str, span: Span, hint: str, code: str | None = None) -> SearchError:
        return SearchError(message, hint=hint, location=Location(self.statement, span.start, span.end), code=code)


def _join(operator: str, parts: list[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return "(" + f" {operator} ".join(parts) + ")"


def _name_matches(name: str, pieces: list[Piece], line: Cutting) -> bool:
    tokens = [piece.text for piece in cut(name, False, line)]
    tests = [
        pattern.search if is_chinese(piece, line) else pattern.fullmatch for piece in pieces for pattern in [piece_pattern(piece, line)]
    ]
    return any(
        all(test(token) for test, token in zip(tests, tokens[start:], strict=False)) for start in range(len(tokens) - len(tests) + 1)
    )


def _leaf_number(value: str, kind: Literal["long", "double"]) -> str:
    pattern, sql_type = (LONG_TEXT, "BIGINT") if kind == "long" else (DOUBLE_TEXT, "DOUBLE")
    return f"CASE WHEN regexp_matches({value}, {quote(pattern)}) THEN try_cast({value} AS {sql_type}) END"
