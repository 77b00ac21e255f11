"""Where the old entries of a table's log go: out of the folder that the table library lists at each look, into one that nobody lists.

The library's time for a look grows with the entries there are, and a table that gets a commit a second has two and a half million of them
in the thirty days for which slow consumers may walk through them. In an object store a listing begins where it is told to; there they stay.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from transforms.connectors.delta.file_sync import sync

__all__ = ["LogArchive"]

_NAME = "_log_archive"
"""The underscore keeps vacuum away."""
_ENTRIES = 10_000
"""In one folder, and in the file that it is packed into when it is full: small files take a block each, and a place in the file system."""
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
        path = self._path(version)
        with suppress(FileNotFoundError):
            return path.read_bytes()
        packed = _packed(path.parent)
        try:
            found = packed.stat()
            return _opened(packed, found.st_ino, found.st_mtime_ns).read(path.name)
        except (FileNotFoundError, KeyError):
            return None

    def has(self, version: int) -> bool:
        path = self._path(version)
        return path.exists() or _packed(path.parent).exists()

    def take(self, versions: Iterable[int]) -> None:
        """Move entries here: all that the log has up to the newest of them. One whose number is here already was written by somebody who
        slept: it is deleted."""
        folders = set()
        newest = -1
        for newest in sorted(versions):
            source, target = self._log / f"{newest:020d}.json", self._path(newest)
            with suppress(FileNotFoundError):  # another writer moves them too
                if not self.has(newest):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _copy(source, target)
                    folders.add(target.parent)
                source.unlink()
        for folder in [*folders, self._log] if folders else ():
            sync(folder)
        for folder in self._folders():
            if int(folder.name) < newest // _ENTRIES:
                _pack(folder)

    def forget(self, before_s: float) -> None:
        """Delete what is all older than a time (seconds since 1970), of what was packed and of the folders."""
        there = sorted([*self._root.glob("*.zip"), *self._folders()], key=lambda path: path.stem)
        for path in there:
            newest = path if path.is_file() else max(path.iterdir(), default=path)
            if newest.stat().st_mtime >= before_s:
                break
            _delete(path)
        # What those left who were killed on the way; one who is on it now has written to it lately.
        for left in self._root.glob(f"*{_GONE}"):
            shutil.rmtree(left, ignore_errors=True)
        for spare in self._root.glob("*[!a-z]"):
            if spare.is_file() and spare.stat().st_mtime < before_s:
                spare.unlink(missing_ok=True)

    def _path(self, version: int) -> Path:
        return self._root / f"{version // _ENTRIES:016d}" / f"{version:020d}.json"

    def _folders(self) -> list[Path]:
        return sorted(path for path in self._root.iterdir() if path.name.isdecimal()) if self._root.exists() else []


def _packed(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.zip")


@lru_cache(maxsize=4)
def _opened(packed: Path, _inode: int, _modified_ns: int) -> zipfile.ZipFile:
    """To look up where each entry is takes longer than to read one, and slow consumers read one after the other."""
    return zipfile.ZipFile(packed)


def _pack(folder: Path) -> None:
    packed, spare = _packed(folder), folder.with_name(f"{folder.name}.{os.getpid()}")
    with suppress(FileNotFoundError):  # another writer packs it too
        if not packed.exists():
            entries = sorted(folder.glob("*.json"))
            if not entries:
                return  # the other one has just done it
            with zipfile.ZipFile(spare, "w", zipfile.ZIP_DEFLATED) as opened:
                for entry in entries:
                    opened.writestr(entry.name, entry.read_bytes())
            newest = max(entry.stat().st_mtime for entry in entries)
            os.utime(spare, (newest, newest))
            sync(spare)
            spare.replace(packed)
            sync(folder.parent)
        _delete(folder)


def _delete(path: Path) -> None:
    if path.is_file():
        path.unlink(missing_ok=True)
        return
    # All at once: the entries that are kept are next to each other.
    with suppress(FileNotFoundError):
        shutil.rmtree(path.rename(path.with_name(path.name + _GONE)), ignore_errors=True)


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
        sync(spare)
        spare.replace(target)
