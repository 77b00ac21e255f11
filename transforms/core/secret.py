"""Secrets by reference: ``env:NAME`` or ``file:PATH``. The text itself is fetched where it is used and kept nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from transforms.core.errors import ParameterInvalid

__all__ = ["MASK", "Secret", "is_reference"]

MASK = "********"


def is_reference(text: str) -> bool:
    """Whether a configuration value names a secret instead of being one."""
    return text.startswith(("env:", "file:"))


@dataclass(frozen=True)
class Secret:
    """Where a secret is to be found. Holds no secret, so it may be printed, pickled and stored.

    ``reference`` is ``env:NAME``, ``file:PATH`` (a final newline of the file is not part of the secret) or empty for "no secret".
    """

    reference: str = ""

    def __post_init__(self) -> None:
        if self.reference and not is_reference(self.reference):
            # The value may be a password given by mistake: it must not appear in the message.
            raise ParameterInvalid("a secret must be given as env:NAME or file:PATH")

    def reveal(self) -> str:
        """The secret itself. Raises ParameterInvalid naming the reference when it cannot be had."""
        kind, _, name = self.reference.partition(":")
        if not kind:
            return ""
        if kind == "env":
            if name not in os.environ:
                raise ParameterInvalid(
                    f"the environment variable {name} is not set", hint=f"export {name} before starting, here and on the workers"
                )
            return os.environ[name]
        try:
            return Path(name.removeprefix("//")).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ParameterInvalid(
                f"the secret file {name} cannot be read: {error.strerror}", hint="check its path and its permissions"
            ) from error
