"""A scan that writes down which process reads which files. Travels to worker processes like any other."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

from transforms.sql.scan import LogScan
from transforms.stores.logstore import DataFile

__all__ = ["TracedScan", "traced"]


@dataclasses.dataclass(frozen=True)
class TracedScan(LogScan):
    trace: str = ""

    def relation(self, files: Sequence[DataFile]) -> str:
        with (Path(self.trace) / str(os.getpid())).open("a") as file:
            file.write(json.dumps({"pid": os.getpid(), "files": [each.path for each in files]}) + "\n")
        return super().relation(files)


def traced(scan: LogScan, folder: Path) -> TracedScan:
    """The same scan, noting each use in ``folder``."""
    return TracedScan(**{field.name: getattr(scan, field.name) for field in dataclasses.fields(LogScan)}, trace=str(folder))
