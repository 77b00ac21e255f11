"""A user's program: consumes, and writes a line of JSON for each group it has processed. Arguments: home, name, settings as JSON.

Settings: ``file`` for the lines; ``pause`` seconds in each group; ``freeze_at`` the number of the group in which it stops itself (SIGSTOP);
``die_at`` that behind which it kills itself, before the checkpoint is saved; ``results`` a SQLite file that keeps logs and places in one
transaction; ``until_idle``.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.consumer import Consumer, Place
from transforms.core.log_group import LogGroup


def kept_in(path: str) -> tuple[Callable[[LogGroup, Place], None], Callable[[int], str | None]]:
    """Results and the place up to which they go, in one database."""
    database = sqlite3.connect(path, isolation_level=None, timeout=30)
    database.execute("create table if not exists place (shard integer primary key, cursor text)")
    database.execute("create table if not exists log (n integer)")

    def position_of(shard: int) -> str | None:
        row = database.execute("select cursor from place where shard = ?", (shard,)).fetchone()
        return None if row is None else str(row[0])

    def keep(group: LogGroup, place: Place) -> None:
        database.execute("begin immediate")
        with database:
            if position_of(place.shard) not in (None, place.begin.text):
                raise RuntimeError("another consumer has gone on here")
            database.executemany("insert into log values (?)", [(log["n"],) for log in group.to_logs()])
            database.execute("insert or replace into place values (?, ?)", (place.shard, place.end.text))

    return keep, position_of


def main(home: str, name: str, text: str) -> None:
    settings = json.loads(text)
    groups = 0
    keep, position_of = kept_in(settings["results"]) if "results" in settings else (None, None)
    with Path(settings["file"]).open("a", encoding="utf-8", buffering=1) as out:

        def process(group: LogGroup, place: Place) -> None:
            nonlocal groups
            groups += 1
            began = time.monotonic_ns()
            if groups == settings.get("freeze_at"):
                os.kill(os.getpid(), signal.SIGSTOP)
            if keep is not None:
                keep(group, place)
            time.sleep(settings.get("pause", 0))
            numbers = [int(log["n"]) for log in group.to_logs()]
            line = {"shard": place.shard, "epoch": place.epoch, "began": began, "ended": time.monotonic_ns(), "n": numbers}
            out.write(json.dumps(line) + "\n")
            if groups == settings.get("die_at"):
                os.kill(os.getpid(), signal.SIGKILL)

        consumer = Consumer(home, "web", "jobs", name, max_rows=10, idle_seconds=0.2, position_of=position_of)
        consumer.run(process, until_idle=settings.get("until_idle", False))


if __name__ == "__main__":
    main(*sys.argv[1:])
