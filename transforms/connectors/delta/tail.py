"""What each commit added: a walk over the table's log, one small JSON file per version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from transforms.connectors.delta.actions import data_file
from transforms.connectors.delta.commit import REPLACED
from transforms.connectors.delta.commit_log import RECEIVED
from transforms.connectors.delta.log_files import read_entry
from transforms.connectors.delta.reading import read_files
from transforms.connectors.delta.storage import Storage
from transforms.core.errors import NotFound, StoreUnavailable
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import DataFile, TailBatch

__all__ = ["CommittedLogs", "check_cursor", "walk"]


class CommittedLogs:
    """The logs of one commit's files, read anew by each iteration: a commit may be larger than memory."""

    def __init__(self, storage: Storage, name: str, version: int, files: tuple[DataFile, ...]) -> None:
        self._storage = storage
        self._name = name
        self._version = version
        self.files = files

    def __iter__(self) -> Iterator[LogGroup]:
        for file in self.files:
            if self._storage.size(self._storage.relative(file.path)) is None:
                raise expired(self._name, self._version)
            yield from read_files(self._storage, [file])


def walk(storage: Storage, name: str, after: int, newest: int) -> Iterator[TailBatch]:
    """One batch for each version in ``(after, newest]`` that brought logs."""
    check_cursor(name, after, newest)
    for version in range(max(after, -1) + 1, newest + 1):
        try:
            lines = read_entry(storage, version).splitlines()
        except FileNotFoundError:
            raise expired(name, version) from None
        except OSError as error:
            raise StoreUnavailable(f"the log of Logstore {name!r} cannot be read: {storage.words(error)}") from error
        adds = [add for line in lines if b'"add"' in line and (add := json.loads(line).get("add")) and add["dataChange"]]
        replaced = _replaced(lines)
        if adds or replaced:
            files = tuple(data_file(add, storage.path_of(add["path"])) for add in adds)
            yield TailBatch(version, _receive_time(lines), CommittedLogs(storage, name, version, files), replaced)


def _replaced(lines: Sequence[bytes]) -> tuple[str, ...]:
    told = (json.loads(line).get("commitInfo", {}).get(REPLACED) for line in lines if REPLACED.encode() in line)
    return tuple(next((json.loads(origins) for origins in told if origins), ()))


def _receive_time(lines: Sequence[bytes]) -> int:
    transactions = (json.loads(line).get("txn", {}) for line in lines if RECEIVED.encode() in line)
    return next((int(made["version"]) for made in transactions if made.get("appId") == RECEIVED), 0)


def check_cursor(name: str, after: int, newest: int) -> None:
    """Refuse a version that the Logstore does not have yet."""
    if after > newest:
        raise NotFound(f"the Logstore {name!r} has no version {after} yet: its newest is {newest}",
                       hint="was it dropped and made again? start from the beginning", code="CursorInvalid")  # fmt: skip


def expired(name: str, version: int) -> NotFound:
    """The error of a reader that comes too late."""
    return NotFound(f"version {version} of Logstore {name!r} has been cleaned away",
                    hint="start again from the oldest version that is kept, or read a snapshot", code="CursorExpired")  # fmt: skip
