"""Writing a column into a field by its mode: `transforms.rules.event.wins` over columns."""

from __future__ import annotations

import polars as pl

from transforms.core.field_columns import TIME
from transforms.rules.frame import Failure, Frame

__all__ = ["write"]


def write(frame: Frame, name: str, new: pl.Series, mode: str, *, function: str, start: int = 0, end: int = 0) -> None:
    """Write texts (null = leave the field alone) where the mode lets them win.

    An event time that is no whole number fails its event, in the name of ``function`` at ``start`` … ``end`` of the rule.
    """
    old = frame.column(name)
    if mode.endswith("-auto"):
        new = _where(new.str.len_bytes() > 0, new)
        mode = mode[:-5]
    if old is not None and mode != "overwrite":
        open_for = old.is_null() if mode == "add" else (old.is_null() | (old.str.len_bytes() == 0))
        new = _where(open_for, new)
    if name == TIME:
        new = _whole_seconds(frame, new, function, start, end)
    missing = new.null_count()
    if missing == len(new):
        return
    frame.set(name, (new if old is None or not missing else new.zip_with(new.is_not_null(), old)).alias(name))


def _whole_seconds(frame: Frame, new: pl.Series, function: str, start: int, end: int) -> pl.Series:
    wrong = (~new.str.contains(r"^[+-]?[0-9]{1,18}$")).fill_null(False)
    if wrong.any():
        for row in wrong.arg_true().to_list():
            reason = f"error when calling : {function}\nDetail: __time__ takes whole Unix seconds, not {new[row][:60]!r}"
            frame.fail(pl.Series("", [row], pl.UInt32), Failure(reason, start, end))
        new = _where(~wrong, new)
    return new


def _where(mask: pl.Series, series: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(series)).to_series()
