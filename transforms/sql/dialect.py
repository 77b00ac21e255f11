"""The dialect's grammar: Trino's as sqlglot reads it, with hyphenated store names, and every function call left as written."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.parsers.trino import TrinoParser
from sqlglot.tokens import Token, TokenType

from transforms.core.errors import Location, SqlError
from transforms.sql.statement import Statement

__all__ = ["NULL_SKIPPING", "LogDialect", "fragment", "parse"]

_KEPT = ("CAST", "TRY_CAST", "EXTRACT", "POSITION")


class LogDialect(Trino):
    """Reads the analysis part of a statement."""

    INDEX_OFFSET = 0

    class Parser(TrinoParser):
        """Calls stay as they are written."""

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {name: TrinoParser.FUNCTION_PARSERS[name] for name in _KEPT}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}

        def _parse_table_part(self, schema: bool = False) -> exp.Expr | None:
            """``website-log`` is one name after FROM, JOIN and INTO."""
            part = super()._parse_table_part(schema=schema)
            if not isinstance(part, exp.Identifier) or part.quoted:
                return part
            name, end = part.name, part.meta.get("end")
            while (
                end is not None
                and self._curr
                and self._curr.token_type == TokenType.DASH
                and self._curr.start == end + 1
                and self._next
                and self._next.start == self._curr.end + 1
                and re.match(r"\w", self._next.text)
            ):
                self._advance(2)
                name, end = f"{name}-{self._prev.text}", self._prev.end
                # `a-1b` reaches us as a number and a word.
                while self._curr and self._curr.start == end + 1 and re.fullmatch(r"\w+", self._curr.text):
                    name, end = name + self._curr.text, self._curr.end
                    self._advance()
            if name == part.name:
                return part
            joined = exp.Identifier(this=name, quoted=True).update_positions(part)
            joined.meta["end"] = end
            return joined


NULL_SKIPPING: dict[str, Any] = {
    "FIRST_VALUE": exp.FirstValue.from_arg_list,
    "LAST_VALUE": exp.LastValue.from_arg_list,
    "NTH_VALUE": exp.NthValue.from_arg_list,
    "LAG": exp.Lag.from_arg_list,
    "LEAD": exp.Lead.from_arg_list,
}
"""Functions that may say IGNORE NULLS: the generator wants to know them by class."""


class Fragments(DuckDB):
    """Reads the pieces of DuckDB SQL that functions are translated to, calls left as written."""

    class Parser(DuckDBParser):
        """Calls stay as they are written."""

        FUNCTIONS: ClassVar[dict[str, Any]] = NULL_SKIPPING
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {name: DuckDBParser.FUNCTION_PARSERS[name] for name in ("CAST", "TRY_CAST")}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}


# What sqlglot cannot read or write is an error of ours, not a line in somebody's log.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_log_dialect = LogDialect()
_fragments = Fragments()


@lru_cache(maxsize=4096)
def _fragment(text: str) -> exp.Expr:
    [select] = _fragments.parse(f"SELECT {text}")
    assert isinstance(select, exp.Select)
    return select.expressions[0].pop()  # type: ignore[no-any-return]


def fragment(text: str) -> exp.Expr:
    """DuckDB SQL for one expression, as a tree of one's own."""
    return _fragment(text).copy()


def parse(statement: Statement) -> exp.Expr:
    """The tree of the analysis part; node positions are relative to ``statement.sql``. Raises SqlError."""
    sql = statement.sql
    assert sql is not None
    try:
        tokens = _log_dialect.tokenize(sql)
    except TokenError as error:
        raise _unclosed(statement, error) from error
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    _check_tokens(statement, tokens)
    try:
        trees = _log_dialect.parser().parse(tokens, sql)
    except ParseError as error:
        raise _syntax_error(statement, error, tokens) from error
    except RecursionError as error:
        raise SqlError("the statement is nested too deeply", code="SyntaxError", hint="split it with WITH") from error
    trees = [tree for tree in trees if tree is not None]
    if len(trees) != 1 or trees[0] is None:
        raise SqlError(
            "a statement holds exactly one query" if trees else "the statement has no SQL after the |",
            code="SyntaxError", hint="run them one by one" if trees else "write a select after the |",
            location=_at(statement, 0, max(len(sql), 1)),
        )  # fmt: skip
    if isinstance(trees[0], exp.Command):
        first = tokens[0]
        raise SqlError(
            f"mismatched input {first.text!r}", code="SyntaxError", hint="a statement begins with select, with, values or insert into",
            location=_at(statement, first.start, first.end + 1),
        )  # fmt: skip
    return trees[0]


