"""The error tree. Every error says what is wrong, where, and what to do next.

    LogsluiceError
    ├── UserError                 the input is wrong: exit code 2, never retried
    │   ├── ParameterInvalid          an argument, an option, a configuration value
    │   ├── NotFound                  a Logstore, an ExternalStore, a project, a file
    │   ├── AlreadyExists             a name that is taken
    │   └── StatementError            a search or SQL statement is refused; carries a Location
    │       ├── SearchError
    │       └── SqlError
    ├── QueryFailed               the statement is fine, its data is not (a cast, a division): exit code 1
    └── StoreError                the outside world: exit code 3
        ├── StoreUnavailable          may work later: retried where it is safe
        ├── StoreRejected             the store said no (duplicate key, no grant): not retried
        └── CommitConflict            another writer was first and retries are used up

All of them survive pickling, so they cross process borders whole. ``code`` is the stable name that programs match on;
the log service's own code is used where it has one (``LogStoreNotExist``, ``ParameterInvalid``, …).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

__all__ = [
    "AlreadyExists",
    "CommitConflict",
    "ExitCode",
    "Location",
    "LogsluiceError",
    "NotFound",
    "ParameterInvalid",
    "QueryFailed",
    "SearchError",
    "SqlError",
    "StatementError",
    "StoreError",
    "StoreRejected",
    "StoreUnavailable",
    "UserError",
]


class ExitCode(IntEnum):
    """What a command's exit status means."""

    DONE = 0
    """Everything asked for was done."""
    PROBLEMS = 1
    """The command ran, but some of its input was bad (dead letters) or the statement failed on its data."""
    USAGE = 2
    """The input is wrong: an unknown verb, flag, name, column, or a statement that cannot be run."""
    STORE = 3
    """A store could not be reached or refused the work."""
    INTERRUPTED = 130
    """Ctrl-C."""


@dataclass(frozen=True)
class Location:
    """A span ``[start, end)`` of characters in a text, and what the text is called (a file's path, ``statement``, …)."""

    text: str
    start: int
    end: int
    source: str = "statement"

    @property
    def line(self) -> int:
        """The line number, from 1."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The column number in characters, from 1."""
        return self.start - (self.text.rfind("\n", 0, self.start) + 1) + 1


class LogsluiceError(Exception):
    """Anything that Logsluice itself reports.

    Args:
        message: what is wrong, one sentence, without a final period.
        hint: what to do next, one sentence.
        location: where in the user's text.
        code: overrides the class's stable code.
    """

    default_code: ClassVar[str] = "Error"
    exit_code: ClassVar[ExitCode] = ExitCode.PROBLEMS

    def __init__(self, message: str, *, hint: str | None = None, location: Location | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location
        self.code = code or self.default_code

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"hint": self.hint, "location": self.location, "code": self.code}
        return (_rebuild, (type(self), self.message, state))


def _rebuild(kind: type[LogsluiceError], message: str, state: dict[str, Any]) -> LogsluiceError:
    return kind(message, **state)


class UserError(LogsluiceError):
    """The input is wrong; trying again will not help."""

    default_code = "UserError"
    exit_code = ExitCode.USAGE


class ParameterInvalid(UserError):
    """An argument, an option or a configuration value is wrong."""

    default_code = "ParameterInvalid"


class NotFound(UserError):
    """Something named does not exist."""

    default_code = "NotFound"


class AlreadyExists(UserError):
    """The name is taken."""

    default_code = "AlreadyExist"


class StatementError(UserError):
    """A statement is refused before anything is read."""

    default_code = "StatementInvalid"


class SearchError(StatementError):
    """The search part of a statement is refused."""

    default_code = "SearchInvalid"


class SqlError(StatementError):
    """The SQL part of a statement is refused."""

    default_code = "SqlInvalid"


class QueryFailed(LogsluiceError):
    """A statement failed on the data it met."""

    default_code = "QueryFailed"


class StoreError(LogsluiceError):
    """A store could not do what it was asked."""

    default_code = "StoreError"
    exit_code = ExitCode.STORE


class StoreUnavailable(StoreError):
    """A store does not answer, or not now."""

    default_code = "StoreUnavailable"


class StoreRejected(StoreError):
    """A store answered no."""

    default_code = "StoreRejected"


class CommitConflict(StoreError):
    """Other writers were first, more often than a commit tries again."""

    default_code = "CommitConflict"
