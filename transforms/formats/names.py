"""The names of line formats, and what the name of a file tells about its own. Needs none of what reads them."""

from __future__ import annotations

from pathlib import Path

from transforms.core.errors import ParameterInvalid

__all__ = ["FORMATS", "format_of_name"]

FORMATS = ("jsonl", "text", "csv", "parquet", "dead-letters")
_ENDINGS = {"jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl", "csv": "csv", "parquet": "parquet"}
_PACKED = {"gz", "gzip", "zst", "zstd"}


def format_of_name(name: str) -> str:
    """The format that a file's name tells. Raises ParameterInvalid when it tells none."""
    parts = Path(name).name.lower().split(".")[1:]
    while parts and parts[-1] in _PACKED:
        parts.pop()
    if parts and parts[-1] in _ENDINGS:
        return _ENDINGS[parts[-1]]
    raise ParameterInvalid(f"the name {name!r} does not tell its format", hint=f"say --format {'|'.join(FORMATS)}")
