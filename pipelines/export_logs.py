"""Export the logs of a Logstore as JSON lines, CSV, Parquet or text; memory stays flat."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from transforms.core.durable import durable
from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.suggest import nearest

if TYPE_CHECKING:
    from transforms.core.log_group import LogGroup
    from transforms.stores.logstore import Logstore

__all__ = ["COMPRESSIONS", "FORMATS", "ExportReport", "export_logs", "how_to_write", "opened_output"]

FORMATS = ("jsonl", "csv", "parquet", "text")
COMPRESSIONS = ("none", "gzip", "zstd")
_PACKED = {"gz": "gzip", "zst": "zstd"}
_NAMED = {"jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl", "csv": "csv", "parquet": "parquet", "txt": "text", "log": "text"}


@dataclass
class ExportReport:
    """``logs`` were written; ``left_out`` have no field ``content`` and so no text line."""

    logs: int = 0
    left_out: int = 0


def how_to_write(name: str, format: str | None = None, compression: str | None = None) -> tuple[str, str]:
    """The format and compression for a file: what was said, else what its name tells; ``jsonl`` and ``none`` where nothing does.

    Raises ParameterInvalid when the name ends in something unknown while no format was said, or in another compression than was said.
    """
    endings = Path(name).name.lower().split(".")[1:]
    packed = _PACKED.get(endings[-1]) if endings else None
    outer = endings.pop() if packed is not None else ""
    if packed is not None and compression not in (None, packed):
        raise ParameterInvalid(
            f"{name} ends in .{outer}, but the compression asked for is {compression}", hint=f"leave out --compress, or the ending .{outer}"
        )
    if format is None and endings:
        format = _NAMED.get(endings[-1])
        if format is None:
            near = nearest(endings[-1], _NAMED)
            known = ", ".join(f".{ending}" for ending in _NAMED)
            raise ParameterInvalid(
                f"{name} does not tell how to write it: .{endings[-1]} is not known",
                hint=(f"did you mean .{near}? " if near else "") + f"known are {known}, and .gz or .zst on top; or say --format",
            )
    if format == "parquet" and packed is not None:
        raise ParameterInvalid(f"{name}: a Parquet file is compressed inside, by zstd", hint=f"leave the ending .{outer} out")
    return format or "jsonl", compression or packed or "none"


def export_logs(
    store: Logstore, out: BinaryIO, *, format: str = "jsonl", compression: str = "none", times: Interval = ALL_TIME,
    received_before_us: int, receive_time: bool = False, watch: Callable[[int], None] | None = None,
) -> ExportReport:  # fmt: skip
    """Write the logs of an interval received before a moment (microseconds) to a binary stream, file by file of the Logstore.

    Logs that arrive meanwhile are not seen, so that what is written belongs to one moment. ``watch`` is told each group's logs.
    """
    received = Interval.of(None, received_before_us)
    report = ExportReport()

    def groups() -> Iterator[LogGroup]:
        for group in store.read(times, received=received):
            yield group
            if watch is not None:
                watch(group.num_rows)

    if format == "parquet":
        if compression == "gzip":
            raise ParameterInvalid("a Parquet file is compressed inside, by zstd", hint="leave --compress out")
        fields = _fields(store, times, received)
        with durable("export.write"):
            report.logs = _write_parquet(groups(), out, fields, receive_time=receive_time)
        return report
    with durable("export.write"), _compressed(out, compression) as sink:
        _write_lines(store, groups(), sink, format, times, received, report, receive_time=receive_time)
    return report


def _write_lines(
    store: Logstore, groups: Iterator[LogGroup], sink: Any, format: str, times: Interval, received: Interval, report: ExportReport, *,
    receive_time: bool,
) -> None:  # fmt: skip
    from transforms.formats import rendering

    fields: list[str] = []
    if format == "csv":
        fields = _fields(store, times, received)
        sink.write(rendering.csv_header(fields, receive_time=receive_time))
    for group in groups:
        if format == "csv":
            sink.write(rendering.csv_records(group, fields, receive_time=receive_time))
        elif format == "text":
            lines, left_out = rendering.text_lines(group)
            report.left_out += left_out
            sink.write(lines)
        else:
            sink.write(rendering.json_lines(group, receive_time=receive_time))
        report.logs += group.num_rows
    report.logs -= report.left_out


def _fields(store: Logstore, times: Interval, received: Interval) -> list[str]:
    """The names of all fields that the logs have; those in the overflow column are only found by reading it."""
    snapshot = store.snapshot(times, received=received)
    if not snapshot.has_overflow:
        return sorted(snapshot.fields)
    names: dict[str, None] = {}
    for group in store.read(times, received=received):
        names.update(dict.fromkeys(group.fields))
    return sorted(names)


def _write_parquet(groups: Iterator[LogGroup], out: BinaryIO, fields: list[str], *, receive_time: bool) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS, column_of
    from transforms.formats.rendering import RECEIVE_TIME_FIELD

    moment = pa.decimal128(28, 9)
    billionth = pa.scalar(Decimal("0.000000001"), pa.decimal128(10, 9))
    schema = pa.schema([
        (TIME, moment), *([(RECEIVE_TIME_FIELD, pa.timestamp("us", "UTC"))] if receive_time else []), *((name, pa.string()) for name in fields),
    ])  # fmt: skip
    logs = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in groups:
            table = group.table
            fraction = pc.multiply(pc.cast(table[TIME_NS], pa.decimal128(10, 0)), billionth)
            columns = [pc.cast(pc.add(pc.cast(table[TIME], moment), pc.cast(fraction, moment)), moment)]
            if receive_time:
                columns.append(table[RECEIVE_TIME].cast(pa.timestamp("us", "UTC")))
            for name in fields:
                column = column_of(name)
                present = column in table.column_names
                columns.append(pc.cast(table[column], pa.string()) if present else pa.nulls(table.num_rows, pa.string()))
            writer.write_table(pa.table(columns, schema=schema))
            logs += group.num_rows
    return logs


@contextmanager
def _compressed(out: BinaryIO, compression: str) -> Iterator[Any]:
    if compression == "none":
        yield out
        return
    if compression == "gzip":
        import gzip

        with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0) as sink:
            yield sink
        return
    import zstandard

    with zstandard.ZstdCompressor(write_checksum=True).stream_writer(out, closefd=False) as sink:
        yield sink


@contextmanager
def opened_output(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name whole, or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        file = part.open("wb")
    except OSError as error:
        raise StoreRejected(f"{path} cannot be written: {error.strerror}", hint="check the folder and its permissions") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with durable("export.publish"):
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
