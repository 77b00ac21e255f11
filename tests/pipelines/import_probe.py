"""What the tests of import and export share: a Logstore to fill, its logs as plain values, small imports."""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from pipelines.cli.main import main
from pipelines.home import Home
from pipelines.imports.import_logs import ImportReport, ImportRequest, import_logs
from tests.conftest import CliResult
from transforms.core.field_columns import TIME_NS
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["Log", "dead_letters", "import_files", "logs_of", "make_store", "run_here"]

Log = tuple[int, int, frozenset[tuple[str, str]]]
"""Seconds, nanoseconds, fields."""


def make_store(home: Home, name: str = "web", shards: int = 2) -> None:
    home.create_logstore(LogstoreDescriptor("default", name, "", even_shards(shards)))


def logs_of(home: Home, name: str = "web") -> Counter[Log]:
    """All logs, each with how often it is there."""
    found: Counter[Log] = Counter()
    for group in home.open_logstore("default", name).read():
        seconds, nanoseconds = group.seconds.to_pylist(), group.table[TIME_NS].to_pylist()
        for log, whole, part in zip(group.to_logs(), seconds, nanoseconds, strict=True):
            found[(whole, part, frozenset(log.items()))] += 1
    return found


def import_files(home: Home, *inputs: Path | str, store: str = "web", **options: Any) -> ImportReport:
    return import_logs(home, ImportRequest("default", store, tuple(map(str, inputs)), **options))


def dead_letters(report: ImportReport) -> list[dict[str, Any]]:
    assert report.dead_letters is not None, "no dead letters"
    return [json.loads(line) for line in report.dead_letters.read_text(encoding="utf-8").splitlines()]


def run_here(home: Home, *arguments: str | Path) -> CliResult:
    """A command line in this process: what a process of its own would print and return, a second sooner. It has no stdin."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True, newline="") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["--home", str(home.path), *map(str, arguments)])
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return CliResult(texts[0], texts[1], code)
