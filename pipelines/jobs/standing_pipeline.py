"""A pipeline that stands: built once, it runs in a thread of its own and does round after round, each as one bundle.

Building a graph, planning it and setting its workers up costs the runner far more than a few logs do. So the source of a standing pipeline
never comes to its end: it hands out one round's ranges, puts off the rest, and is asked again when everything that came of them has been
written. What the runner does between two rounds is what it does between two bundles.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.pvalue import PCollection
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.core import RestrictionProvider

from transforms.read_shard_ranges import ShardRange

__all__ = ["StandingPipeline", "ranges_of_rounds", "standing_pipeline"]

MOST_ROUNDS = 500
_WITHOUT_END = 1 << 62
_numbers = itertools.count(1)


class _Turn:
    """Who is at work: the pipeline, or who waits for its round."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ranges: Sequence[ShardRange] | None = None
        self._waits = False
        self._ended = False
        self.error: BaseException | None = None

    def round(self, ranges: Sequence[ShardRange]) -> None:
        """Give a round to the pipeline and wait until it is done. Raises what ended the pipeline."""
        with self._changed:
            self._changed.wait_for(lambda: self._waits or self._ended)
            self._hand(ranges)
            self._changed.wait_for(lambda: self._waits or self._ended)
            if self._ended:
                raise self.error or RuntimeError("the pipeline came to its end before the round did")

    def close(self) -> None:
        """No round will come any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waits or self._ended)
            self._hand(None)

    def next(self) -> Sequence[ShardRange] | None:
        """For the pipeline: the last round is done; wait for the next. None = there is none."""
        with self._changed:
            self._waits = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waits)
            return self._ranges

    def end(self, error: BaseException | None) -> None:
        """For the pipeline's thread."""
        with self._changed:
            self.error, self._ended = error, True
            self._changed.notify_all()

    def _hand(self, ranges: Sequence[ShardRange] | None) -> None:
        self._ranges, self._waits = ranges, False
        self._changed.notify_all()


_turns: dict[str, _Turn] = {}


class StandingPipeline:
    """Runs one.

    Args:
        make: builds the pipeline, whose source is `ranges_of_rounds` of the name it is given, and runs it to its end.
    """

    def __init__(self, make: Callable[[str], None]) -> None:
        self._name = f"{os.getpid()}/{next(_numbers)}"
        self._make = make
        self._rounds = 0
        self._turn = _turns[self._name] = _Turn()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)
        self._thread.start()

    def round(self, ranges: Sequence[ShardRange]) -> None:
        """Do a round; when it returns, all that came of it is written. Raises what the pipeline raises: then it has ended."""
        self._rounds += 1
        self._turn.round(ranges)

    @property
    def worn(self) -> bool:
        """Whether it is time for another: the runner keeps a little of each bundle."""
        return self._rounds >= MOST_ROUNDS

    def close(self) -> None:
        """Let the pipeline come to its end."""
        self._turn.close()
        self._thread.join()
        _turns.pop(self._name, None)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._make(self._name)
        except BaseException as raised:  # noqa: BLE001 - whoever waits for the round raises it
            error = raised
        self._turn.end(error)


def standing_pipeline(options: PipelineOptions) -> beam.Pipeline:
    """An empty pipeline to stand on: in this process."""
    return beam.Pipeline(runner=_StandingRunner(), options=options)


def ranges_of_rounds(pipeline: beam.Pipeline, name: str) -> PCollection[ShardRange]:
    """The source of the standing pipeline of a name: in each bundle the ranges of one round. In the process that runs the rounds."""
    ranges: PCollection[ShardRange] = (
        pipeline | "Begin" >> beam.Impulse() | "Rounds" >> beam.ParDo(_Rounds(name)).with_output_types(ShardRange)
    )
    return ranges


class _Endless(RestrictionProvider):
    """Rounds by number."""

    def initial_restriction(self, _element: bytes) -> OffsetRange:
        return OffsetRange(0, _WITHOUT_END)

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return OffsetRestrictionTracker(restriction)

    def restriction_size(self, _element: bytes, _restriction: OffsetRange) -> int:
        return 1


_NOTHING_TOLD = beam_fn_api_pb2.InstructionResponse(process_bundle=beam_fn_api_pb2.ProcessBundleResponse())
"""One for all bundles: the memory of a message is kept as long as any part of it is, cleared or not."""


class _StandingRunner(FnApiRunner):
    """The runner keeps what every bundle tells of itself, to add it up at the end: of a pipeline without end that would be more and more."""

    def _execute_bundle(self, *arguments: Any, **named: Any) -> Any:
        super()._execute_bundle(*arguments, **named)
        return _NOTHING_TOLD


_TRACKER: Any = beam.DoFn.RestrictionParam(_Endless())


class _Rounds(beam.DoFn):
    def __init__(self, name: str) -> None:
        self._name = name

    def process(self, _impulse: bytes, tracker: Any = _TRACKER) -> Iterable[ShardRange]:
        begin = tracker.current_restriction().start
        ranges = _turns[self._name].next()
        if ranges is None:
            tracker.try_claim(_WITHOUT_END)
            return
        tracker.try_claim(begin)
        yield from ranges
        tracker.defer_remainder()
