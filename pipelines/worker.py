"""A worker process of the local runner: Beam's own, which does not chatter on the terminal it shares with the launcher.

What goes wrong in a worker is reported to the launcher, and told there once.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from pipelines.logging_setup import configure_logging

configure_logging(logging.CRITICAL)

from apache_beam.runners.worker import sdk_worker_main  # noqa: E402

__all__: list[str] = []

if __name__ == "__main__":
    # Beam prints the traceback of a failed bundle there, beside reporting it.
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open as long as the process lives)
    sdk_worker_main.main(sys.argv)
