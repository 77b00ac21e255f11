"""Data files as actions of the table's log, and back.

A data file's name says its place in the order of commits: ``<moment>.<ordinal>.<random>.parquet`` for a file as it was
written, ``<first>-<last>.<ordinal>.<random>.parquet`` with the receive times of its first and last log for one that compaction made.
Moments and receive times are microseconds as 16 hexadecimal digits. The random part is the file's number: what compaction rewrites keeps
the numbers of the files it was written in first. A file as big as a writer makes them ends in
``.full.parquet``, whatever its compressed size: it gains nothing from compaction.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from deltalake.transaction import AddAction, RemoveAction

from transforms.core.field_columns import ORIGIN, RECEIVE_TIME, SHARD, TIME, TYPED
from transforms.stores.logstore import DataFile

__all__ = [
    "add_action",
    "data_file",
    "is_full",
    "merged_name",
    "number_of",
    "order_key",
    "origins_of",
    "partition_values",
    "plain_name",
    "plain_path_of",
    "received_span",
    "remove_action",
    "renamed",
    "same_place",
    "typed_of",
]

_END = ".parquet"
_FULL = ".full.parquet"
_MERGED = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.")


def plain_name(shard: int, moment_us: int, ordinal: int, full: bool) -> str:
    """The relative path of a new data file; within one moment the ordinal keeps the order."""
    return f"data/{shard}/{moment_us:016x}.{ordinal:06d}.{secrets.token_hex(8)}{_FULL if full else _END}"


def plain_path_of(moment_us: int, number: int) -> str:
    """The relative path that a file of a number would have; see `number_of`."""
    return f"data/{moment_us:016x}.000000.{number % (1 << 64):016x}{_END}"


def merged_name(shard: int, first: int, last: int, ordinal: int, full: bool) -> str:
    """The relative path of a file with logs of several commits; among files of the same span the ordinal keeps the order."""
    return f"data/{shard}/{first:016x}-{last:016x}.{ordinal:06d}.{secrets.token_hex(8)}{_FULL if full else _END}"


def renamed(relative: str, full: bool) -> str:
    """The relative path of a file that takes another's place in the order."""
    end = _FULL if relative.endswith(_FULL) else _END
    stem, _, _ = relative.removesuffix(end).rpartition(".")
    return f"{stem}.{secrets.token_hex(8)}{_FULL if full else _END}"


def number_of(file: DataFile) -> int:
    """A file's own number: 64 bits, with a sign."""
    number = int(_base(file.path).removesuffix(_END).removesuffix(".full").rpartition(".")[2], 16)
    return number - (1 << 64) if number >> 63 else number


def same_place(file: DataFile, other: DataFile) -> bool:
    """Whether a file took another's place in the order: all of its name but the random part is the same."""
    return _place(file) == _place(other)


def is_full(file: DataFile) -> bool:
    """Whether a file is as big as its writer makes them."""
    return file.path.endswith(_FULL)


def received_span(file: DataFile) -> tuple[int, int]:
    """Receive times of the first and the last log of a committed file, microseconds."""
    if file.receive_time is not None:
        return file.receive_time, file.receive_time
    found = _MERGED.match(_base(file.path))
    return (int(found[1], 16), int(found[2], 16)) if found else (0, 2**63 - 1)


def order_key(file: DataFile) -> tuple[int, str]:
    """Sorts files into commit order."""
    return received_span(file)[0], _base(file.path)


def partition_values(shard: int, receive_time: int | None, typed: tuple[tuple[str, str], ...]) -> dict[str, str | None]:
    """The partition values of a file, as the log holds them."""
    pairs = json.dumps([list(pair) for pair in typed], separators=(",", ":"))
    return {SHARD: str(shard), RECEIVE_TIME: None if receive_time is None else str(receive_time), TYPED: pairs}


def typed_of(text: str | None) -> tuple[tuple[str, str], ...]:
    """The typed columns a partition value names."""
    return tuple((field, kind) for field, kind in json.loads(text)) if text else ()


def add_action(file: DataFile, relative: str, receive_time: int | None, modified_ms: int, *, data_change: bool) -> AddAction:
    """What makes a file visible."""
    stats: dict[str, Any] = {
        "numRecords": file.rows, "minValues": {TIME: file.time_min}, "maxValues": {TIME: file.time_max}, "nullCount": {TIME: 0},
    }  # fmt: skip
    # Statistics are what the table's log keeps of a file and gives back with the list of files.
    if file.origin is not None:
        stats["minValues"][ORIGIN] = stats["maxValues"][ORIGIN] = file.origin
        stats["nullCount"][ORIGIN] = 0
    elif file.origins is not None:
        stats["minValues"][ORIGIN], stats["maxValues"][ORIGIN] = file.origins
    return AddAction(
        relative, file.size, partition_values(file.shard, receive_time, file.typed), modified_ms, data_change, json.dumps(stats)
    )


def remove_action(file: DataFile, relative: str, now_ms: int, *, data_change: bool) -> RemoveAction:
    """What makes a committed file invisible."""
    return RemoveAction(relative, data_change, now_ms, file.size, partition_values(file.shard, file.receive_time, file.typed))


def data_file(add: Mapping[str, Any], path: str) -> DataFile:
    """A file from an ``add`` of the log's JSON."""
    values, stats = add["partitionValues"], json.loads(add["stats"])
    received = values.get(RECEIVE_TIME)
    return DataFile(
        path, add["size"], stats["numRecords"], int(values[SHARD]), stats["minValues"][TIME], stats["maxValues"][TIME],
        None if received is None else int(received), typed_of(values.get(TYPED)),
        *origins_of(stats["minValues"].get(ORIGIN), stats["maxValues"].get(ORIGIN), stats["nullCount"].get(ORIGIN)),
    )  # fmt: skip


def origins_of(least: str | None, greatest: str | None, without: int | None) -> tuple[str | None, tuple[str, str] | None]:
    """``origin`` and ``origins`` of a file from its statistics: bounds, and how many logs have none (0, or not told)."""
    if least is None or greatest is None:
        return None, None
    return (least, None) if least == greatest and without == 0 else (None, (least, greatest))


def _place(file: DataFile) -> str:
    return _base(file.path).removesuffix(_END).removesuffix(".full").rpartition(".")[0]


def _base(path: str) -> str:
    return path.rpartition("/")[2]
