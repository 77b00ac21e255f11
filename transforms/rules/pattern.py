"""Regular expressions of rules: the dialect of the ``regex`` module, with a time limit, and where it is safe, Rust's engine.

The dialect is Python's with ``(?<name>…)`` beside ``(?P<name>…)``, atomic groups, recursion, ``\\h`` and repeated group names. Every
match has a time limit (`MATCH_SECONDS`), so that an expression that explodes costs its event and not the job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from time import monotonic
from typing import Any

__all__ = ["MATCH_SECONDS", "Pattern"]

MATCH_SECONDS = 2.0
"""Longest time one match may take; then its event fails with a TimeoutError."""

_SHORTEST_SECONDS = 0.002
_PATIENCE_SECONDS = 60.0


class Pattern:
    """A compiled regular expression. Make them with `Pattern.of`, which keeps those in use.

    An expression that explodes on one value often does so on thousands. Each time that a match runs out of its time, the next ones get
    half as much, down to 2 ms; a minute after the first of them the full `MATCH_SECONDS` are given again. So a batch of such values
    costs seconds or minutes, and not hours.

    Raises ValueError for text that is no regular expression.
    """

    __slots__ = ("_limit", "_ran_out_at", "_rust", "compiled", "groups", "names", "text")

    def __init__(self, text: str) -> None:
        import regex

        self.text = text
        try:
            self.compiled: Any = regex.compile(text)
        except (regex.error, OverflowError, RecursionError, ValueError, KeyError, IndexError) as error:
            raise ValueError(f"invalid regular expression {_short(text)!r}: {error}") from None
        self._rust: str | bool | None = False
        self.groups: int = self.compiled.groups
        """Number of groups."""
        self.names: Mapping[str, int] = dict(self.compiled.groupindex)
        """Group names → numbers, in the order of the text."""
        self._limit: float | None = None
        self._ran_out_at = 0.0

    @staticmethod
    def of(text: str) -> Pattern:
        """The pattern of a text, compiled once."""
        return _compile(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Pattern.of, (self.text,))

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def search(self, value: str) -> Any | None:
        """The first match anywhere, or None."""
        try:
            return self.compiled.search(value, timeout=self._seconds())
        except TimeoutError:
            raise self._ran_out() from None

    def prefix(self, value: str) -> Any | None:
        """A match that begins where the value begins, or None."""
        try:
            return self.compiled.match(value, timeout=self._seconds())
        except TimeoutError:
            raise self._ran_out() from None

    def whole(self, value: str) -> Any | None:
        """A match of the whole value, or None."""
        try:
            return self.compiled.fullmatch(value, timeout=self._seconds())
        except TimeoutError:
            raise self._ran_out() from None

    def each(self, value: str) -> Iterator[Any]:
        """Every match, one after the other."""
        try:
            yield from self.compiled.finditer(value, timeout=self._seconds())
        except TimeoutError:
            raise self._ran_out() from None

    def texts(self, value: str) -> list[Any]:
        """The texts of every match: of its group if there is one, tuples of its groups if there are several. All at once, however many."""
        try:
            return list(self.compiled.findall(value, timeout=self._seconds()))
        except TimeoutError:
            raise self._ran_out() from None

    def replace(self, template: str, value: str, count: int = 0) -> str:
        """The value with matches replaced (``\\1`` and ``\\g<name>`` stand for groups; 0 = all)."""
        try:
            return str(self.compiled.sub(template, value, count=count, timeout=self._seconds()))
        except TimeoutError:
            raise self._ran_out() from None

    def check_template(self, template: str) -> None:
        """Raises ValueError for a template of `replace` that names groups which do not exist, or is no template."""
        import regex

        try:
            regex.compile(f"|{self.text}").sub(template, "")  # matches the empty text, so that the template is used
        except (regex.error, IndexError, KeyError, ValueError) as error:
            raise ValueError(f"invalid template {_short(template)!r}: {error}") from None

    def split(self, value: str, most: int = 0) -> list[str | None]:
        """The value cut at matches; groups are kept in between, as in Python (0 = no limit)."""
        try:
            return list(self.compiled.split(value, maxsplit=most, timeout=self._seconds()))
        except TimeoutError:
            raise self._ran_out() from None

    def _seconds(self) -> float:
        """How long the next match may take."""
        if self._limit is None:
            return MATCH_SECONDS
        if monotonic() - self._ran_out_at > _PATIENCE_SECONDS:
            self._limit = None
            return MATCH_SECONDS
        return self._limit

    def _ran_out(self) -> TimeoutError:
        if self._limit is None:
            self._ran_out_at = monotonic()
        self._limit = max((MATCH_SECONDS if self._limit is None else self._limit) / 2, _SHORTEST_SECONDS)
        return TimeoutError("the regular expression took too long on this value")

    def rust(self) -> str | None:
        """The same expression for Rust's engine, or None where both engines may differ.

        It holds for values of ASCII characters without line ends; others go to `search` and its siblings.
        """
        if self._rust is False:
            from transforms.rules.pattern_rust import translate

            self._rust = translate(self.text)
        return self._rust if isinstance(self._rust, str) else None


@lru_cache(maxsize=4096)
def _compile(text: str) -> Pattern:
    return Pattern(text)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "…"
