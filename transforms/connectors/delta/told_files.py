"""What a rewritten file tells of the files that its logs were written in first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from transforms.connectors.delta.reading import files_in, receive_times_in
from transforms.connectors.delta.storage import Storage
from transforms.stores.logstore import DataFile

__all__ = ["Told", "told_by"]


class Told:
    """What a file tells of the files its logs were written in first.

    Attributes:
        numbers: of those files, for each log; 0 = not told.
        moments: when each log was received; None when all share the file's.
        untold: whether some are not told.
    """

    def __init__(self, numbers: Any, moments: Any, rows: int) -> None:
        self.numbers = np.zeros(rows, np.int64) if numbers is None else numbers
        self.moments = moments
        self.untold = not self.numbers.all()
        self._order = np.argsort(self.numbers, kind="stable")
        self._sorted = self.numbers[self._order]

    def of(self, number: int) -> Any:
        """The rows of one file, in order."""
        return self._order[np.searchsorted(self._sorted, number, "left") : np.searchsorted(self._sorted, number, "right")]


_remembered: OrderedDict[str, Told] = OrderedDict()
_MOST_REMEMBERED = 2


def told_by(storage: Storage, file: DataFile) -> Told:
    """Kept for the files used last: a reader finds many small files in one that compaction made."""
    found = _remembered.get(file.path)
    if found is None:
        found = _remembered[file.path] = Told(files_in(storage, file), receive_times_in(storage, file), file.rows)
        while len(_remembered) > _MOST_REMEMBERED:
            _remembered.popitem(last=False)
    return found
