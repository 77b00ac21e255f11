"""Dead letters of an import: one JSON object a line for each record that is no log, with where it was, why, and the record itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.formats.json_object import NotALog

__all__ = ["RAW_LIMIT", "DeadLetter", "raw_of"]

RAW_LIMIT = 256 * 1024
"""Of a longer record only so many bytes are kept."""


@dataclass(frozen=True)
class DeadLetter:
    """A record that could not be taken.

    Attributes:
        file: the input, as it was named.
        line: its line number, or the row's number in a Parquet file, from 1.
        offset: where it begins, bytes of the uncompressed input; None for Parquet.
        reason: stable word: ``not-json``, ``not-an-object``, ``not-utf8``, ``not-unicode``, ``no-time``, ``too-long``, ``too-many-fields``.
        detail: what exactly.
        raw: the record's bytes without the line end.
        format: how the record is written (``jsonl``, ``text``, ``csv``; ``dead-letters`` when it is one itself).
        header: of a CSV record, the names of its cells.
        size: the record's length when ``raw`` is only its beginning, else 0.
        said: what the import was told about times, topic, source and tags, so that importing the letter means the same.
    """

    file: str
    line: int
    offset: int | None
    reason: str
    detail: str
    raw: bytes
    format: str
    header: tuple[str, ...] = ()
    size: int = 0
    said: Mapping[str, Any] = field(default_factory=dict)

    def to_json_line(self) -> bytes:
        """With line end. ``raw`` is text, or ``raw_base64`` when it is no UTF-8; ``truncated`` is the full length."""
        raw, size = self.raw, self.size
        if len(raw) > RAW_LIMIT:
            raw, size = raw[:RAW_LIMIT], size or len(raw)
        record: dict[str, object] = {"file": self.file, "line": self.line}
        if self.offset is not None:
            record["offset"] = self.offset
        record |= {"reason": self.reason, "detail": self.detail, "format": self.format}
        if self.header:
            record["header"] = self.header
        if self.said:
            record["import"] = self.said
        try:
            record["raw"] = raw.decode()
        except UnicodeDecodeError:
            record["raw_base64"] = base64.b64encode(raw).decode()
        if size:
            record["truncated"] = size
        return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def raw_of(fields: Mapping[str, str]) -> bytes:
    """The record that a dead letter (its fields as text) holds. Raises NotALog when it holds none."""
    if "raw" in fields:
        return fields["raw"].encode()
    if "raw_base64" in fields:
        try:
            return base64.b64decode(fields["raw_base64"], validate=True)
        except ValueError as error:
            raise NotALog("not-a-dead-letter", f"raw_base64: {error}") from error
    raise NotALog("not-a-dead-letter", "neither raw nor raw_base64 is there")
