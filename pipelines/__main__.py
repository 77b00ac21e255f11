"""``python -m pipelines …`` is the command ``logsluice …``."""

from __future__ import annotations

import gc
from typing import NoReturn

# Modules being imported make some hundred thousand objects that all stay: looking for garbage among them once costs a short command a tenth.
gc.set_threshold(500_000, 20, 50)

from pipelines.cli.main import leave, main  # noqa: E402

__all__ = ["main", "run"]


def run() -> NoReturn:
    """The console script."""
    leave(main())


if __name__ == "__main__":
    run()
