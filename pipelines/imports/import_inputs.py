"""What an import reads: files, folders, a pipe; and what tells one import from another."""

from __future__ import annotations

import hashlib
import json
import math
import os
import select
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transforms.core.errors import NotFound, ParameterInvalid, StoreRejected

__all__ = ["STDIN", "Input", "PatientPipe", "digest", "find_inputs"]

STDIN = "-"
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Input:
    """One input. ``path`` is None for the pipe; ``size`` and ``modified_ns`` are the file's when the import began."""

    name: str
    path: Path | None
    size: int = 0
    modified_ns: int = 0

    @property
    def identity(self) -> list[Any]:
        """What must be the same for an import to be the same."""
        return [str(self.path.resolve()), self.size, self.modified_ns] if self.path is not None else [STDIN]

    def changed(self) -> bool:
        """Whether the file is another than when the import began."""
        if self.path is None:
            return False
        try:
            stat = self.path.stat()
        except OSError:
            return True
        return (stat.st_size, stat.st_mtime_ns) != (self.size, self.modified_ns)


def find_inputs(names: Sequence[str]) -> tuple[list[Input], int]:
    """The files that names stand for, folders walked in sorted order, and how many hidden files were passed over.

    Raises NotFound for a name that does not exist, ParameterInvalid when nothing is left or the pipe is not alone.
    """
    if STDIN in names and len(names) > 1:
        raise ParameterInvalid("- (standard input) must be the only input")
    if list(names) == [STDIN]:
        return [Input(STDIN, None)], 0
    found: dict[Path, Input] = {}
    hidden = 0
    for name in names:
        path = Path(name)
        if path.is_dir():
            files, passed = _files_below(path)
            hidden += passed
        elif path.exists():
            files = [path]
        else:
            raise NotFound(f"{name} does not exist", hint="give files, folders, or - for standard input", code="FileNotExist")
        for file in files:
            stat = file.stat()
            found.setdefault(file.resolve(), Input(str(file), file, stat.st_size, stat.st_mtime_ns))
    if not found:
        raise ParameterInvalid(f"there are no files in {', '.join(names)}", hint="hidden files are passed over" if hidden else None)
    return list(found.values()), hidden


def _files_below(folder: Path) -> tuple[list[Path], int]:
    files: list[Path] = []
    hidden = 0

    def refuse(error: OSError) -> None:
        raise StoreRejected(f"{error.filename} cannot be listed: {error.strerror}", hint="check its permissions")

    for root, folders, names in os.walk(folder, onerror=refuse):
        hidden += sum(name.startswith(".") for name in (*folders, *names))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += (Path(root) / name for name in names if not name.startswith(".") and (Path(root) / name).is_file())
    return sorted(files), hidden


def digest(*parts: Any) -> str:
    """A short name for values: the same values have the same name."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class PatientPipe:
    """Standard input, or another pipe that is open. A read gathers what it is asked for, but gives what is there when the writer pauses.

    It pauses (``paused``) when nothing comes for ``pause_seconds``, or after ``most_seconds`` of a writer that is slow but steady.
    """

    def __init__(self, file: int | None = None, pause_seconds: float = _PAUSE_SECONDS, most_seconds: float = math.inf) -> None:
        self._file = sys.stdin.fileno() if file is None else file
        self._pause_seconds = pause_seconds
        self._most_seconds = most_seconds
        self._first: bytes | None = None
        self.paused = False

    def peek(self, _size: int = 0) -> bytes:
        """The first bytes, which stay to be read."""
        if self._first is None:
            self._first = b""
            while len(self._first) < 4 and (block := os.read(self._file, 65_536)):
                self._first += block
        return self._first

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        blocks = [self.peek()[: size if size >= 0 else None]]
        self._first = (self._first or b"")[len(blocks[0]) :]
        have = len(blocks[0])
        self.paused = False
        since = time.monotonic()
        while size < 0 or have < size:
            late = have and time.monotonic() - since > self._most_seconds
            if late or (have and not select.select([self._file], [], [], self._pause_seconds)[0]):
                self.paused = True
                break
            block = os.read(self._file, 1 << 20 if size < 0 else min(size - have, 1 << 20))
            if not block:
                break
            if not have:
                since = time.monotonic()
            blocks.append(block)
            have += len(block)
        return b"".join(blocks)

    def readable(self) -> bool:
        return True

    @property
    def closed(self) -> bool:
        return False

    def close(self) -> None:
        """The pipe stays open: it is not ours."""
