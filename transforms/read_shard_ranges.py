"""ReadShardRanges: exactly the logs of some ranges of a Logstore's shards, each with the key of its range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection

from transforms.connectors.kept import kept_logstore
from transforms.core.error_transport import portable_errors
from transforms.core.log_group import LogGroup
from transforms.log_group_coder import register_log_group_coder
from transforms.stores.cursor import Cursor
from transforms.stores.logstore import LogstoreDescriptor

__all__ = ["ReadShardRanges", "ShardRange"]

register_log_group_coder()


class ShardRange(NamedTuple):
    """What lies between two places of a shard, and the key that its logs get."""

    key: str
    shard: int
    begin: Cursor
    end: Cursor


class ReadShardRanges(beam.PTransform[Any, Any]):
    """Reads ranges of shards. Gives pairs (key, LogGroup); groups as full as may be, of at most 64 k logs and 32 MB, with receive times.

    A retry, or another worker, reads the same logs: ranges never change. Raises while it runs NotFound with code ``CursorExpired`` when
    logs of a range are gone.

    Args:
        descriptor: which Logstore.
        ranges: what to read; None: the input is a PCollection of them.
    """

    def __init__(self, descriptor: LogstoreDescriptor, ranges: Sequence[ShardRange] | None = None) -> None:
        super().__init__()
        self._ranges = ranges
        self._read = _Read(descriptor)

    def expand(self, ranges: Any) -> PCollection[tuple[str, LogGroup]]:
        if self._ranges is not None:
            ranges = ranges | "Ranges" >> beam.Create(list(self._ranges)).with_output_types(ShardRange)
            if len(self._ranges) > 1:
                # Without the shuffle all ranges would be fused into one bundle of one worker.
                ranges = ranges | "Spread" >> beam.Reshuffle()
        groups: PCollection[tuple[str, LogGroup]] = ranges | "Read" >> beam.ParDo(self._read).with_output_types(tuple[str, LogGroup])
        return groups


class _Read(beam.DoFn):
    def __init__(self, descriptor: LogstoreDescriptor) -> None:
        self._descriptor = descriptor
        self._rows = Metrics.counter("logsluice", "log_rows_read")

    def process(self, element: ShardRange) -> Iterable[tuple[str, LogGroup]]:
        key, shard, begin, end = element
        with portable_errors():
            for group in kept_logstore(self._descriptor).read_range(shard, begin, end):
                self._rows.inc(group.num_rows)
                yield key, group
