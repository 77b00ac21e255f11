"""One event as the scalar forms see it: a mapping of field → text, and what befell it.

The scalar forms are what the rule language means; `transforms.rules.frame` is the same over columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from transforms.rules.context import Context
from transforms.rules.values import stored_text

__all__ = ["DEFAULT_TARGET", "DROPPED", "Event", "EventFailed", "Journal", "Target", "check_time", "wins"]

MOST_DETAIL = 2_000
"""So many characters of a reason are kept: reports hold many of them, and dead letters hold the log itself."""
DROPPED: tuple[Event, ...] = ()
"""What a step answers when the event goes no further."""


@dataclass(frozen=True)
class Target:
    """Where an event goes: a name of the job's targets, or a project and Logstore; neither = the default target.

    ``name`` beside ``project`` or ``logstore`` only selects the credentials. The shard is the one whose range holds the MD5 of each
    event's own value of ``hash_field`` (events that lack the field go to any shard), else the one that holds ``hash_key`` (up to 32
    hexadecimal digits), else any.
    """

    name: str | None = None
    project: str | None = None
    logstore: str | None = None
    hash_key: str | None = None
    hash_field: str | None = None

    @property
    def key(self) -> str:
        """One text for it: ``default``, the name, or ``PROJECT/LOGSTORE``."""
        if self.project is not None or self.logstore is not None:
            return f"{self.project or ''}/{self.logstore or ''}"
        return self.name if self.name is not None else "default"


DEFAULT_TARGET = Target()


class EventFailed(Exception):
    """An event cannot be transformed: it is discarded whole and reported.

    Args:
        reason: as the log service words it: ``error when calling : NAME``, a line end, ``Detail: TEXT``.
        start: where in the rule's text the failing call begins (characters); ``end`` where it ends.
    """

    def __init__(self, reason: str, start: int, end: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.start = start
        self.end = end

    @staticmethod
    def of(function: str, cause: BaseException | str, start: int, end: int) -> EventFailed:
        """From what a function raised; of a text as long as the value it quotes the beginning is kept."""
        detail = stored_text(str(cause)) or type(cause).__name__  # it may quote what UTF-8 cannot hold
        if len(detail) > MOST_DETAIL:
            detail = f"{detail[:MOST_DETAIL]}… ({len(detail):,} characters)"
        if isinstance(cause, TimeoutError):
            detail = "the regular expression took too long on this value"
        return EventFailed(f"error when calling : {function}\nDetail: {detail}", start, end)


@dataclass
class Journal:
    """What happens to a source event besides its fields: what it emitted and the warnings it met."""

    context: Context
    emitted: list[tuple[Target, dict[str, str]]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    made: int = 0
    """How many events steps have made of the source event beside the one it was."""


class Event:
    """A log on its way through the steps.

    ``fields`` is in event order; ``changed`` names what steps wrote or removed; ``derived`` names fields that are there only because
    every log of a Logstore has the times they tell, as long as no step writes them.
    """

    __slots__ = ("changed", "derived", "fields", "journal")

    def __init__(self, fields: dict[str, str], journal: Journal, derived: frozenset[str] = frozenset()) -> None:
        self.fields = fields
        self.journal = journal
        self.derived = derived
        self.changed: set[str] = set()

    def copy(self) -> Event:
        """A second event with the same fields and journal."""
        twin = Event(dict(self.fields), self.journal, self.derived)
        twin.changed = set(self.changed)
        return twin

    def get(self, name: str) -> str | None:
        """The field's text, or None if the event does not have it."""
        return self.fields.get(name)

    def names(self) -> list[str]:
        """Names of the fields that patterns of field names are held against, in event order: a derived receive time is none of them."""
        return [name for name in self.fields if name not in self.derived or name in self.changed or name == "__time__"]

    def write(self, name: str, value: Any, mode: str = "overwrite") -> None:
        """Write a value (as `stored_text` keeps it) if the mode lets it win; None leaves the field alone.

        Raises ValueError for an event time that is no whole number.
        """
        text = stored_text(value)
        if text is None or not wins(mode, self.fields.get(name), text):
            return
        if name == "__time__":
            check_time(text)
        self.fields[name] = text
        self.changed.add(name)

    def remove(self, name: str) -> None:
        """Take a field out; nothing happens if it is not there."""
        if self.fields.pop(name, None) is not None:
            self.changed.add(name)

    def replace(self, fields: Iterable[tuple[str, str]]) -> None:
        """All fields anew."""
        self.changed.update(self.fields)
        self.fields = dict(fields)
        self.changed.update(self.fields)

    def emit(self, target: Target) -> None:
        """A snapshot of the event for a target."""
        self.journal.emitted.append((target, dict(self.fields)))

    def warn(self, message: str) -> None:
        """A step was skipped for this event."""
        self.journal.warnings.append(message)


def wins(mode: str, old: str | None, new: str) -> bool:
    """Whether a mode writes ``new`` over ``old`` (None = absent)."""
    if mode.endswith("-auto"):
        if not new:
            return False
        mode = mode[:-5]
    if mode == "fill":
        return not old
    return mode == "overwrite" or old is None


def check_time(text: str) -> None:
    """Raises ValueError unless the text is a whole number of seconds."""
    digits = text[1:] if text[:1] in "+-" else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise ValueError(f"__time__ takes whole Unix seconds, not {text[:60]!r}")
