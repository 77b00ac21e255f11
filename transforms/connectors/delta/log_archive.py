"""Where the old entries of a table's log go: out of the folder that the table library lists at each look, into one that nobody lists.

The library's time for a look grows with the entries there are, and a table that gets a commit a second has two and a half million of them
in the thirty days for which slow consumers may walk through them. In an object store a listing begins where it is told to; there they stay.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["LogArchive"]

_NAME = "_log_archive"
"""The underscore keeps vacuum away."""
_ENTRIES = 10_000
"""In one folder."""
_GONE = ".gone"


class LogArchive:
    """The archive in a table's folder. An entry is there, or in the log, or for a moment in both; never in neither before it is forgotten.

    Args:
        root: the table's folder.
    """

    def __init__(self, root: Path) -> None:
        self._log = root / "_delta_log"
        self._root = root / _NAME

    def read(self, version: int) -> bytes | None:
        """An entry; None when it is not here."""
        try:
            return self._path(version).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, version: int) -> bool:
        return self._path(version).exists()

    def take(self, versions: Iterable[int]) -> None:
        """Move entries here. One whose number is here already was written by somebody who slept: it is deleted."""
        folders = set()
        for version in sorted(versions):
            source, target = self._log / f"{version:020d}.json", self._path(version)
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # another writer moves them too
                if not target.exists():
                    _copy(source, target)
                    folders.add(target.parent)
                source.unlink()
        for folder in [*folders, self._log] if folders else ():
            _sync(folder)

    def forget(self, before_s: float) -> None:
        """Delete the folders whose entries are all older than a time (seconds since 1970)."""
        for folder in sorted(self._root.iterdir()) if self._root.exists() else ():
            if not folder.name.endswith(_GONE):
                newest = max(folder.iterdir(), default=None)
                if newest is not None and newest.stat().st_mtime >= before_s:
                    return
                # All at once: the entries that are kept are next to each other.
                folder = folder.rename(folder.with_name(folder.name + _GONE))
            shutil.rmtree(folder, ignore_errors=True)  # another writer may be at it

    def _path(self, version: int) -> Path:
        return self._root / f"{version // _ENTRIES:016d}" / f"{version:020d}.json"


def _copy(source: Path, target: Path) -> None:
    """Give a file a second name; whole or not at all."""
    try:
        os.link(source, target)
    except (FileExistsError, FileNotFoundError):
        if not target.exists():
            raise
    except OSError:  # not every file system has second names
        spare = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copy2(source, spare)
        _sync(spare)
        spare.replace(target)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
