"""``python -m pipelines …`` is the command ``logsluice …``."""

from __future__ import annotations

import sys

from pipelines.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
