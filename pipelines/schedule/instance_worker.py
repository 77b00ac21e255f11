"""A worker process of the scheduler: imports Beam once, then runs one attempt after another.

    python -m pipelines.schedule.instance_worker FD

``FD`` is an inherited end of a socket pair. Values are pickled: both ends are this program, started by one another, and nobody else has
the socket. First come where the home is and the pipelines' flags, then a `Turn` at a time; the answer to each is an `Outcome` or a `Failure`. The ledger is the
scheduler's affair. When the other end closes, however the scheduler ended, the process ends in the middle of what it does: nothing
becomes visible that is not whole, and the turn is taken over.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from pipelines.logging_setup import configure_logging
from pipelines.scheduled_sql import run_turn  # before all else that imports Beam: see there

configure_logging(logging.CRITICAL)  # what goes wrong is reported, and told once

from pipelines.cli.unexpected import masked  # noqa: E402
from pipelines.home import Home  # noqa: E402
from pipelines.launch import options_of  # noqa: E402
from transforms.core.collector import collecting_regularly  # noqa: E402
from transforms.schedule.failure import Failure, failure_of  # noqa: E402
from transforms.schedule.ledger import Outcome, Turn  # noqa: E402

__all__: list[str] = []


def _main(descriptor: int) -> None:
    # A service manager ends a whole group of processes at once; what is running may finish until the scheduler closes the socket.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Connection(descriptor) as connection:
        path, catalogue_url, flags = connection.recv()
        home = Home(Path(path), catalogue_url)
        turns: SimpleQueue[Turn] = SimpleQueue()
        threading.Thread(target=_listen, args=(connection, turns), name="orders", daemon=True).start()
        with suppress(BrokenPipeError):  # nobody wants the answer any more
            while True:
                connection.send(_attempt(home, turns.get(), flags))


def _attempt(home: Home, turn: Turn, flags: Sequence[str]) -> Outcome | Failure:
    try:
        return run_turn(home, turn, options_of(flags))
    except Exception as error:  # noqa: BLE001 (whatever it is, the attempt has failed and the ledger keeps why)
        failure = failure_of(error)
        return Failure(failure.code, masked(failure.message))


def _listen(connection: Connection, turns: SimpleQueue[Turn]) -> None:
    """Hand on what comes; end the process with the other end."""
    try:
        while True:
            turns.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    with collecting_regularly():
        _main(int(sys.argv[1]))
