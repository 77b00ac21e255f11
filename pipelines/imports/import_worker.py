"""A process that imports pieces of large inputs: it reads, parses and writes data files, which its parent commits.

It takes orders from stdin and answers on stdout, pickled, and ends at once when stdin does: with its parent, however that ended. What it
was writing then nobody sees, and whoever imports the same again writes it anew.
"""

from __future__ import annotations

import gc
import os
import pickle
import queue
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.imports.import_logs import readers_of
from pipelines.imports.import_pieces import DONE, Piece, Setting, WrittenBatch
from transforms.core.clock import SystemClock
from transforms.core.errors import LogsluiceError

if TYPE_CHECKING:
    from transforms.core.log_group import LogGroup
    from transforms.formats.readers import Reader

__all__ = ["main"]

_DEAD_WEIGHT = 8
_CHUNK_BYTES = 4 * 1024 * 1024
"""Less than what one process takes at a time: there are two of them to fit in memory."""


class _Moments(SystemClock):
    """Tells the moments of batches, so that their files are in order whichever process wrote them first."""

    moment_us = 0

    def now_us(self) -> int:
        return self.moment_us


class _Worker:
    def __init__(self, setting: Setting) -> None:
        from transforms.connectors import open_logstore

        self._setting = setting
        self._started_us = 0
        self._readers = self._readers_of(0)
        self._clock = _Moments()
        self._store = open_logstore(setting.logstore, clock=self._clock)
        self._ended = False

    def batches(self, piece: Piece) -> Iterator[WrittenBatch]:
        """A piece's logs as written files: one batch, or several where it has too many records for one commit."""
        if piece.started_us != self._started_us:
            self._readers, self._started_us = self._readers_of(piece.started_us), piece.started_us
        units = self._units(piece)
        self._clock.moment_us = piece.moment_us
        while True:
            batch, self._ended = WrittenBatch(), False
            batch.files = self._store.write_files(self._groups(units, batch), hash_key=self._setting.request.hash_key)
            if batch.read:
                yield batch
            if self._ended:
                return
            self._clock.moment_us += 1

    def _groups(self, units: Iterator[tuple[int, Any]], batch: WrittenBatch) -> Iterator[LogGroup]:
        most = self._setting.request.batch_rows
        for number, unit in units:
            parsed = self._readers[number].parse(unit, self._setting.inputs[number].name)
            batch.file, batch.end = number, parsed.end
            batch.read += parsed.read
            batch.logs += parsed.logs
            batch.dead += parsed.dead
            batch.fields = None if batch.fields is None or parsed.fields is None else batch.fields | parsed.fields
            yield from parsed.groups
            if batch.logs + _DEAD_WEIGHT * len(batch.dead) >= most:
                return
        self._ended = True

    def _readers_of(self, started_us: int) -> list[Reader]:
        return readers_of(self._setting.request, self._setting.formats, started_us, _CHUNK_BYTES)

    def _units(self, piece: Piece) -> Iterator[tuple[int, Any]]:
        from transforms.formats.byte_source import open_file

        for span in piece.spans:
            found = self._setting.inputs[span.file]
            assert found.path is not None, "a pipe is not cut"
            with open_file(found.path, found.name) as source:
                start = {"offset": span.offset, "line": 1}
                stop = None if span.stop is None else {"offset": span.stop}
                for unit in self._readers[span.file].units(source, found.name, start, stop):
                    yield span.file, unit


def main() -> None:
    """Work until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints must not come between
    orders: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    # All that a piece needs, while the parent opens the home.
    import transforms.connectors.delta.data_files
    import transforms.formats.json_lines  # noqa: F401

    gc.freeze()  # what was imported stays, and is not looked at again and again
    gc.set_threshold(100_000, 20, 50)
    try:
        _answer(orders, answers)
    except BrokenPipeError:
        os._exit(1)  # the parent is gone


def _answer(orders: queue.SimpleQueue[Any], answers: BinaryIO) -> None:
    try:
        worker = _Worker(orders.get())
        _say(answers, DONE)
        while True:
            for batch in worker.batches(orders.get()):
                _say(answers, batch)
            _say(answers, DONE)
    except LogsluiceError as error:
        _say(answers, error)


def _say(answers: BinaryIO, what: Any) -> None:
    pickle.dump(what, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


def _listen(orders: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            orders.put(pickle.load(sys.stdin.buffer))  # noqa: S301 (the parent's)
        except (EOFError, pickle.UnpicklingError):
            os._exit(0)


if __name__ == "__main__":
    main()
