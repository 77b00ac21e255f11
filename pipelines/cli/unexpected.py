"""The message for an error nobody foresaw: one screen, no secrets."""

from __future__ import annotations

import os
import re
import traceback

from transforms.core.secret import MASK

__all__ = ["describe"]

_SECRET_NAME = re.compile(r"pass|secret|token|key|pwd|credential", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s@]+@")
_ASSIGNED = re.compile(r"(?i)\b(password|passwd|pwd|secret|token|access_?key)(\s*[=:]\s*)\S+")


def describe(error: BaseException) -> str:
    """What broke, where in the program, and what to send along with a report."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else "unknown"
    text = masked(str(error)) or "no text"
    if len(text) > 1_000:
        text = text[:1_000] + "…"
    return (
        f"error[Unexpected]: {type(error).__name__}: {text}\n  at {where}\n"
        "hint: this is a fault of Logsluice; run the command again with --traceback before the verb and report\n"
        "      what it prints, the command and the output of `logsluice --version`"
    )


def masked(text: str) -> str:
    """A text without passwords in URLs, assignments, or values of environment variables that are named like secrets."""
    text = _ASSIGNED.sub(rf"\1\2{MASK}", _URL_PASSWORD.sub(rf"\1{MASK}@", text))
    for name, value in os.environ.items():
        if len(value) >= 6 and _SECRET_NAME.search(name):
            text = text.replace(value, MASK)
    return text
