"""Window expressions: their values, that windows join, what is refused."""

from __future__ import annotations

import datetime as dt
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.calendar import FixedRate
from transforms.schedule.sql_time_window import SqlTimeWindow, parse_expression

BASE = 1_619_922_225
"""2021-05-02 10:23:45 at +08:00."""
ZONE = dt.timezone(dt.timedelta(hours=8))


def value(text: str, base: int = BASE) -> str:
    return dt.datetime.fromtimestamp(parse_expression(text).at(base), ZONE).strftime("%d %H:%M:%S")


@pytest.mark.parametrize(("text", "expected"), [
    ("@h-1h", "02 09:00:00"), ("-1h@h", "02 09:00:00"), ("@h-30m", "02 09:30:00"), ("-30m@h", "02 09:00:00"), ("-15m@h", "02 10:00:00"),
    ("-90s@m", "02 10:22:00"), ("@m-2m+30s", "02 10:21:30"), ("-h", "02 09:23:45"), ("", "02 10:23:45"), ("  ", "02 10:23:45"),
    ("@m - 10m", "02 10:13:00"), ("- 10 m", "02 10:13:45"), ("-1hour", "02 09:23:45"), ("-0s", "02 10:23:45"), ("@second+2minute@hour", "02 10:00:00"),
    ("+s", "02 10:23:46"), ("-24h@h", "01 10:00:00"), ("@h@m@s", "02 10:00:00"), ("\t@h\n-m", "02 09:59:00"),
])  # fmt: skip
def test_steps_are_taken_from_left_to_right(text: str, expected: str) -> None:
    assert value(text) == expected


@pytest.mark.parametrize("text", ["now", "now-1h", "@", "@x", "-", "-5", "5m", "m", "-5d", "-5w", "@d", "@hm", "-5M", "--5m", "-5.5m", "@10m",
                                  "@h,", "-9999999999s", "@h 5m", "−5m", "-٣m"])  # fmt: skip
def test_other_texts_are_refused_with_a_place(text: str) -> None:
    with pytest.raises(ParameterInvalid) as caught:
        parse_expression(text)
    place = caught.value.location
    assert place is not None and place.text == text and 0 <= place.start < place.end <= len(text)
    assert caught.value.hint


@given(st.text(alphabet="+-@0123456789hms dx", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = parse_expression(text)
    except ParameterInvalid as error:
        assert error.location is not None
    else:
        assert parse_expression(text.replace(" ", "")).steps == parsed.steps


STEPS = st.lists(st.sampled_from(["@h", "@m", "@s", "-5m", "+30s", "-2h", "-h", "+90m"]), max_size=4).map("".join)


@given(STEPS, st.integers(0, 2**33), st.integers(-(10**5), 10**5))
def test_an_expression_moves_along_with_whole_hours(text: str, base: int, hours: int) -> None:
    parsed = parse_expression(text)
    assert parsed.at(base + 3_600 * hours) == parsed.at(base) + 3_600 * hours


@given(st.sampled_from([(60, "m"), (3_600, "h"), (1, "s")]), st.integers(1, 120), st.integers(0, 10), st.integers(1_460_000_000, 2**33))
def test_windows_of_an_aligned_task_touch_and_never_overlap(unit: tuple[int, str], count: int, ago: int, start: int) -> None:
    seconds, name = unit
    window = SqlTimeWindow(parse_expression(f"@{name}-{ago}{name}-{count}{name}"), parse_expression(f"@{name}-{ago}{name}"))
    rule = FixedRate(count * seconds)
    windows = [window.at(at) for at in islice(rule.times(Interval(start, start + 10**9), start), 200)]
    assert all(before.end == after.start for before, after in pairwise(windows))
    assert sum(one.end - one.start for one in windows) == windows[-1].end - windows[0].start == 200 * count * seconds


@pytest.mark.parametrize(("start", "end", "problem"), [
    ("@m-1m", "@m", None), ("-24h@h", "@h", None), ("-24h", "", None), ("-60s", "", None),
    ("-59s", "", "59s long, shorter than a minute"), ("-24h", "+1s", "24h 1s long, longer than 24 hours"), ("", "", "is empty"), ("", "-1m", "is empty"),
])  # fmt: skip
def test_lengths(start: str, end: str, problem: str | None) -> None:
    found = SqlTimeWindow(parse_expression(start), parse_expression(end)).problem_at(BASE, ZONE)
    assert (found is None) if problem is None else (found is not None and problem in found)
