"""Writing a column into a field by its mode: `transforms.rules.event.wins` over columns."""

from __future__ import annotations

import polars as pl

from transforms.core.field_columns import TIME
from transforms.rules.cells import only_where, row_numbers
from transforms.rules.frame import Failure, Frame

__all__ = ["write"]


def write(frame: Frame, name: str, new: pl.Series | str, mode: str, *, function: str, start: int = 0, end: int = 0) -> None:
    """Write texts (null = leave the field alone), or one text for all events, where the mode lets them win.

    An event time that is no whole number fails its event, in the name of ``function`` at ``start`` … ``end`` of the rule.
    """
    if isinstance(new, str):
        if mode.endswith("-auto"):
            if not new:
                return
            mode = mode[:-5]
        if name != TIME and (mode == "overwrite" or not frame.holds(name)):
            frame.set_constant(name, new)
            return
        new = pl.Series("", [new], pl.String).new_from_index(0, frame.rows)
    elif mode.endswith("-auto"):
        new = only_where(new, (new.str.len_bytes() > 0).fill_null(False))
        mode = mode[:-5]
    missing = new.null_count()
    old = frame.column(name) if missing or mode != "overwrite" else None
    if old is not None and mode != "overwrite":
        open_for = old.is_null() if mode == "add" else (old.is_null() | (old.str.len_bytes() == 0).fill_null(True))
        new = only_where(new, open_for)
    if name == TIME:
        new = _whole_seconds(frame, new, function, start, end)
        old = frame.column(TIME)
    missing = new.null_count()
    if missing == len(new):
        return
    frame.set(name, new if old is None or not missing else new.zip_with(new.is_not_null(), old))


def _whole_seconds(frame: Frame, new: pl.Series, function: str, start: int, end: int) -> pl.Series:
    """The texts that are whole seconds; the events of all others fail."""
    wrong = (~new.str.contains(r"^[+-]?[0-9]{1,18}$")).fill_null(False)
    if wrong.any():
        for row in row_numbers(wrong).to_list():
            reason = f"error when calling : {function}\nDetail: __time__ takes whole Unix seconds, not {new[row][:60]!r}"
            frame.fail(pl.Series("", [row], pl.UInt32), Failure(reason, start, end))
        new = only_where(new, ~wrong)
    return new