def _at(statement: Statement, start: int, end: int) -> Location:
    base = statement.sql_start or 0
    return Location(statement.text, base + start, base + end)


def _check_tokens(statement: Statement, tokens: list[Token]) -> None:
    """What sqlglot would read over: ``1abc``, doubled commas, OFFSET."""
    ends = {
        TokenType.COMMA,
        TokenType.FROM,
        TokenType.R_PAREN,
        TokenType.WHERE,
        TokenType.GROUP_BY,
        TokenType.ORDER_BY,
        TokenType.LIMIT,
        TokenType.HAVING,
    }
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if token.token_type == TokenType.NUMBER and after and after.start == token.end + 1 and re.match(r"[A-Za-z_]", after.text):
            before = tokens[place - 1] if place else None
            if (
                before
                and before.token_type == TokenType.DASH
                and before.end + 1 == token.start
                and place > 1
                and tokens[place - 2].end + 1 == before.start
            ):
                continue
            raise SqlError(
                "identifiers must not start with a digit; surround the identifier with double quotes", code="IdentifierStartsWithDigit",
                hint=f'write "{token.text}{after.text}"', location=_at(statement, token.start, after.end + 1),
            )  # fmt: skip
        if token.token_type == TokenType.COMMA and (after is None or after.token_type in ends):
            at = after or token
            raise SqlError(
                f"mismatched input {at.text!r}: an expression is missing after ','", code="SyntaxError",
                hint="remove the comma or write what comes after it", location=_at(statement, token.start, token.end + 1),
            )  # fmt: skip
        if token.token_type == TokenType.OFFSET and after and after.token_type == TokenType.NUMBER:
            raise SqlError(
                "there is no OFFSET keyword", code="SyntaxError", hint="write limit OFFSET, COUNT: the offset comes first",
                location=_at(statement, token.start, after.end + 1),
            )  # fmt: skip


def _unclosed(statement: Statement, error: TokenError) -> SqlError:
    sql = statement.sql or ""
    for quote, what in (("'", "string"), ('"', "quoted name")):
        if sql.count(quote) % 2:
            at = sql.rfind(quote)
            return SqlError(
                f"the {what} that starts here is not closed",
                code="SyntaxError",
                hint=f"add the closing {quote}",
                location=_at(statement, at, len(sql)),
            )
    return SqlError(f"the SQL cannot be read: {error}", code="SyntaxError", location=_at(statement, 0, len(sql)))


def _syntax_error(statement: Statement, error: ParseError, tokens: list[Token]) -> SqlError:
    details: dict[str, Any] = dict(error.errors[0]) if error.errors else {}
    what = str(details.get("description") or "syntax error")
    word = str(details.get("highlight") or "")
    line, column = details.get("line"), details.get("col")
    found = next((token for token in tokens if token.line == line and token.col == column), tokens[-1] if tokens else None)
    start, end = (found.start, found.end + 1) if found else (0, len(statement.sql or ""))
    last = bool(tokens) and found is tokens[-1]
    message: str
    hint: str | None
    place = tokens.index(found) if found in tokens else 0
    if (
        place > 0
        and tokens[place - 1].text.casefold() == "as"
        and any(token.text.casefold() in ("cast", "try_cast") for token in tokens[:place])
    ):
        message, hint = f"there is no type {word}", "types are bigint, double, varchar, boolean, timestamp, date, json, array(T), map(K, V)"
    elif what.startswith("Required keyword"):
        message, hint = f"something is missing after {word!r}", "complete the clause"
    elif what.startswith("Expecting"):
        message, hint = f"{what[0].lower()}{what[1:]} near {word!r}", "check the parentheses" if ")" in what or "(" in what else None
    elif last:
        message, hint = f"the SQL ends too early, or {word!r} does not belong here", None
    else:
        message, hint = f"mismatched input {word!r}", "check the commas and keywords before it"
    return SqlError(message, code="SyntaxError", hint=hint, location=_at(statement, start, end))
