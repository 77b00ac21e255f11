"""Elements in the Beam window that is their SQL time window: of one instance, or each in its own."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.coders.coders import IntervalWindowCoder
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import FixedWindows, IntervalWindow, NonMergingWindowFn, TimestampedValue

from transforms.core.interval import Interval

__all__ = ["InOwnSqlTimeWindow", "InSqlTimeWindow"]


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


class InOwnSqlTimeWindow(beam.PTransform[Any, Any]):
    """Puts every element into the window ``[from, to)`` that its attribute ``window`` (an `Interval`, Unix seconds) names, with the
    timestamp ``from``. Windows may overlap and leave holes."""

    def expand(self, elements: PCollection[Any]) -> PCollection[Any]:
        stamped = elements | "Stamp" >> beam.Map(_stamped).with_output_types(elements.element_type)
        return stamped | "Window" >> beam.WindowInto(_OwnWindows())  # type: ignore[no-any-return]


def _stamped(element: Any) -> TimestampedValue[Any]:
    return TimestampedValue(element, element.window.start)


class _OwnWindows(NonMergingWindowFn):
    def assign(self, assign_context: Any) -> list[IntervalWindow]:
        window = assign_context.element.window
        return [IntervalWindow(window.start, window.end)]

    def get_window_coder(self) -> IntervalWindowCoder:
        return IntervalWindowCoder()
