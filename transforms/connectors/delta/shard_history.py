"""Logs whose commits the table's log tells no more: it is kept for some weeks, logs may be kept for years.

Their places are told by receive time, which every log keeps, in place of the version. Among logs of one commit the numbers of the files
that they were written in first decide the order, since compaction keeps those.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from transforms.connectors.delta.actions import number_of, plain_path_of
from transforms.connectors.delta.shard_pieces import Piece
from transforms.connectors.delta.storage import Storage
from transforms.connectors.delta.told_files import told_by
from transforms.stores.logstore import DataFile

__all__ = ["history"]


def history(storage: Storage, files: Iterable[DataFile], newest: int) -> list[Piece]:
    """The logs of a shard's files that were received up to a time (microseconds), as pieces in order. All have the version 0."""
    counts: dict[tuple[int, int], int] = {}
    known: dict[tuple[int, int], DataFile] = {}
    for file in files:
        told = told_by(storage, file)
        if told.moments is None:
            moments, numbers = np.full(file.rows, file.receive_time), told.numbers
            if told.untold:
                numbers = np.full(file.rows, number_of(file))
                known[file.receive_time or 0, number_of(file)] = file
        else:
            moments, numbers = told.moments, told.numbers
        pairs, each = np.unique(np.stack([moments, numbers], axis=1), axis=0, return_counts=True)
        for (moment, number), count in zip(pairs.tolist(), each.tolist(), strict=True):
            if moment <= newest:
                counts[moment, number] = counts.get((moment, number), 0) + count
    pieces: list[Piece] = []
    for moment, number in sorted(counts):
        rows = counts[moment, number]
        before = pieces[-1] if pieces and pieces[-1].file.receive_time == moment else None
        offset = 0 if before is None else before.offset + before.file.rows
        # A file of that name is nowhere: its logs are found by its number.
        nowhere = DataFile(storage.path_of(plain_path_of(moment, number)), 0, rows, 0, 0, 0, moment)
        pieces.append(Piece(0, 0, known.get((moment, number), nowhere), 0, rows, offset))
    return pieces
