"""JMESPath expressions of rules: checked when a rule is loaded, bounded while they run.

An expression that is a mere path (``a.b[0].c``) is walked directly; all others go to the ``jmespath`` library. The library knows no
bounds, and a short expression can double its result again and again, so the number of steps and the size of what is made are limited.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

__all__ = ["JmesPath"]

LONGEST = 10_000
"""Characters of an expression."""


class JmesPath:
    """A compiled JMESPath. Make them with `JmesPath.of`, which keeps those in use.

    Raises ValueError for text that is no JMESPath: wrong grammar, unknown functions, a wrong number of arguments.
    """

    __slots__ = ("_parsed", "_path", "text")

    def __init__(self, text: str) -> None:
        import jmespath

        from transforms.rules.jmes_interpreter import check

        self.text = text
        if len(text) > LONGEST:
            raise ValueError(f"the JMESPath has {len(text):,} characters; at most {LONGEST:,} are allowed")
        try:
            self._parsed: Any = jmespath.compile(text).parsed
            check(self._parsed)
        except RecursionError:
            raise ValueError("the JMESPath is nested too deeply") from None
        except ValueError as error:  # the library's errors have further lines: the expression and a mark below it
            detail = re.sub(r"(?i)^(bad|invalid) jmespath expression: ", "", (str(error).splitlines() or ["it is empty"])[0].rstrip(" :"))
            raise ValueError(f"invalid JMESPath {text[:80]!r}: {detail}") from None
        self._path = _plain_path(self._parsed)

    @staticmethod
    def of(text: str) -> JmesPath:
        """The expression of a text, compiled once."""
        return _compile(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (JmesPath.of, (self.text,))

    def __repr__(self) -> str:
        return f"JmesPath({self.text!r})"

    @property
    def is_path(self) -> bool:
        """Whether it is nothing but a path (``a.b[0].c``): it then finds its way through documents of any leaves."""
        return self._path is not None

    def search(self, document: Any) -> Any:
        """What the expression finds in a document of JSON values; None for nothing.

        Raises ValueError where a function gets a value of the wrong type, or where the result would be enormous.
        """
        if self._path is None:
            from transforms.rules.jmes_interpreter import BoundedInterpreter

            try:
                return BoundedInterpreter().visit(self._parsed, document)
            except RecursionError:
                raise ValueError("the document is nested too deeply for the JMESPath") from None
        found = document
        for key in self._path:
            if isinstance(key, str):
                if not isinstance(found, dict):
                    return None
                found = found.get(key)
            else:
                if not isinstance(found, list) or not -len(found) <= key < len(found):
                    return None
                found = found[key]
        return found


@lru_cache(maxsize=4096)
def _compile(text: str) -> JmesPath:
    return JmesPath(text)


def _plain_path(node: Any) -> tuple[str | int, ...] | None:
    """The keys and positions of an expression that is nothing but a path."""
    if node["type"] in ("field", "index"):
        return (node["value"],)
    if node["type"] == "identity":
        return ()
    if node["type"] in ("subexpression", "index_expression", "pipe"):
        parts = [_plain_path(child) for child in node["children"]]
        return None if None in parts else tuple(key for part in parts for key in part or ())
    return None
