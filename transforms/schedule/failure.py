"""Why an attempt failed: a stable code and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.core.errors import LogsluiceError, QueryFailed, StatementError

__all__ = ["CANCELLED", "INTERRUPTED", "TIMED_OUT", "WORKER_LOST", "Failure", "failure_of"]

_LONGEST_MESSAGE = 2_000


@dataclass(frozen=True)
class Failure:
    """``code`` is what programs and alerts match on."""

    code: str
    message: str


CANCELLED = Failure("Cancelled", "the instance was cancelled")
INTERRUPTED = Failure("Interrupted", "the worker was told to stop")
TIMED_OUT = Failure("AttemptTimedOut", "the attempt took longer than an analysis may")
WORKER_LOST = Failure("WorkerLost", "the worker that ran the attempt is gone")


def failure_of(error: Exception) -> Failure:
    """The code of an attempt's error: ``SQLFailed`` for statements, the error's own code where it is one of ours, else ``InternalError``."""
    if isinstance(error, StatementError | QueryFailed):
        return _failure("SQLFailed", error)
    if isinstance(error, LogsluiceError):
        return _failure(error.code, error)
    return _failure("InternalError", error)


def _failure(code: str, error: Exception) -> Failure:
    text = str(error) or type(error).__name__
    return Failure(code, text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…")
