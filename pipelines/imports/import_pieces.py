"""Cutting large inputs of lines into pieces that processes can read, parse and write each on its own, without having seen the others.

Only plain files of lines can be cut: of a compressed one, or of CSV with its quoted line ends, nobody knows what a place in the middle means.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.imports.import_inputs import Input
from pipelines.imports.import_stages import Place
from transforms.formats.byte_source import compression_of, open_file
from transforms.formats.dead_letters import DeadLetter

if TYPE_CHECKING:
    from pipelines.imports.import_request import ImportRequest
    from transforms.stores.logstore import DataFile, LogstoreDescriptor

__all__ = ["DONE", "PROCESSES", "Piece", "Setting", "Span", "WrittenBatch", "cut", "piece_size"]

PROCESSES = 2
DONE = "done"
"""What a process answers to its setting, and behind the last batch of a piece."""
_LINE_FORMATS = ("jsonl", "text")
_LARGE = 128 * 1024 * 1024
"""Less is imported by one process before others have started and told each other where to go on."""
_PIECE = 16 * 1024 * 1024
"""Four of them make a commit."""
_SMALLEST = 4 * 1024 * 1024
_SAMPLE = 256 * 1024


@dataclass(frozen=True)
class Setting:
    """What all pieces have in common: the first order of a process."""

    request: ImportRequest
    formats: list[str]
    inputs: list[Input]
    logstore: LogstoreDescriptor


@dataclass(frozen=True)
class Span:
    """Whole lines of one input: the bytes from ``offset`` up to ``stop``, or to its end."""

    file: int
    offset: int
    stop: int | None


@dataclass(frozen=True)
class Piece:
    """Spans one after the other.

    Attributes:
        spans: of rising inputs.
        moment_us: rises from piece to piece; files of logs are put in order by it.
        started_us: when the import began, the time of logs that have none.
    """

    spans: tuple[Span, ...]
    moment_us: int
    started_us: int


@dataclass
class WrittenBatch:
    """What a process made of a piece, or of as much of it as is committed together: `LogBatch`, its logs written already.

    Line numbers of the piece's first span count from 1, whatever stands before it in its file.
    """

    file: int = 0
    end: Mapping[str, int] = field(default_factory=dict)
    read: int = 0
    logs: int = 0
    files: list[DataFile] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    fields: frozenset[str] | None = frozenset()

    @property
    def reasons(self) -> Counter[str]:
        return Counter(letter.reason for letter in self.dead)


def piece_size(inputs: Sequence[Input], formats: Sequence[str], batch_rows: int) -> int | None:
    """Bytes of a piece, some of which make a commit; None when the inputs cannot be cut, or are too small to gain by it."""
    if _cores() < PROCESSES or sum(found.size for found in inputs) < _LARGE or not set(formats) <= set(_LINE_FORMATS):
        return None
    lines = sampled = 0
    for found in inputs:
        if found.path is None:
            return None
        with open_file(found.path, found.name) as file:
            sample = file.read(_SAMPLE if sampled < _SAMPLE else 4)
        if compression_of(sample[:4]):
            return None
        if sampled < _SAMPLE:
            lines, sampled = lines + sample.count(b"\n"), sampled + len(sample)
    size = min(_PIECE, batch_rows * sampled // (4 * max(1, lines)))
    return size if size >= _SMALLEST else None


def cut(inputs: Sequence[Input], start: Place, size: int) -> Iterator[tuple[Span, ...]]:
    """Pieces of about ``size`` bytes from a place on. Small inputs share one. Raises NotFound, StoreRejected for a file that is gone."""
    spans: list[Span] = []
    room = size
    for number in range(start.file, len(inputs)):
        found = inputs[number]
        offset = start.at.get("offset", 0) if number == start.file else 0
        while found.size - offset > room + room // 2:
            stop = _line_end(found, offset + room)
            if stop >= found.size:
                break
            yield (*spans, Span(number, offset, stop))
            spans, room, offset = [], size, stop
        # To the end, wherever that is by then: lines that were added meanwhile are taken too.
        spans.append(Span(number, offset, None))
        room -= found.size - offset
        if room <= size // 4:
            yield tuple(spans)
            spans, room = [], size
    if spans:
        yield tuple(spans)


def _line_end(found: Input, offset: int) -> int:
    """The place behind the first line end from ``offset`` on, or the end."""
    assert found.path is not None, "a pipe is not cut"
    with open_file(found.path, found.name) as file:
        file.seek(offset)
        while block := file.read(_SAMPLE):
            at = block.find(b"\n") + 1
            if at:
                return offset + at
            offset += len(block)
    return offset


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
