"""InSqlTimeWindow: elements of one instance in the Beam window that is its SQL time window."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from transforms.core.interval import Interval

__all__ = ["InSqlTimeWindow"]


class InSqlTimeWindow(beam.PTransform[Any, Any]):
    """Gives every element the timestamp ``from`` and puts it into the window ``[from, to)``, Unix seconds.

    Windows of this size that are counted from ``from`` touch each other; the elements are all in this one.
    """

    def __init__(self, window: Interval) -> None:
        super().__init__()
        self._window = window

    def expand(self, elements: PCollection[Any]) -> PCollection[Any]:
        window = self._window
        stamped = elements | "Stamp" >> beam.Map(TimestampedValue, window.start).with_output_types(elements.element_type)
        return stamped | "Window" >> beam.WindowInto(FixedWindows(window.end - window.start, window.start))  # type: ignore[no-any-return]
