"""A Logstore's files in an object store: written whole, read in pieces, deleted side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from transforms.connectors.delta.log_archive import LogArchive
from transforms.connectors.delta.object_files import ObjectFiles, Scrub, file_system, resolved, told
from transforms.core.errors import ParameterInvalid
from transforms.stores.logstore import FileAccess

__all__ = ["ObjectStorage"]

_BLOCK_BYTES = 8 * 1024 * 1024
_DELETERS = 16
"""Deletions under way at once: each waits for an answer over the network."""


class ObjectStorage:
    """An object store (``s3://``, ``gs://``, ``az://``), through the client of the table library.

    Args:
        url: of the Logstore.
        options: of the client; references are resolved now.
    """

    reads_ahead = True
    archive: LogArchive | None = None

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        self.table_uri = url.rstrip("/")
        self.access: FileAccess | None = ObjectFiles(self.table_uri, tuple(options.items()))
        self.options, secrets = resolved(self.table_uri, options)
        self._scrub = Scrub(secrets)

    @cached_property
    def _files(self) -> Any:
        return file_system(self.table_uri, self.options, self._scrub)

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
            with told(self._scrub):
                # Arrow's own stream would hand its buffers on, and the table library's takes bytes only.
                target = self._files.handler._handler.open_output_stream(relative)
                with path.open("rb") as source:
                    while block := source.read(_BLOCK_BYTES):
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

        with told(self._scrub):
            info = self._files.get_file_info(relative)
        return int(info.size) if info.type == pyarrow.fs.FileType.File else None

    def mark(self, relative: str) -> object:
        """Nothing: to ask is a request over the network, as opening the table is."""

    def names_in(self, folder: str) -> list[str]:
        import pyarrow.fs

        with told(self._scrub):
            return [info.base_name for info in self._files.get_file_info(pyarrow.fs.FileSelector(folder, allow_not_found=True))]

    def modified(self, relative: str) -> float:
        with told(self._scrub):
            info = self._files.get_file_info(relative)
        if info.mtime is None:
            raise FileNotFoundError(relative)
        return float(info.mtime.timestamp())

    def delete(self, relative: str) -> None:
        with told(self._scrub):
            self._files.delete_file(relative)

    def delete_all(self) -> None:
        import pyarrow.fs

        with told(self._scrub):
            found = self._files.get_file_info(pyarrow.fs.FileSelector("", recursive=True, allow_not_found=True))
            names = [info.path for info in found if info.type == pyarrow.fs.FileType.File]
            log = [name for name in names if name.lstrip("/").startswith("_delta_log")]
            with ThreadPoolExecutor(_DELETERS) as pool:
                for part in (set(names).difference(log), log):
                    list(pool.map(self._files.delete_file, part))

    def words(self, error: Exception) -> str:
        return str(self._scrub.error(error))
