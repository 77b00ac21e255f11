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
from transforms.stores.logstore import AppTransaction, Commit, CommitStep, DataFile, Logstore

__all__ = ["CommitIntent", "Commits", "IntentCommitter", "files_from_json", "files_to_json"]

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


Commits = Mapping[str, Mapping[str, Commit]]
"""For each target the answers by app."""


@dataclass(frozen=True)
class IntentCommitter:
    """Carries intents out: one, or several of different apps at once. Every method may be killed anywhere and called again.

    Args:
        record: writes intents down, durably, unless those of the same app and version are there, and gives the ones that are there. It
            refuses (raises, or leaves out) an intent whose version is below one recorded before, and may add targets
            (`CommitIntent.with_targets`).
        open_target: opens a target's Logstore. Raises NotFound when there is none.
        finish: writes down, durably, that every target has its commits.
        may_be_gone: of which targets the Logstore may have been dropped, and with it the logs that were on their way there. One without
            files may always.
    """

    record: Callable[[Sequence[CommitIntent]], Sequence[CommitIntent]]
    open_target: Callable[[str], Logstore]
    finish: Callable[[Sequence[CommitIntent], Commits], None]
    may_be_gone: Callable[[str], bool] = lambda _target: False

    def commit(self, intents: Sequence[CommitIntent]) -> Commits:
        """Record intents and carry them out, or those of the same steps that were recorded before: their files count, not these."""
        return self.roll_forward(self.record(intents))

    def roll_forward(self, intents: Sequence[CommitIntent]) -> Commits:
        """Carry out recorded intents, in one commit of each target; what a target has already answers ``applied=False``.

        Raises NotFound for a target with files that is gone, CommitConflict and StoreError like `Logstore.commit_steps`; what is done
        stays done, and a repeat does the rest.
        """
        commits: dict[str, dict[str, Commit]] = {}
        for target in sorted({target for intent in intents for target in intent.files}):
            here = [intent for intent in intents if target in intent.files]
            steps = [CommitStep(intent.files[target], intent.app, intent.replaced(target)) for intent in here]
            try:
                done = self.open_target(target).commit_steps(steps)
            except NotFound as gone:
                if gone.code != "LogStoreNotExist" or not (self.may_be_gone(target) or not any(step.files for step in steps)):
                    raise
                continue
            commits[target] = {intent.app.app_id: commit for intent, commit in zip(here, done, strict=True)}
        self.finish(intents, commits)
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
