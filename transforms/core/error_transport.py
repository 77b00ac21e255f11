"""Our errors across a runner: workers report a failure as text only, so the error travels as one line of JSON inside it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator

from transforms.core import errors
from transforms.core.errors import Location, LogsluiceError

__all__ = ["MARK", "WorkerError", "error_in", "portable_errors"]

MARK = "logsluice-error:"
"""Begins the line; a runner's log that has it repeats what the launcher tells."""
_LINE = re.compile(re.escape(MARK) + r"(\{.*?\}):end")


class WorkerError(RuntimeError):
    """One of our errors on its way from a worker to the launcher."""


@contextlib.contextmanager
def portable_errors() -> Iterator[None]:
    """Around what a DoFn does: our errors leave it in a form that `error_in` reads back."""
    try:
        yield
    except LogsluiceError as error:
        location = None if error.location is None else dataclasses.asdict(error.location)
        told = {"kind": type(error).__name__, "message": error.message, "hint": error.hint, "code": error.code, "location": location}
        raise WorkerError(f"{MARK}{json.dumps(told)}:end") from error


def error_in(text: str) -> LogsluiceError | None:
    """The error that a worker's report holds, whole, or None. A report may repeat it with escapes; the plain one counts."""
    for match in _LINE.finditer(text):
        try:
            told = json.loads(match[1])
        except ValueError:
            continue
        kind = getattr(errors, told["kind"], None)
        if not (isinstance(kind, type) and issubclass(kind, LogsluiceError)):
            continue
        location = None if told["location"] is None else Location(**told["location"])
        return kind(told["message"], hint=told["hint"], code=told["code"], location=location)
    return None
