"""Writes the logs of slices into data files that nobody sees yet, each file of one slice's computation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from pipelines.jobs.slice_order import SliceKey, SlicePart
from transforms.connectors.kept import kept_logstore
from transforms.core.error_transport import portable_errors
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import LogstoreDescriptor
from transforms.write_logstores import BUFFER_BYTES, FILE_BYTES, Destination

__all__ = ["WriteSliceFiles"]


class WriteSliceFiles(beam.DoFn):
    """(Destination, LogGroup) → (lane, SlicePart with files). A bundle's logs of one place become one file, unless they are many.

    A destination's origin is the text of a SliceKey.
    """

    def __init__(self, stores: Mapping[str, LogstoreDescriptor]) -> None:
        self._stores = dict(stores)
        self._pending: dict[Destination, list[LogGroup]] = {}
        self._bytes: dict[Destination, int] = {}
        self._held: dict[Destination, set[int]] = {}

    def start_bundle(self) -> None:
        self._pending, self._bytes, self._held = {}, {}, {}

    def process(self, element: tuple[Destination, LogGroup]) -> Iterable[tuple[str, SlicePart]]:
        place, group = element[0], element[1].trimmed()
        if not group.num_rows:
            return
        self._pending.setdefault(place, []).append(group)
        self._bytes[place] = self._bytes.get(place, 0) + group.added_bytes(self._held.setdefault(place, set()))
        if self._bytes[place] >= FILE_BYTES:
            yield self._flush(place)
        while sum(self._bytes.values()) >= BUFFER_BYTES:
            yield self._flush(max(self._bytes, key=lambda each: self._bytes[each]))

    def finish_bundle(self) -> Iterable[WindowedValue]:
        for place in list(self._pending):
            yield GlobalWindows.windowed_value(self._flush(place))

    def _flush(self, place: Destination) -> tuple[str, SlicePart]:
        groups = self._pending.pop(place)
        del self._bytes[place], self._held[place]
        key = SliceKey.of_text(place.origin or "")
        with portable_errors():
            store = kept_logstore(self._stores[place.target])
            files = store.write_files(groups, shard=place.shard, place=place.place, hash_field=place.hash_field, origin=key.lane)
        return key.lane, SlicePart(key, target=place.target, files=tuple(files))
