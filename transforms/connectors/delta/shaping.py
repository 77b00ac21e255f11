"""From log groups to the rows of one data file: text columns, typed twins, overflow, order. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import polars as pl

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import (
    FILE,
    ORIGIN,
    OVERFLOW,
    RECEIVE_TIME,
    TIME,
    TIME_NS,
    column_of,
    field_of,
    is_field_column,
    typed_column,
)
from transforms.core.log_group import LogGroup
from transforms.stores.index import DOUBLE_TEXT, LONG_DIGITS, LONG_TEXT
from transforms.stores.logstore import checked_origins

__all__ = ["Typed", "frame_of", "restore_overflow", "shape", "typed_values"]

Typed = tuple[tuple[str, str], ...]
"""(field, ``long`` | ``double``) pairs, sorted."""

_RESTORED_CELLS = 200_000
"""Most cells (logs × fields) of overflow that one table is given as columns."""

_TEXT = (pl.String, pl.Categorical)


def frame_of(group: LogGroup) -> pl.DataFrame:
    """The columns of a log group that are stored. Raises ParameterInvalid for a group that is not one."""
    table = group.table
    names = [name for name in table.column_names if is_field_column(name) or name in (TIME, TIME_NS, ORIGIN)]
    strange = [name for name in table.column_names if name.startswith("~") and name not in (TIME_NS, RECEIVE_TIME, ORIGIN)]
    if TIME not in names or strange:
        what = f"has the unknown column {strange[0]!r}" if strange else f"has no column {TIME!r}"
        raise ParameterInvalid(f"a log group {what}")
    frame = pl.DataFrame(pl.from_arrow(table.select(names)))
    if frame[TIME].null_count():
        raise ParameterInvalid(f"a log group has logs without event time: {TIME!r} is null")
    for name, kind in frame.schema.items():
        if name in (TIME, TIME_NS) and not kind.is_integer():
            raise ParameterInvalid(f"the column {name!r} of a log group holds {kind}, not whole numbers")
        if is_field_column(name) and kind not in (*_TEXT, pl.Null):
            raise ParameterInvalid(f"the field {field_of(name)!r} of a log group holds {kind}, not text")
        if name == ORIGIN:
            if kind not in _TEXT or frame[name].null_count():
                raise ParameterInvalid(f"the column {name!r} of a log group names no origin for some of its logs")
            checked_origins(frame[name].unique().to_list())
    if TIME_NS in names and not frame[TIME_NS].drop_nulls().is_between(0, 999_999_999).all():
        raise ParameterInvalid(f"the column {TIME_NS!r} of a log group has values outside 0..999,999,999")
    ready = pl.Schema({TIME: pl.Int64, TIME_NS: pl.Int32, **{name: pl.String for name in names if _is_text(name)}})
    if list(frame.schema.items()) == list(ready.items()) and not frame[TIME_NS].null_count():
        return frame
    nanoseconds = pl.col(TIME_NS).cast(pl.Int32).fill_null(0) if TIME_NS in names else pl.lit(0, pl.Int32).alias(TIME_NS)
    return frame.select(pl.col(TIME).cast(pl.Int64), nanoseconds, *(pl.col(name).cast(pl.String) for name in names if _is_text(name)))


def _is_text(name: str) -> bool:
    return is_field_column(name) or name == ORIGIN


def shape(
    frames: Sequence[pl.DataFrame], typed: Mapping[str, str], admit: Callable[[Sequence[str], Sequence[tuple[str, str]]], set[str]]
) -> tuple[pl.DataFrame, Typed]:
    """One sorted table for a data file from frames in receive order, and which typed columns it has.

    ``admit(columns, typed pairs)`` makes sure that the table knows columns and answers which of them it took; fields of the others go to
    the overflow column.
    """
    frame = pl.concat(frames, how="diagonal") if len(frames) > 1 else frames[0]
    if not _is_sorted(frame):
        # Most senders tell whole seconds; one key sorts faster than two.
        keys = [TIME] if frame[TIME_NS].max() == 0 else [TIME, TIME_NS]
        frame = frame.sort(keys, maintain_order=True)
    nulls = frame.null_count().row(0)
    fields = [name for name, absent in zip(frame.columns, nulls, strict=True) if is_field_column(name) and absent < frame.height]
    present = set(fields)
    pairs = tuple(sorted((name, kind) for name, kind in typed.items() if column_of(name) in present))
    taken = admit(fields, pairs)
    extra = [name for name in fields if name not in taken]
    pairs = tuple(pair for pair in pairs if column_of(pair[0]) in taken)
    own = [
        name for name in (TIME, TIME_NS, RECEIVE_TIME, ORIGIN, FILE) if name in frame.columns and frame[name].null_count() < frame.height
    ]
    kept = frame.select(
        *own, *(name for name in fields if name in taken),
        *(typed_values(frame[column_of(name)], name, kind) for name, kind in pairs),
    )  # fmt: skip
    old = frame[OVERFLOW] if OVERFLOW in frame.columns and frame[OVERFLOW].null_count() < frame.height else None
    if old is not None or extra:
        kept = kept.with_columns(_overflow(frame.select(extra), old).alias(OVERFLOW))
    return kept, pairs


def typed_values(texts: pl.Series, field: str, kind: str) -> pl.Series:
    """The typed twin of a field's texts: the number where the text is one by the index's rule, else null."""
    number = texts.cast(pl.Int64 if kind == "long" else pl.Float64, strict=False)
    # A cast reads what the rule does, and more: longer integers (zeros before them), exponents of many digits, words such as nan and inf.
    doubtful = texts.str.len_bytes() > LONG_DIGITS if kind == "long" else texts.str.contains("[eEnN]")
    if doubtful.any():
        by_rule = texts.str.contains(LONG_TEXT if kind == "long" else DOUBLE_TEXT)
        number = number.set((doubtful & ~by_rule).fill_null(value=False), None)
    return number.alias(typed_column(field, kind))


def restore_overflow(frame: pl.DataFrame, fields: Iterable[str] | None) -> Iterator[pl.DataFrame]:
    """Frames with the rows of one, its overflow column replaced by columns of the fields in it (only ``fields`` when given).

    Logs with many different fields come in smaller frames, since an absent field costs memory too.
    """
    texts = frame[OVERFLOW].to_list()
    frame = frame.drop(OVERFLOW)
    wanted = None if fields is None else set(fields)
    logs: list[dict[str, str]] = []
    names: set[str] = set()
    begin = 0
    for row, text in enumerate(texts):
        log = {} if text is None else json.loads(text)
        if wanted is not None:
            log = {name: value for name, value in log.items() if name in wanted}
        if logs and len(names | log.keys()) * (len(logs) + 1) > _RESTORED_CELLS:
            yield _with_fields(frame.slice(begin, len(logs)), logs, names)
            logs, names, begin = [], set(), row
        logs.append(log)
        names |= log.keys()
    yield _with_fields(frame.slice(begin, len(logs)), logs, names)


def _with_fields(frame: pl.DataFrame, logs: Sequence[Mapping[str, str]], names: set[str]) -> pl.DataFrame:
    restored = []
    for name in sorted(names):
        column = column_of(name)
        fresh = pl.Series(column, [log.get(name) for log in logs], dtype=pl.String)
        # In a file of compaction a field may have had a column in one commit, and not in another.
        restored.append(pl.coalesce(pl.col(column), pl.lit(fresh)) if column in frame.columns else fresh)
    return frame.with_columns(restored)


def _overflow(frame: pl.DataFrame, old: pl.Series | None) -> pl.Series:
    height = frame.height if old is None else len(old)
    rows: list[dict[str, str] | None] = [None] * height
    if old is not None:
        rows = [None if text is None else json.loads(text) for text in old.to_list()]
    for column in frame.columns:
        name = field_of(column)
        present = frame[column].is_not_null().arg_true()
        for row, value in zip(present.to_list(), frame[column].gather(present).to_list(), strict=True):
            log = rows[row]
            if log is None:
                log = rows[row] = {}
            log[name] = value
    return pl.Series(OVERFLOW, [None if row is None else _json(row) for row in rows], dtype=pl.String)


def _json(row: dict[str, str]) -> str:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    # A name may hold half a surrogate pair, which UTF-8 cannot; JSON's own escape can.
    return text if text.isascii() or text.encode("utf-8", "replace").decode("utf-8") == text else json.dumps(row, separators=(",", ":"))


def _is_sorted(frame: pl.DataFrame) -> bool:
    seconds = frame[TIME]
    if not seconds.is_sorted():
        return False
    if frame[TIME_NS].max() == 0:
        return True
    ties = (seconds == seconds.shift(1)) & (frame[TIME_NS] < frame[TIME_NS].shift(1))
    return not ties.any()
