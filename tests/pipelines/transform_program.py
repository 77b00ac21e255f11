"""A verb of the command line over a home, as ``tests.warm_crash`` runs programs: exit code 1 (some logs failed) is fine."""

from __future__ import annotations

from collections.abc import Sequence

import pipelines.data_transformation  # noqa: F401 (imported once, before the forks)
from pipelines.cli.main import main as command_line

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """``HOME VERB …``. Raises SystemExit."""
    code = command_line(["--home", *arguments])
    if code not in (0, 1):
        raise SystemExit(code)
