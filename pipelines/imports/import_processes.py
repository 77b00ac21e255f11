"""Large inputs by several processes at the same time: each takes the next piece, and their batches come back in the order of the input.

Python's threads cannot do this: what cuts lines into columns is many small steps, and every one of them waits for the others' lock.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.imports.import_inputs import Input
from pipelines.imports.import_pieces import DONE, PROCESSES, Piece, Setting, Span, WrittenBatch, cut
from pipelines.imports.import_stages import Place
from transforms.core.clock import SystemClock
from transforms.core.errors import LogsluiceError, StoreUnavailable

__all__ = ["Processes", "started_processes"]

_AHEAD = 2
_LOOK_EVERY = 0.2
_APART_US = 1_000
"""Between the moments of pieces there is room for those of their batches."""

_BROKEN = (EOFError, OSError, pickle.UnpicklingError)
"""What is raised when a process is not there any more."""

_Answers = queue.Queue[Any]


@contextmanager
def started_processes(wanted: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that wait for orders, none when they are not ``wanted``; afterwards they are gone, whatever they were doing.

    They take half a second to start, so they are started before anything else. Ctrl-C does not reach them: the parent ends them.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(PROCESSES if wanted else 0):
            processes.append(_start())
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None, "opened with pipes"
                with suppress(OSError):  # an order that could not be sent is still in it
                    pipe.close()


def _start() -> subprocess.Popen[bytes]:
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    # Each process is a core's worth of work by itself, and needs no memory apart for many threads.
    alone = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1", "_RJEM_MALLOC_CONF": "narenas:1"}
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.imports.import_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0,
        env={**os.environ, "PYTHONPATH": path, **alone},
    )  # fmt: skip


def prepare(processes: Sequence[subprocess.Popen[bytes]], setting: Setting) -> None:
    """Tell processes what all pieces have in common. Raises what a process says to it, such as ParameterInvalid."""
    try:
        for process in processes:
            _send(process, setting)
        for process in processes:
            answer = _receive(process)
            if isinstance(answer, BaseException):
                raise answer
    except _BROKEN:
        raise _gone(process) from None


class Processes:
    """Batches from a place on, in order, made and written by processes that are prepared. Stands in for `Stages`; iterate inside ``with``."""

    def __init__(
        self, processes: Sequence[subprocess.Popen[bytes]], inputs: Sequence[Input], start: Place, size: int, started_us: int
    ) -> None:
        self._processes, self._inputs, self._start, self._started_us = processes, inputs, start, started_us
        self._pieces = cut(inputs, start, size)
        self._taking = threading.Lock()
        self._moment_us = 0
        self._ended = threading.Event()
        self._order: queue.Queue[tuple[Piece, _Answers] | None] = queue.Queue(len(processes) + _AHEAD)
        self._threads = [threading.Thread(target=self._drive, args=(process,), daemon=True) for process in processes]
        self.bytes_done = sum(found.size for found in inputs[: start.file]) + start.at.get("offset", 0)

    def __enter__(self) -> Processes:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for process in self._processes:
            process.kill()  # a thread may be waiting for its answer
        for thread in self._threads:
            thread.join()

    def batches(self, wait: float) -> Iterator[tuple[int, WrittenBatch] | None]:
        """Pairs of the input's number and a batch; None whenever ``wait`` seconds went by without one."""
        passed = self._start.at.get("line", 1) - 1
        before = 0
        taken: tuple[Piece, _Answers] | None = None
        while True:
            try:
                if taken is None:
                    taken = self._order.get(timeout=wait)
                    if taken is None:
                        return
                    before = passed if taken[0].spans and taken[0].spans[0].offset else 0
                piece, answers = taken
                answer = answers.get(timeout=wait)
            except queue.Empty:
                yield None
                continue
            if isinstance(answer, BaseException):
                raise answer
            if answer == DONE:
                taken = None
                continue
            batch = _numbered(answer, piece.spans[0], self._inputs, before)
            passed = batch.end["line"] - 1
            self.bytes_done += batch.read
            yield batch.file, batch

    def _drive(self, process: subprocess.Popen[bytes]) -> None:
        """Give a process piece after piece, and pass on what it answers."""
        while not self._ended.is_set():
            taken = self._next()
            if taken is None:
                return
            piece, answers = taken
            try:
                _send(process, piece)
                while True:
                    answer = _receive(process)
                    self._put(answers, answer)
                    if answer == DONE:
                        break
                    if isinstance(answer, BaseException):
                        return
            except _BROKEN:
                self._put(answers, _gone(process))
                return

    def _next(self) -> tuple[Piece, _Answers] | None:
        """The next piece, and where its answers go; None at the end of the inputs."""
        answers: _Answers = queue.Queue(_AHEAD)
        with self._taking:
            try:
                spans = next(self._pieces, None)
            except LogsluiceError as error:
                spans = ()
                answers.put(error)
            if spans is None:
                self._put(self._order, None)
                return None
            self._moment_us = max(SystemClock().now_us(), self._moment_us + _APART_US)
            taken = Piece(spans, self._moment_us, self._started_us), answers
            self._put(self._order, taken)
        return taken if spans else None

    def _put(self, where: queue.Queue[Any], what: Any) -> None:
        while not self._ended.is_set():
            try:
                where.put(what, timeout=_LOOK_EVERY)
            except queue.Full:
                continue
            return


def _send(process: subprocess.Popen[bytes], order: Any) -> None:
    assert process.stdin is not None, "opened with a pipe"
    pickle.dump(order, process.stdin, pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()


def _receive(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None, "opened with a pipe"
    return pickle.load(process.stdout)  # noqa: S301 (our own child's)


def _gone(process: subprocess.Popen[bytes]) -> LogsluiceError:
    code = process.wait()
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return StoreUnavailable(
        f"a process that was importing {how}",
        hint="was there enough memory? The same command goes on where this one stopped",
        code="WorkerGone",
    )


def _numbered(batch: WrittenBatch, first: Span, inputs: Sequence[Input], lines: int) -> WrittenBatch:
    """A batch with line numbers that count from the beginning of the input; before the piece there were ``lines``."""
    name = inputs[first.file].name
    if batch.file == first.file:
        batch.end = {**batch.end, "line": batch.end["line"] + lines}
    batch.dead = [replace(letter, line=letter.line + lines) if letter.file == name else letter for letter in batch.dead]
    return batch
