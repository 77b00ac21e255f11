"""Where a Logstore's data files lie: a local folder, or an object store through the table library's own file system.

Paths inside a Logstore are relative, with ``/``, and plain (hexadecimal, dots, dashes), so no layer escapes them differently.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from transforms.core.errors import ParameterInvalid
from transforms.core.secret import Secret, is_reference
from transforms.stores.logstore import LogstoreDescriptor

__all__ = ["LocalStorage", "ObjectStorage", "Storage", "storage_of"]


_UNFIT = re.compile(r"%[0-9A-Fa-f]{2}|\\")


class Storage(Protocol):
    """Reads and writes whole files below one root."""

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

    def delete_all(self) -> None:
        """Delete everything; the commit log goes last, so that a repeat finds what a killed one left."""
        ...


class LocalStorage:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        if _UNFIT.search(str(root)):
            raise ParameterInvalid(
                f"the folder {root} cannot hold a Logstore: the table library misreads escapes such as %20 in a path, and backslashes",
                hint="choose a path without '%' before two hexadecimal digits and without '\\'",
            )
        self.root = root
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
        _sync(path)
        # A new name is durable only once the folder that holds it is, and so on up through the folders made just now.
        for folder in [path.parent, *(made.parent for made in fresh)]:
            _sync(folder)

    def settle(self, relative: str) -> None:
        path = self.root / relative
        _sync(path)
        _sync(path.parent)

    def open(self, relative: str) -> Any:
        return self.path_of(relative)

    def read_bytes(self, relative: str) -> bytes:
        return (self.root / relative).read_bytes()

    def size(self, relative: str) -> int | None:
        try:
            return (self.root / relative).stat().st_size
        except FileNotFoundError:
            return None

    def delete_all(self) -> None:
        for entry in sorted(self.root.iterdir(), key=lambda path: path.name == "_delta_log"):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.root.rmdir()


class ObjectStorage:
    """An object store (``s3://``, ``gs://``, ``az://``, …), through the file system of the table library."""

    def __init__(self, url: str, options: dict[str, str]) -> None:
        self.table_uri = url.rstrip("/")
        self.options = options
        self._opened: Any = None

    @property
    def _files(self) -> Any:
        if self._opened is None:
            import pyarrow.fs
            from deltalake.fs import DeltaStorageHandler

            self._opened = pyarrow.fs.PyFileSystem(DeltaStorageHandler(self.table_uri, self.options))
        return self._opened

    def prepare(self) -> None:
        """Object stores have no folders."""

    def path_of(self, relative: str) -> str:
        return f"{self.table_uri}/{relative}"

    def relative(self, path: str) -> str:
        if not path.startswith(self.table_uri + "/"):
            raise ParameterInvalid(f"the data file {path} is not inside the Logstore {self.table_uri}")
        return path[len(self.table_uri) + 1 :]

    @contextmanager
    def writing(self, relative: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
            path = Path(folder) / "part.parquet"
            yield path
            # Arrow's own stream would hand its buffers on, and the table library's takes bytes only.
            target = self._files.handler._handler.open_output_stream(relative)
            with path.open("rb") as source:
                while block := source.read(8 * 1024 * 1024):
                    target.write(block)
            target.close()

    def settle(self, relative: str) -> None:
        """What an object store has taken is durable."""

    def open(self, relative: str) -> Any:
        return self._files.open_input_file(relative)

    def read_bytes(self, relative: str) -> bytes:
        with self._files.open_input_stream(relative) as source:
            return bytes(source.read())

    def size(self, relative: str) -> int | None:
        import pyarrow.fs

        info = self._files.get_file_info(relative)
        return int(info.size) if info.type == pyarrow.fs.FileType.File else None

    def delete_all(self) -> None:
        import pyarrow.fs

        found = self._files.get_file_info(pyarrow.fs.FileSelector("", recursive=True, allow_not_found=True))
        names = [info.path for info in found if info.type == pyarrow.fs.FileType.File]
        for name in sorted(names, key=lambda name: name.lstrip("/").startswith("_delta_log")):
            self._files.delete_file(name)


def storage_of(descriptor: LogstoreDescriptor) -> Storage:
    """The storage of a Logstore; references in its options are resolved now."""
    location = descriptor.location
    scheme = urlsplit(location).scheme
    if scheme == "file":
        return LocalStorage(Path(unquote(urlsplit(location).path)))
    if "://" not in location:
        return LocalStorage(Path(location).expanduser().absolute())
    options = {key: Secret(value).reveal() if is_reference(value) else value for key, value in descriptor.storage_options.items()}
    return ObjectStorage(location, options)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
