"""`python -m tests.jobs.writer_program HOME LOGSTORE RATE EVERY FIRST [CATALOGUE]`: appends numbered logs, RATE a second, in a commit each EVERY seconds,
until it is told to stop (SIGTERM) or killed. When it falls behind, commits follow each other at once."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.home import DEFAULT_PROJECT, Home
from tests.jobs.job_rule import LEVELS
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.log_group import LogGroup


def numbered(first: int, count: int) -> LogGroup:
    """Logs ``first`` … with the moment of writing in ``sent``, microseconds."""
    numbers, now = np.arange(first, first + count), time.time_ns()
    texts = pa.array(numbers).cast(pa.string())
    logs = {
        "n": texts,
        "level": pa.array(LEVELS).take(pa.array(numbers % len(LEVELS))),
        "tenant": pa.array(numbers % 2).cast(pa.string()),
        "size": pa.array(["x"] * count),
        "path": pa.compute.binary_join_element_wise("/pages/view?user=", texts, ""),
        "sent": pa.array([str(now // 1_000)] * count),
    }
    times = {TIME: pa.array(np.full(count, now // 1_000_000_000)), TIME_NS: pa.array(np.zeros(count, np.int32))}
    return LogGroup(pa.table({**times, **{column_of(name): values for name, values in logs.items()}}))


def main(path: str, logstore: str, rate: str, every: str, first: str, catalogue: str | None = None) -> None:
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    store = Home(Path(path), catalogue).open_logstore(DEFAULT_PROJECT, logstore)
    number, pause = int(first), float(every)
    at = time.monotonic()
    while not stopping:
        count = max(1, round(float(rate) * pause))
        store.append([numbered(number, count)])
        number += count
        at += pause
        time.sleep(max(0.0, at - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
