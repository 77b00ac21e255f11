"""Where the lines of `apply` go: the default target to a stream, other targets and dead letters to files."""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.rules.event import DEFAULT_TARGET

__all__ = ["Outputs"]

_MOST_OPEN = 64
_MOST_NAME_BYTES = 180


class Outputs:
    """The default target's lines to a stream, others to files ``FOLDER/TARGET.jsonl``, dead letters to a file or nowhere.

    Use it as a context: leaving it closes the files (the stream stays open). There may be any number of targets: few files are open at
    a time. ``kept`` are files that must not be written to: the inputs. Raises ParameterInvalid for a log of another target when there
    is no folder, StoreRejected for what cannot be written.
    """

    def __init__(self, default: BinaryIO, folder: Path | None, dead_letters: Path | None, kept: Collection[Path] = ()) -> None:
        self._default = default
        self._folder = folder
        self._dead_path = dead_letters
        self._kept = {path.resolve() for path in kept}
        self._open: OrderedDict[Path, BinaryIO] = OrderedDict()
        self._begun: set[Path] = set()

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._close_oldest()

    def write(self, targets: Mapping[str, Any], dead: bytes) -> None:
        """Lines by target key, and dead letters. They are handed to the system at once: who follows a file sees them."""
        for target, data in targets.items():
            if target == DEFAULT_TARGET.key:
                self._default.write(data)
                self._default.flush()
            else:
                self._append(self._target_path(target), data)
        if dead and self._dead_path is not None:
            self._append(self._dead_path, dead)

    def _target_path(self, target: str) -> Path:
        if self._folder is None:
            raise ParameterInvalid(f"the rule writes to the target {target!r}", hint="name a folder for it: --targets FOLDER")
        parts = [file_name(part) for part in target.split("/") if part] or ["%"]
        return self._folder.joinpath(*parts[:-1], parts[-1] + ".jsonl")

    def _append(self, path: Path, data: Any) -> None:
        try:
            file = self._open.get(path) or self._opened(path)
            file.write(data)
            file.flush()
        except OSError as error:
            raise StoreRejected(f"{path} cannot be written: {error.strerror}", hint="check the folder and its permissions") from error
        self._open.move_to_end(path)

    def _opened(self, path: Path) -> BinaryIO:
        if path not in self._begun:
            refuse_inputs(path, self._kept)
            path.parent.mkdir(parents=True, exist_ok=True)
        while len(self._open) >= _MOST_OPEN:
            self._close_oldest()
        file = path.open("ab" if path in self._begun else "wb")
        self._begun.add(path)
        self._open[path] = file
        return file

    def _close_oldest(self) -> None:
        self._open.popitem(last=False)[1].close()


def refuse_inputs(path: Path, inputs: Collection[Path]) -> None:
    """Raises ParameterInvalid for an output that is an input: it would be emptied before it is read."""
    if path.resolve() in inputs:
        raise ParameterInvalid(f"{path} is read; it cannot be written at the same time", hint="name another file for what comes out")


def file_name(name: str) -> str:
    """A target's name as a file's: what is no letter, digit or one of ``. - _ @`` as ``%XX``; no two names share one, none hides or climbs."""
    kept = re.sub(r"[^\w.\-@]|^\.", lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace")), name)
    if len(os.fsencode(kept)) > _MOST_NAME_BYTES:
        return f"{kept[:40]}%{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}"
    return kept
