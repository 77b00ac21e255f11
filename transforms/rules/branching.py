"""Events of a frame that go different ways: each to the first operation whose condition holds, then back in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from transforms.rules.cells import taken
from transforms.rules.frame import Frame
from transforms.rules.merging import merged_rows

if TYPE_CHECKING:
    from transforms.rules.expressions import Expression
    from transforms.rules.operations import Operation

__all__ = ["apply_first_that_holds"]

_NONE = 0


def apply_first_that_holds(frame: Frame, pairs: Sequence[tuple[Expression, Operation]], otherwise: Operation | None) -> Frame:
    """Run the first operation whose condition holds on each event, ``otherwise`` on those for which none does.

    A condition is evaluated only for the events that no condition before it was true for.
    """
    known = len(frame.state.failures)
    choice, frame = _choose(frame, [condition for condition, _ in pairs])
    operations = [operation for _, operation in pairs]
    for number, operation in (*enumerate(operations, start=1), (_NONE, otherwise)):
        if operation is None:
            continue
        mask = choice == number
        if not mask.any():
            continue
        frame, rows = merged_rows(frame, mask, operation.apply(frame.branch(mask)))
        if rows is not None:
            choice = taken(choice, rows)
        if len(frame.state.failures) != known:
            # Siblings of what failed, in the other branches, are not worth going on with.
            kept = frame.kept(known)
            choice, frame = choice.filter(kept), frame.select(kept)
            known = len(frame.state.failures)
    return frame


def _choose(frame: Frame, conditions: Sequence[Expression]) -> tuple[pl.Series, Frame]:
    """For each event the number of the first condition that holds (from 1; 0: none), and the frame less the events that failed."""
    known = len(frame.state.failures)
    choice = pl.Series("", [_NONE], pl.UInt32).new_from_index(0, frame.rows)
    open_frame, rows = frame, pl.int_range(frame.rows, dtype=pl.UInt32, eager=True)
    for number, condition in enumerate(conditions, start=1):
        if not open_frame.rows:
            break
        before = len(frame.state.failures)
        mask = condition.mask(open_frame)
        if len(frame.state.failures) != before:
            kept = open_frame.kept(before)
            open_frame, rows, mask = open_frame.select(kept), rows.filter(kept), mask.filter(kept)
        if not mask.any():
            continue
        choice = choice.scatter(rows.filter(mask), number)
        open_frame, rows = open_frame.select(~mask), rows.filter(~mask)
    if len(frame.state.failures) == known:
        return choice, frame
    kept = frame.kept(known)
    return choice.filter(kept), frame.select(kept)
