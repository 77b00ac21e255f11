"""Parquet inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.field_columns import field_of, is_field_column
from transforms.formats.dead_letters import DeadLetter
from transforms.formats.event_times import LogSettings
from transforms.formats.log_batches import LogBatch, Position, Source
from transforms.formats.parquet_rows import ParquetRows, Rows, read_rows
from transforms.formats.records import ROW

__all__ = ["ParquetReader"]


@dataclass
class ParquetReader:
    """Parquet files; they need a file, a pipe cannot be read from its end."""

    settings: LogSettings
    needs_path: ClassVar[bool] = True

    def units(self, source: Source, name: str, start: Position, stop: Position | None = None) -> Iterator[Rows]:
        if not isinstance(source, Path):
            raise ParameterInvalid("Parquet cannot be read from a pipe", hint="write it to a file first")
        if not source.exists():
            raise NotFound(f"{name} does not exist", code="FileNotExist")
        return read_rows(source, name, start.get("row", 0), None if stop is None else stop["row"])

    def parse(self, unit: Rows, name: str) -> LogBatch:
        parsed = ParquetRows().parse(unit)
        batch = LogBatch(
            {"row": unit.first + unit.table.num_rows}, int(unit.table.nbytes), fields=self.settings.fields_without_time(parsed.frames)
        )
        for frame in parsed.frames:
            group, bad = self.settings.groups_of(frame)
            if group is not None:
                batch.groups.append(group)
            for record in bad:
                raw = json.dumps(_log_of(frame, record.row), ensure_ascii=False).encode()
                place = (name, unit.first + record.row + 1, None)
                batch.dead.append(DeadLetter(*place, record.reason, record.detail, raw, "jsonl", said=self.settings.said))
        return batch


def _log_of(frame: Any, row: int) -> dict[str, str]:
    record = frame.row(row, named=True)
    return {
        field_of(column): value
        for column, value in record.items()
        if column != ROW and value is not None and (is_field_column(column) or column == "__time__")
    }
