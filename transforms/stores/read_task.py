"""Reading a Logstore by many workers: the files of a snapshot, cut into tasks of bounded size in a stable order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from transforms.stores.logstore import DataFile, Snapshot

__all__ = ["TASK_BYTES", "ReadTask", "read_tasks"]

TASK_BYTES = 64 * 1024 * 1024
"""Most bytes of one task (compressed, as the files lie there), unless a single file has more."""


@dataclass(frozen=True)
class ReadTask:
    """What one worker reads in one go: files in commit order, or the ``part``-th of ``parts`` of a single file's row groups."""

    number: int
    files: tuple[DataFile, ...]
    part: int = 0
    parts: int = 1

    @property
    def bytes(self) -> int:
        """Bytes to read, about."""
        return sum(file.size for file in self.files) // self.parts


def read_tasks(snapshot: Snapshot, least: int = 1, most_bytes: int = TASK_BYTES) -> tuple[ReadTask, ...]:
    """The tasks of a snapshot, numbered in commit order. The same snapshot gives the same tasks.

    ``least`` tasks are aimed at, so that as many workers have something to do: big files are then shared by several.
    """
    aim = max(1, min(most_bytes, -(-sum(file.size for file in snapshot.files) // max(1, least))))
    runs = list(_runs(snapshot.files, aim))
    # A little above the aim is not worth a second task.
    parts = [max(1, round(run[0].size / aim)) if len(run) == 1 else 1 for run in runs]
    alone = [place for place, run in enumerate(runs) if len(run) == 1 and run[0].rows > 1]
    while alone and sum(parts) < least:
        # Tasks of much the same size, and as many as are aimed at: they are dealt out evenly.
        parts[max(alone, key=lambda place: runs[place][0].size / parts[place])] += 1
    pieces = [(run, part, count) for run, count in zip(runs, parts, strict=True) for part in range(count)]
    return tuple(ReadTask(number, *piece) for number, piece in enumerate(pieces))


def _runs(files: tuple[DataFile, ...], aim: int) -> Iterator[tuple[DataFile, ...]]:
    run: list[DataFile] = []
    size = 0
    for file in files:
        if run and size + file.size > aim:
            yield tuple(run)
            run, size = [], 0
        run.append(file)
        size += file.size
    if run:
        yield tuple(run)
