"""Why a job failed, in the words that the ledger keeps."""

from __future__ import annotations

from pipelines.cli.unexpected import masked
from transforms.core.diagnostics import render
from transforms.core.errors import LogsluiceError

__all__ = ["UNFORESEEN", "reason_of"]

UNFORESEEN = "InternalError"
"""The code of an error that is not one of ours."""
_LONGEST = 4_000


def reason_of(error: Exception) -> str:
    """Code, what, where, what else was found, what to do next; no secret, and not too long."""
    if isinstance(error, LogsluiceError):
        text = f"{error.code}: {render(error).removeprefix(f'error[{error.code}]: ')}"
    else:
        text = f"{UNFORESEEN}: {type(error).__name__}: {error}"
    text = masked(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
