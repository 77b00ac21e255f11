"""Reading, parsing and writing at the same time: one thread reads, two parse, the caller's writes. Memory is bounded by the queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.imports.import_inputs import Input
from transforms.formats.byte_source import open_file

if TYPE_CHECKING:
    from transforms.formats.log_batches import LogBatch, Position
    from transforms.formats.readers import Reader

__all__ = ["Place", "Stages"]

_AHEAD = 2
_PARSERS = 2
_LOOK_EVERY = 0.2


@dataclass(frozen=True)
class Place:
    """A place in the inputs: the number of the input and the position in it."""

    file: int
    at: Position


@dataclass(frozen=True)
class _Piece:
    file: int
    batch: Future[LogBatch] | None = None
    error: BaseException | None = None


class Stages:
    """Batches of logs from a place on, in order, up to ``stop`` or the end of the last input.

    Iterate inside ``with``: leaving it ends the threads. `file` tells which input a batch came from, `bytes_done` how much of the
    files has been read (of compressed ones, compressed bytes). ``pipe`` is what an input without path is read from.
    """

    def __init__(self, inputs: list[Input], readers: list[Reader], start: Place, stop: Place | None = None, pipe: Any = None) -> None:
        self._inputs = inputs
        self._readers = readers
        self._start = start
        self._stop = stop
        self._pipe = pipe
        self._queue: queue.Queue[_Piece | None] = queue.Queue(_AHEAD)
        self._ended = threading.Event()
        self._open: Any = None
        self._pool = ThreadPoolExecutor(_PARSERS, thread_name_prefix="parse")
        self._thread = threading.Thread(target=self._read, name="read", daemon=True)
        self._passed = sum(found.size for found in inputs[: start.file])

    def __enter__(self) -> Stages:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def bytes_done(self) -> int:
        """Bytes of the files read so far."""
        opened = self._open
        with suppress(OSError, ValueError, AttributeError):  # the file may be closed at this moment
            return self._passed + int(opened.tell())
        return self._passed

    def batches(self, wait: float) -> Iterator[tuple[int, LogBatch] | None]:
        """Pairs of the input's number and a batch; None whenever ``wait`` seconds went by without one."""
        while True:
            try:
                piece = self._queue.get(timeout=wait)
            except queue.Empty:
                yield None
                continue
            if piece is None:
                return
            if piece.error is not None:
                raise piece.error
            assert piece.batch is not None, "a piece is a batch or an error"
            yield piece.file, piece.batch.result()

    def _read(self) -> None:
        try:
            last = len(self._inputs) - 1 if self._stop is None else self._stop.file
            for number in range(self._start.file, last + 1):
                start = self._start.at if number == self._start.file else {}
                stop = self._stop.at if self._stop is not None and number == self._stop.file else None
                self._read_input(number, start, stop)
                self._passed += self._inputs[number].size
            self._put(None)
        except BaseException as error:  # noqa: BLE001 (it is raised again where batches are taken)
            self._put(_Piece(0, error=error))

    def _read_input(self, number: int, start: Position, stop: Position | None) -> None:
        found, reader = self._inputs[number], self._readers[number]
        if found.path is None:
            source: Any = self._pipe
        elif getattr(reader, "needs_path", False):
            source = found.path
        else:
            source = self._open = open_file(found.path, found.name)
        try:
            for unit in reader.units(source, found.name, start, stop):
                if self._ended.is_set() or not self._put(_Piece(number, self._pool.submit(reader.parse, unit, found.name))):
                    return
        finally:
            self._open = None
            if source is not found.path:
                source.close()

    def _put(self, piece: _Piece | None) -> bool:
        while not self._ended.is_set():
            try:
                self._queue.put(piece, timeout=_LOOK_EVERY)
            except queue.Full:
                continue
            return True
        return False
