"""A worker process of the local runner: Beam's own, which does not chatter on the terminal it shares with the launcher.

What goes wrong in a worker is reported to the launcher, and told there once.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time

from pipelines.lean_import import without
from pipelines.logging_setup import configure_logging

configure_logging(logging.CRITICAL)

with without("bson"):  # as in pipelines.association_query
    from apache_beam.runners.worker import sdk_worker_main

__all__: list[str] = []

_LOOK_EVERY_SECONDS = 0.5


def _follow_the_launcher() -> None:
    """End with the process that started this one, however it ended: nobody is left who wants the result."""
    launcher = os.getppid()
    while os.getppid() == launcher:
        time.sleep(_LOOK_EVERY_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_follow_the_launcher, daemon=True).start()
    # Beam prints the traceback of a failed bundle there, beside reporting it, and native code its last words when it is ended.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sdk_worker_main.main(sys.argv)
