"""Did you mean: the nearest known name to a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest", "suggestion"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name`` (letter case aside), or None when nothing is near."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    if name.casefold() in by_fold:
        return by_fold[name.casefold()]
    found = difflib.get_close_matches(name.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def suggestion(name: str, known: Iterable[str], what: str = "name") -> str | None:
    """A hint such as ``did you mean 'status'?``, the list of names when it is short, or None."""
    names = sorted(set(known))
    match = nearest(name, names)
    if match is not None:
        return f"did you mean {match!r}?"
    if names and len(names) <= 12:
        return f"known {what}s: {', '.join(names)}"
    return None
