"""``python -m pipelines …`` is the command ``logsluice …``."""

from __future__ import annotations

import gc
import sys

# Modules being imported make many objects that all stay: looking for garbage among them costs a tenth of a short command.
gc.set_threshold(100_000, 20, 50)

from pipelines.cli.main import main  # noqa: E402

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
