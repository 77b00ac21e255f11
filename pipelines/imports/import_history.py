"""What was imported before: no file, and no pipe with a name, goes into a Logstore twice without a word."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transforms.core.counted import counted
from transforms.core.errors import AlreadyExists, ParameterInvalid

if TYPE_CHECKING:
    from pipelines.imports.import_inputs import Input
    from transforms.stores.catalogue import ImportRun

__all__ = ["only_one", "refuse_doubles", "remembered"]

_REMEMBERED_FILES = 1_000
_SHOWN = 3
_TWICE = "--again imports it all the same, its logs are then there twice"
_WHOLE = (".gz", ".gzip", ".zst", ".zstd", ".csv", ".parquet")
"""Endings of files whose new end cannot be read by itself."""


def remembered(inputs: Sequence[Input], pipe: str | None, meaning: str) -> dict[str, Any]:
    """What the ledger keeps of an import: of at most a thousand files sizes and times by path, or the pipe's name; its options' digest."""
    files = {str(found.path.resolve()): found for found in inputs[:_REMEMBERED_FILES] if found.path is not None}
    return {
        "inputs": {path: found.size for path, found in files.items()},
        "modified": {path: found.modified_ns for path, found in files.items()},
        "pipe": pipe,
        "meaning": meaning,
    }


def refuse_doubles(
    runs: Sequence[ImportRun], inputs: Sequence[Input], import_id: str, pipe: str | None, meaning: str, locks: Path
) -> None:  # fmt: skip
    """Refuse what other imports brought into the Logstore already, or bring at this moment.

    Raises ParameterInvalid: ``ImportedOtherwise`` for the same file or pipe with other options, ``ImportedBefore`` for a file that
    came together with others, ``ImportChanged`` for one that is not what it was. An import that is known itself goes on, or is
    repeated; one that brought no log hinders nobody.
    """
    if any(run.id == import_id and (run.finished or _logs(run)) for run in runs):
        return
    others = [run for run in runs if run.id != import_id and (_logs(run) or (not run.finished and _held(locks, run.id)))]
    others.sort(key=_began)
    for found in inputs:
        if found.path is None:
            before = [run for run in others if pipe is not None and _memory(run).get("pipe") == pipe]
            if before:
                raise _otherwise(f"the pipe {pipe!r}", before[-1])
            continue
        path = str(found.path.resolve())
        before = [run for run in others if path in _memory(run).get("inputs", {})]
        if before:
            memory = _memory(before[-1])
            size, modified = memory["inputs"][path], memory.get("modified", {}).get(path, found.modified_ns)
            if (size, modified) != (found.size, found.modified_ns):
                raise _changed(found, size)
            if memory.get("meaning") != meaning:
                raise _otherwise(found.name, before[-1])
            known = {path for run in others for path in _memory(run).get("inputs", {})}
            raise _before(found.name, before[-1], [new.name for new in inputs if new.path and str(new.path.resolve()) not in known])


def _otherwise(name: str, run: ImportRun) -> ParameterInvalid:
    if run.finished:
        text, hint = f"{name} was imported into this Logstore with other options on {_moment(run)}: {_brought(run)}", ""
    else:
        since = f"is being imported into this Logstore with other options since {_moment(run)}, or that import was stopped"
        text, hint = f"{name} {since}: {_brought(run)} so far", "run it with those options to finish that import; "
    return ParameterInvalid(text, hint=hint + _TWICE, code="ImportedOtherwise")


def _before(name: str, run: ImportRun, new: list[str]) -> ParameterInvalid:
    """The same options, but other files beside it: a folder that has more files now, or one of its files alone."""
    text = f"{name} was imported into this Logstore on {_moment(run)}: {_brought(run)}"
    more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
    hint = f"import only what is new: {' '.join(new[:_SHOWN])}{more}; " if new else ""
    return ParameterInvalid(text, hint=hint + _TWICE, code="ImportedBefore")


def _moment(run: ImportRun) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=_began(run))).strftime("%Y-%m-%d %H:%M:%S UTC")


def _brought(run: ImportRun) -> str:
    files = len(_memory(run).get("inputs", {}))
    return counted(_logs(run), "log") + (f" from {counted(files, 'file')}" if files > 1 else "")


def _changed(found: Input, before: int) -> ParameterInvalid:
    hint = "--again imports all of it anew"
    if before == found.size:
        now = "it was written anew since, with the same length"
    else:
        now = f"now it has {found.size:,}"
        if found.size > before and not found.name.lower().endswith(_WHOLE):
            hint += f"; only what is new: tail -c +{before + 1} {found.name} | logsluice import … -"
    text = f"{found.name} was imported into this Logstore when it had {counted(before, 'byte')}; {now}"
    return ParameterInvalid(text, hint=hint, code="ImportChanged")


def _memory(run: ImportRun) -> Mapping[str, Any]:
    return {**run.start, **run.summary}


def _logs(run: ImportRun) -> int:
    counters = run.summary if run.finished else run.end.get("counters", {})
    return int(counters.get("logs", 0))


def _began(run: ImportRun) -> int:
    return int(run.start.get("started_us", 0))


def _lock(folder: Path, import_id: str) -> Path:
    return folder / f"import-{import_id}"


def _held(folder: Path, import_id: str) -> bool:
    """Whether a living process is at an import."""
    try:
        with _lock(folder, import_id).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def only_one(folder: Path, import_id: str) -> Iterator[None]:
    """Hold the lock of an import; the system lets go of it when the process dies. Raises AlreadyExists (``ImportRunning``)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(folder, import_id).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyExists(
                "another process is at this very import",
                hint="wait for it, then run this again: it goes on where that one stopped",
                code="ImportRunning",
            ) from error
        yield
