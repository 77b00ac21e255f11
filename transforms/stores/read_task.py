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
    pieces = [piece for run in _runs(snapshot.files, aim) for piece in _pieces(run, aim)]
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


def _pieces(run: tuple[DataFile, ...], aim: int) -> Iterator[tuple[tuple[DataFile, ...], int, int]]:
    # A little above the aim is not worth a second task.
    parts = round(run[0].size / aim) if len(run) == 1 else 1
    for part in range(max(1, parts)):
        yield run, part, max(1, parts)
