"""Moments, zones and intervals as users write them."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.core.errors import ParameterInvalid
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.moments import format_moment, parse_moment, parse_zone

NOW = 1_700_000_000_500_000
BERLIN = parse_zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("now", 1_700_000_000),
        ("-90s", 1_699_999_910),
        ("-15m", 1_699_999_100),
        ("-2h", 1_699_992_800),
        ("-1d", 1_699_913_600),
        ("-1w", 1_699_395_200),
        ("0", 0),
        ("-5", -5),
        ("1700000000", 1_700_000_000),
        (" 2023-11-14T22:13:20Z ", 1_700_000_000),
        ("2023-11-15T06:13:20+08:00", 1_700_000_000),
        ("2023-11-14 23:13:20", 1_700_000_000),
        ("2023-11-14 23:13:20.999", 1_700_000_000),
        ("2023-07-01", 1_688_162_400),
        ("1969-12-31T23:59:59.5Z", -1),
    ],
)
def test_a_moment(text: str, seconds: int) -> None:
    assert parse_moment(text, NOW, BERLIN) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "-3y", "2023-13-01", "1e9", "99999999999999999999"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ParameterInvalid, match="is not a time"):
        parse_moment(text, NOW, BERLIN)


@pytest.mark.parametrize(("text", "hours"), [("UTC", 0), ("z", 0), ("+08:00", 8), ("-0330", -3.5), ("+8", 8), ("Asia/Shanghai", 8)])
def test_a_zone(text: str, hours: float) -> None:
    assert dt.datetime(2026, 1, 1, tzinfo=parse_zone(text)).utcoffset() == dt.timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "Mars/Olympus", "+25:00", "+08:75", "../../etc/passwd"])
def test_what_is_no_zone(text: str) -> None:
    with pytest.raises(ParameterInvalid, match="unknown time zone"):
        parse_zone(text)


def test_a_moment_is_shown_in_the_zone_and_never_fails() -> None:
    assert format_moment(1_700_000_000, parse_zone("+08:00")) == "2023-11-15 06:13:20 +0800"
    assert format_moment(10**15, dt.UTC) == str(10**15)


def test_intervals_are_half_open() -> None:
    window = Interval(10, 20)
    assert 10 in window and 19 in window and 20 not in window
    assert window.overlaps(0, 10) and window.overlaps(19, 30) and not window.overlaps(20, 30) and not window.overlaps(0, 9)
    assert Interval.of(None, None) == ALL_TIME and ALL_TIME.unbounded
    assert Interval.of(5, None).has_start and not Interval.of(5, None).has_end
