"""Logs for several Logstores, made visible exactly once in each: write all files, record the intent, commit target by target, finish.

One commit covers one Logstore. What must become visible in several is first written down as a whole, durably, by whoever keeps the
job's state. From then on it is rolled forward, however often it takes, and never computed again: a second computation may give other
logs (a grown source, a rule that asks for the time), and some targets already have those of the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from transforms.core.errors import NotFound, ParameterInvalid
from transforms.stores.logstore import AppTransaction, Commit, DataFile, Logstore

__all__ = ["CommitIntent", "IntentCommitter", "files_from_json", "files_to_json"]

FilesOfTargets = Mapping[str, Sequence[DataFile]]


@dataclass(frozen=True)
class CommitIntent:
    """What one step of a job makes visible.

    Attributes:
        app: the job, and the step's number (a slice, an attempt); the number rises with every step of the job.
        files: for each target its files. A target without files is committed too: it loses what ``replaces`` says, and from then on
            refuses the commits of earlier steps that are still on their way.
        replaces: origins whose earlier logs become invisible,
        replaces_in: in these targets; None = in every target.
    """

    app: AppTransaction
    files: FilesOfTargets
    replaces: tuple[str, ...] = ()
    replaces_in: tuple[str, ...] | None = None

    @property
    def rows(self) -> dict[str, int]:
        """Logs for each target."""
        return {target: sum(file.rows for file in files) for target, files in self.files.items()}

    def replaced(self, target: str) -> tuple[str, ...]:
        """Origins whose earlier logs become invisible in a target."""
        return self.replaces if self.replaces_in is None or target in self.replaces_in else ()

    def with_targets(self, targets: Iterable[str]) -> CommitIntent:
        """With targets that get no files, unless they have some: those that earlier steps under the same origins wrote to."""
        return replace(self, files={**dict.fromkeys(targets, ()), **self.files})

    def to_json(self) -> str:
        """As text that a database or a file keeps."""
        return json.dumps(
            {
                "app": asdict(self.app),
                "replaces": self.replaces,
                "replaces_in": self.replaces_in,
                "files": files_to_json(self.files),
            },
            ensure_ascii=False,
        )

    @staticmethod
    def from_json(text: str) -> CommitIntent:
        """From `to_json`. Raises ParameterInvalid for anything else."""
        try:
            told = json.loads(text)
            only = told["replaces_in"]
            return CommitIntent(
                AppTransaction(**told["app"]),
                files_from_json(told["files"]),
                tuple(told["replaces"]),
                None if only is None else tuple(only),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ParameterInvalid(
                f"this is no commit intent: {error}", hint="it was cut or changed; the step must be run again"
            ) from error


@dataclass(frozen=True)
class IntentCommitter:
    """Carries intents out. Every method may be killed anywhere and called again.

    Args:
        record: writes an intent down, durably, unless one of its app and version is there, and gives the one that is there. It refuses
            (raises) an intent whose version is below one recorded before, and may add targets (`CommitIntent.with_targets`).
        open_target: opens a target's Logstore. Raises NotFound when there is none.
        finish: writes down, durably, that every target has its commit.
    """

    record: Callable[[CommitIntent], CommitIntent]
    open_target: Callable[[str], Logstore]
    finish: Callable[[CommitIntent, Mapping[str, Commit]], None]

    def commit(self, intent: CommitIntent) -> dict[str, Commit]:
        """Record an intent and carry it out, or the one of the same step that was recorded before: its files count, not these."""
        return self.roll_forward(self.record(intent))

    def roll_forward(self, intent: CommitIntent) -> dict[str, Commit]:
        """Carry out a recorded intent; targets that have its commit already answer ``applied=False``.

        Raises NotFound for a target with files that is gone, CommitConflict and StoreError like `Logstore.commit`; what is done stays
        done, and a repeat does the rest.
        """
        commits = {}
        for target in sorted(intent.files):
            try:
                store = self.open_target(target)
            except NotFound:
                if intent.files[target]:
                    raise
                continue  # a Logstore that was dropped has no logs to replace
            commits[target] = store.commit(intent.files[target], app=intent.app, replaces=intent.replaced(target))
        self.finish(intent, commits)
        return commits


def files_to_json(files: FilesOfTargets) -> dict[str, list[dict[str, Any]]]:
    """Files of targets as values that JSON has."""
    return {target: [asdict(file) for file in found] for target, found in files.items()}


def files_from_json(told: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, tuple[DataFile, ...]]:
    """From `files_to_json`."""
    return {target: tuple(_file(file) for file in found) for target, found in told.items()}


def _file(told: Mapping[str, Any]) -> DataFile:
    origins = told["origins"]
    typed = tuple((field, kind) for field, kind in told["typed"])
    return DataFile(**{**told, "typed": typed, "origins": None if origins is None else tuple(origins)})
