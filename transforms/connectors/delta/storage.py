"""Where a Logstore's data files lie: a local folder, or an object store through the table library's own file system.

Paths inside a Logstore are relative, with ``/``, and plain (hexadecimal, dots, dashes), so no layer escapes them differently.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from transforms.connectors.delta.file_sync import sync
from transforms.connectors.delta.log_archive import LogArchive
from transforms.core.errors import ParameterInvalid
from transforms.stores.logstore import FileAccess, LogstoreDescriptor

__all__ = ["LocalStorage", "Storage", "storage_of"]


_UNFIT = re.compile(r"%[0-9A-Fa-f]{2}|\\")
_DELETE_TRIES = 20


class Storage(Protocol):
    """Reads and writes whole files below one root.

    ``reads_ahead``: each reading waits for an answer, so a file's wanted parts are fetched together.
    ``access``: how engines open the data files, None when they do it by themselves.
    ``archive``: where old entries of the table's log go; None when they stay.
    """

    reads_ahead: bool
    access: FileAccess | None
    archive: LogArchive | None

    @property
    def table_uri(self) -> str:
        """What the table library opens."""
        ...

    @property
    def options(self) -> dict[str, str]:
        """Storage options with their references resolved."""
        ...

    def prepare(self) -> None:
        """Make the root, before a table is made in it."""
        ...

    def path_of(self, relative: str) -> str:
        """What an engine opens: an absolute path or a URL."""
        ...

    def relative(self, path: str) -> str:
        """The inverse of `path_of`. Raises ParameterInvalid for a path outside."""
        ...

    def writing(self, relative: str) -> Any:
        """A context manager that gives a local path to write the file to; at its end the file is durable in its place."""
        ...

    def settle(self, relative: str) -> None:
        """Make a file that the table library wrote survive a power cut."""
        ...

    def open(self, relative: str) -> Any:
        """The file as something Arrow reads. Raises FileNotFoundError."""
        ...

    def read_bytes(self, relative: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        ...

    def size(self, relative: str) -> int | None:
        """Bytes, or None when there is no such file."""
        ...

    def mark(self, relative: str) -> object:
        """What tells a file from any other that comes to be in its place; None when there is no such file, or nothing that tells."""
        ...

    def names_in(self, folder: str) -> list[str]:
        """The names of what is directly in a folder."""
        ...

    def modified(self, relative: str) -> float:
        """When a file was written, seconds since 1970. Raises FileNotFoundError."""
        ...

    def delete(self, relative: str) -> None:
        """Delete one file. Raises FileNotFoundError."""
        ...

    def delete_all(self) -> None:
        """Delete everything; the commit log goes last, so that a repeat finds what a killed one left."""
        ...

    def words(self, error: Exception) -> str:
        """What an error says, without secrets; the error itself is rid of them too."""
        ...


class LocalStorage:
    """A folder of this machine."""

    reads_ahead = False
    access: FileAccess | None = None

    def __init__(self, root: Path) -> None:
        if _UNFIT.search(str(root)):
            raise ParameterInvalid(
                f"the folder {root} cannot hold a Logstore: the table library misreads escapes such as %20 in a path, and backslashes",
                hint="choose a path without '%' before two hexadecimal digits and without '\\'",
            )
        self.root = root
        self.archive: LogArchive | None = LogArchive(root)
        self._prefix = str(root).rstrip("/") + "/"
        self.options: dict[str, str] = {}

    @property
    def table_uri(self) -> str:
        return self.root.as_uri()

    def prepare(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)

    def path_of(self, relative: str) -> str:
        return f"{self._prefix}{relative}"

    def relative(self, path: str) -> str:
        if not path.startswith(self._prefix):
            raise ParameterInvalid(f"the data file {path} is not inside the Logstore's folder {self.root}")
        return path[len(self._prefix) :]

    @contextmanager
    def writing(self, relative: str) -> Iterator[Path]:
        path = self.root / relative
        fresh = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path
        sync(path)
        # A new name is durable only once the folder that holds it is, and so on up through the folders made just now.
        for folder in [path.parent, *(made.parent for made in fresh)]:
            sync(folder)

    def settle(self, relative: str) -> None:
        path = self.root / relative
        sync(path)
        sync(path.parent)

    def open(self, relative: str) -> Any:
        return self.path_of(relative)

    def read_bytes(self, relative: str) -> bytes:
        return (self.root / relative).read_bytes()

    def size(self, relative: str) -> int | None:
        try:
            return (self.root / relative).stat().st_size
        except FileNotFoundError:
            return None

    def mark(self, relative: str) -> object:
        try:
            found = (self.root / relative).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def names_in(self, folder: str) -> list[str]:
        return [entry.name for entry in (self.root / folder).iterdir()]

    def modified(self, relative: str) -> float:
        return (self.root / relative).stat().st_mtime

    def delete(self, relative: str) -> None:
        (self.root / relative).unlink()

    def delete_all(self) -> None:
        for left in reversed(range(_DELETE_TRIES)):
            try:
                self._delete_all_there_is()
                return
            except OSError as error:
                # A writer that does not know yet has added a file in between.
                if error.errno != errno.ENOTEMPTY or not left:
                    raise

    def _delete_all_there_is(self) -> None:
        for entry in sorted(self.root.iterdir(), key=lambda path: path.name == "_delta_log"):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.root.rmdir()

    def words(self, error: Exception) -> str:
        return str(error)


def storage_of(descriptor: LogstoreDescriptor) -> Storage:
    """The storage of a Logstore; references in its options are resolved now."""
    location = descriptor.location
    scheme = urlsplit(location).scheme
    if scheme == "file":
        return LocalStorage(Path(unquote(urlsplit(location).path)))
    if "://" not in location:
        return LocalStorage(Path(location).expanduser().absolute())
    # Only here: a Logstore in a folder pays nothing for the client of object stores.
    from transforms.connectors.delta.object_storage import ObjectStorage

    return ObjectStorage(location, descriptor.storage_options)
