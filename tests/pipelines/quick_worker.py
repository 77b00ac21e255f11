"""A worker process for tests of the scheduler: no Beam; it runs an attempt by what the file ``behave/TASK`` of the home says.

``sleep SECONDS``, ``fail`` and ``die``, one a line, are done in order; ``once die`` only in the task's first attempt. The file
``attempts`` gets a line for each beginning and end: task, schedule time, turn, moment, ``begin`` or ``end``, process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue

from transforms.schedule.failure import Failure
from transforms.schedule.ledger import Outcome, Turn


def note(home: Path, turn: Turn, word: str) -> None:
    line = f"{turn.entry.task.name} {turn.instance.schedule_time} {turn.number} {time.time():.6f} {word} {os.getpid()}\n"
    descriptor = os.open(home / "attempts", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def attempt(home: Path, turn: Turn) -> Outcome | Failure:
    note(home, turn, "begin")
    behave = home / "behave" / turn.entry.task.name
    answer: Outcome | Failure = Outcome(rows_written=1)
    for line in behave.read_text().splitlines() if behave.exists() else ():
        words = line.split()
        if words[0] == "once":
            words = words[1:] if turn.number == 1 else ["sleep", "0"]
        if words[0] == "sleep":
            time.sleep(float(words[1]))
        elif words[0] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            answer = Failure("SQLFailed", "told to fail")
    note(home, turn, "end")
    return answer


def main() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = Connection(int(sys.argv[1]))
    home = Path(connection.recv()[0])
    turns: SimpleQueue[Turn] = SimpleQueue()

    def listen() -> None:
        try:
            while True:
                turns.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    with suppress(BrokenPipeError):
        while True:
            connection.send(attempt(home, turns.get()))


if __name__ == "__main__":
    main()
