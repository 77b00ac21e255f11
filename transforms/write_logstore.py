"""WriteLogstore: LogGroups into a Logstore, visible in one commit."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.connectors import open_logstore
from transforms.core.errors import ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.write_logstores import CommitTargets, Files, WriteLogstores

__all__ = ["WriteLogstore"]


class WriteLogstore(beam.PTransform[Any, Any]):
    """Writes the logs of all elements; gives a PCollection of one element: the number of logs that became visible.

    Bundles write data files and pass on their descriptions; one committer makes them visible in one commit. A bundle that is
    tried again leaves an invisible file behind. With an app transaction a commit that is tried again changes nothing, and a step
    that an earlier run committed brings no log. Without one a commit that is tried again finds its files there and changes nothing,
    unless a compaction has put them into others in between.

    Args:
        descriptor: which Logstore.
        app: who commits, and which of its steps: a step that was committed before is not committed again.
        origin: under which the logs are written.
        replaces: an origin whose earlier logs become invisible in the same commit; needs ``app``.

    Raises ParameterInvalid for ``replaces`` without ``app``: a commit that is tried again would replace its own logs.
    """

    def __init__(
        self,
        descriptor: LogstoreDescriptor,
        *,
        app: AppTransaction | None = None,
        origin: str | None = None,
        replaces: str | None = None,
    ) -> None:
        super().__init__()
        if replaces is not None and app is None:
            raise ParameterInvalid("logs can only be replaced by a step of a job", hint="give app=AppTransaction(job, number of the step)")
        targets = {descriptor.name: descriptor}
        committer = _CommitOnce(descriptor) if app is None else CommitTargets(targets, app, replaces)
        self._write = WriteLogstores(targets, committer, origin=origin)
        self._target = descriptor.name

    def expand(self, groups: PCollection[LogGroup]) -> PCollection[int]:
        rows: PCollection[int] = (
            {self._target: groups}
            | "Write" >> self._write
            | "Logs" >> beam.Map(lambda written, target=self._target: written[target]).with_output_types(int)
        )
        return rows


class _CommitOnce:
    """A committer without an app transaction: files that are visible already are not committed again."""

    def __init__(self, descriptor: LogstoreDescriptor) -> None:
        self._descriptor = descriptor

    def __call__(self, files: Files) -> dict[str, int]:
        store = open_logstore(self._descriptor)
        visible = {file.path for file in store.snapshot().files}
        found = files[self._descriptor.name]
        fresh = [file for file in found if file.path not in visible]
        if fresh:
            store.commit(fresh)
        return {self._descriptor.name: sum(file.rows for file in found)}
