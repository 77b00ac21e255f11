"""What an import is asked to do, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.imports.import_inputs import Input, digest

__all__ = ["ImportReport", "ImportRequest"]


@dataclass(frozen=True)
class ImportRequest:
    """What to import, and how. Two requests that are equal in all but ``again``, ``batch_rows`` and ``dead_letters`` are the same import.

    Args:
        inputs: files, folders, or ``-`` alone.
        format: a format's name; None = what each file's name tells.
        time_field, time_format, time_zone, time_pattern, topic, source, tags: see `transforms.formats.log_options.LogOptions`.
        hash_key: all logs go to the shard of this key.
        dead_letters: where records go that are no logs; None = a file in the home.
        max_line_bytes: longer lines are dead letters.
        again: import anew what was imported before.
        name: of an import from a pipe, so that it can be resumed.
        batch_rows: logs in one commit.
    """

    project: str
    logstore: str
    inputs: tuple[str, ...]
    format: str | None = None
    time_field: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    time_pattern: str | None = None
    topic: str | None = None
    source: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    hash_key: str | None = None
    dead_letters: Path | None = None
    max_line_bytes: int = 8 * 1024 * 1024
    again: bool = False
    name: str | None = None
    batch_rows: int = 400_000

    def identity(self, inputs: list[Input]) -> str:
        """The import's id in the ledger."""
        return digest(self.project, self.logstore, self.meaning(), self.name, [found.identity for found in inputs])

    def meaning(self) -> str:
        """The same for the same options, whatever the inputs."""
        # Of dead letters, no zone is that of their first import; elsewhere it is UTC.
        zone = self.time_zone or (None if self.format == "dead-letters" else "UTC")
        how = [self.format, self.time_field, self.time_format, zone, self.time_pattern, self.topic, self.source]
        return digest(how, dict(self.tags), self.hash_key, self.max_line_bytes)


@dataclass
class ImportReport:
    """What an import did, all its runs together; ``seconds`` are this run's.

    ``repeated``: it was finished before and nothing was done; ``resumed``: an earlier run had begun it; ``changed``: files that
    became others while they were read; ``fields_without_time``: when no record had the named time field, the fields they had.
    """

    files: int
    hidden: int
    logs: int = 0
    bytes: int = 0
    dead: dict[str, int] = field(default_factory=dict)
    dead_letters: Path | None = None
    seconds: float = 0.0
    logs_this_run: int = 0
    repeated: bool = False
    resumed: bool = False
    changed: list[str] = field(default_factory=list)
    fields_without_time: list[str] = field(default_factory=list)

    @property
    def dead_total(self) -> int:
        return sum(self.dead.values())
