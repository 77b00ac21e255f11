"""The files of a table's log: an entry for each version, and checkpoints, which hold what all entries up to theirs say.

A table that gets a commit a second for months must stay as quick as on its first day. So checkpoints become rarer as they become larger,
and what a newer one makes superfluous is put away or deleted.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import suppress

from transforms.connectors.delta.storage import Storage

__all__ = ["ENTRIES_KEPT_S", "GRACE_S", "entry_path", "read_entry", "shorten", "wants_checkpoint"]

GRACE_S = 900.0
"""Seconds for which a checkpoint must have been there before older entries and checkpoints go: who opened the table before may still use them."""
ENTRIES_KEPT_S = 30 * 86_400.0
"""Seconds for which slow consumers find the entries."""
_ACTIONS_AN_ENTRY = 500
"""Reading one more entry takes the library about as long as so many more actions of a checkpoint."""
_LOG = "_delta_log"
_ENTRY = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.(?:\d{10}\.\d{10}\.)?parquet")


def entry_path(version: int) -> str:
    """Where the entry of a version is made."""
    return f"{_LOG}/{version:020d}.json"


def read_entry(storage: Storage, version: int) -> bytes:
    """The entry of a version. Raises FileNotFoundError for one that is not there yet, or not any more."""
    archive = storage.archive
    if archive is None:
        return storage.read_bytes(entry_path(version))
    # What is archived comes first: see `shorten`.
    if (found := archive.read(version)) is not None:
        return found
    try:
        return storage.read_bytes(entry_path(version))
    except FileNotFoundError:
        if (found := archive.read(version)) is not None:  # it was moved in between
            return found
        raise


def wants_checkpoint(storage: Storage, version: int) -> bool:
    """Whether a checkpoint is worth its making: a table with many files, or many that left it lately, takes longer to write down."""
    try:
        last = json.loads(storage.read_bytes(f"{_LOG}/_last_checkpoint"))
    except FileNotFoundError:
        return True
    return version - int(last["version"]) >= int(last["size"]) / _ACTIONS_AN_ENTRY


def shorten(storage: Storage, now_s: float) -> None:
    """Put entries away that are older than the newest checkpoint which has been there for `GRACE_S`, and delete older checkpoints.

    The number of an entry that was put away is free again in the log. A writer that slept all the time may take it: it must look into
    the archive to know that it was not made, and what it wrote is nowhere read.
    """
    entries: list[int] = []
    checkpoints: dict[int, list[str]] = defaultdict(list)
    for name in storage.names_in(_LOG):
        if found := _ENTRY.fullmatch(name):
            entries.append(int(found[1]))
        elif found := _CHECKPOINT.fullmatch(name):
            checkpoints[int(found[1])].append(name)
    for base in sorted(checkpoints, reverse=True):
        if all(storage.modified(f"{_LOG}/{name}") <= now_s - GRACE_S for name in checkpoints[base]):
            break
    else:
        return
    if storage.archive is not None:
        storage.archive.take(version for version in entries if version < base)
    for name in (name for version, names in checkpoints.items() if version < base for name in names):
        with suppress(FileNotFoundError):  # another writer was quicker
            storage.delete(f"{_LOG}/{name}")
