"""Cron, slowly: every minute is asked whether it counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from hypothesis import strategies as st

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))

ZONES = (
    "+0800", "-0330", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
    "Africa/Cairo", "Pacific/Apia", "America/Nuuk", "UTC",
)  # fmt: skip

CHANGES = (
    "2011-12-30", "2016-10-16", "2018-02-17", "2021-03-14", "2021-03-28", "2021-04-03", "2021-10-03", "2021-10-31", "2021-11-07",
    "2023-04-28", "2024-03-31", "2024-10-27", "2024-02-29", "2022-07-10",
)  # fmt: skip
"""Days on which, or near which, clocks change in one of the zones; and two others."""


@st.composite
def cron_texts(draw: st.DrawFn) -> str:
    return " ".join(draw(_field(low, high)) for low, high in RANGES)


@st.composite
def _field(draw: st.DrawFn, low: int, high: int) -> str:
    if draw(st.booleans()):
        return "*"
    return ",".join(draw(st.lists(_part(low, high), min_size=1, max_size=3)))


@st.composite
def _part(draw: st.DrawFn, low: int, high: int) -> str:
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    step = draw(st.integers(1, 30))
    return draw(st.sampled_from([f"{first}", f"{first}-{last}", f"*/{step}", f"{first}/{step}", f"{first}-{last}/{step}"]))


def reference(text: str, zone: dt.tzinfo, start: int, end: int) -> Iterator[int]:
    """The schedule times in ``[start, end)``; both are whole minutes. Clocks change by at most a day."""
    fields = [_allowed(part, low, high) for part, (low, high) in zip(text.split(), RANGES, strict=True)]
    every_hour = len(fields[1]) == 24
    before, old, skipped_until = None, dt.timedelta(0), 0
    for at in range(start - 2 * 86_400, end, 60):
        shown = dt.datetime.fromtimestamp(at, zone)
        offset = shown.utcoffset()
        assert offset is not None
        if before is not None and offset > before:
            skipped_until, old = at + int((offset - before).total_seconds()), before
        counts = _matches(fields, shown) and (shown.fold == 0 or every_hour)
        if at < skipped_until:
            # What the clock would have shown had it not been put forward.
            counts = counts or _matches(fields, dt.datetime.fromtimestamp(at, dt.timezone(old)))
        if counts and at >= start:
            yield at
        before = offset


def _allowed(text: str, low: int, high: int) -> set[int]:
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin = low if first == "*" else int(first)
        stop = int(last) if dash else high if first == "*" or step else begin
        found |= {value for value in range(low, high + 1) if begin <= value <= stop and (value - begin) % int(step or 1) == 0}
    return found


def _matches(fields: list[set[int]], shown: dt.datetime) -> bool:
    minute, hour, day, month, weekday = fields
    by_day, by_week = shown.day in day, (shown.weekday() + 1) % 7 in weekday
    both_limited = len(day) < 31 and len(weekday) < 7
    return (
        shown.minute in minute
        and shown.hour in hour
        and shown.month in month
        and ((by_day or by_week) if both_limited else (by_day and by_week))
    )
