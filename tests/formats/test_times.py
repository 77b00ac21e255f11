"""Times: formats, zones, fractions, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.errors import ParameterInvalid
from transforms.formats.times import NANOSECONDS, SECONDS, TimeFormat, zone_of


def read(format: str, *texts: str | None, zone: str = "UTC") -> list[tuple[int | None, int | None]]:
    return TimeFormat(format, zone_of(zone)).read(pl.Series(texts, dtype=pl.String)).rows()


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        ("epoch-s", "1700000000", (1_700_000_000, 0)),
        ("epoch-s", "1700000000.123456789", (1_700_000_000, 123_456_789)),
        ("epoch-s", "-1.25", (-2, 750_000_000)),
        ("epoch-s", "-0.0000000001", (-1, 999_999_999)),
        ("epoch-ms", "1700000000123", (1_700_000_000, 123_000_000)),
        ("epoch-ms", "-1", (-1, 999_000_000)),
        ("epoch-us", "1700000000123456", (1_700_000_000, 123_456_000)),
        ("epoch-ns", "1700000000123456789", (1_700_000_000, 123_456_789)),
        ("iso8601", "2024-02-29T12:00:00Z", (1_709_208_000, 0)),
        ("iso8601", "2024-01-01 10:11:12.123456789+08:00", (1_704_075_072, 123_456_789)),
        ("iso8601", "20240101T101112-0330", (1_704_116_472, 0)),
        ("iso8601", "2024-12-31T23:59:60Z", (1_735_689_600, 0)),
        ("%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:13:55:36 -0700", (971_211_336, 0)),
        ("%m/%d/%y %I:%M:%S.%f %p", "10/11/24 12:05:06.25 AM", (1_728_605_106, 250_000_000)),
        ("%Y-%m-%d %I %p", "2024-01-01 12 PM", (1_704_110_400, 0)),
        ("%a %B %e %T %Y", "Mon January  1 10:00:00 2024", (1_704_103_200, 0)),
        ("auto", "1700000000123456", (1_700_000_000, 123_456_000)),
        ("auto", "2023-11-14T22:13:20Z", (1_700_000_000, 0)),
    ],
)
def test_reads(format: str, text: str, expected: tuple[int, int]) -> None:
    assert read(format, text) == [expected]
    assert read(format, None, text, "bogus") == [(None, None), expected, (None, None)]


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("epoch-s", ""), ("epoch-s", "1e9"), ("epoch-s", "+1"), ("epoch-s", "999999999999"), ("epoch-s", "1_0"),
        ("iso8601", "2023-02-29"), ("iso8601", "2024-13-01"), ("iso8601", "2024-01-01T24:00:00Z"), ("iso8601", "2024-01-01T00:00:61Z"),
        ("%d/%b/%Y", "10/Foo/2000"), ("%Y %I", "2024 13"), ("auto", "12"), ("auto", "soon"),
    ],
)  # fmt: skip
def test_refuses(format: str, text: str) -> None:
    assert read(format, text) == [(None, None)]
    assert read(format, text, "x") == [(None, None)] * 2


def test_zones_with_changing_offsets() -> None:
    gap, twice, summer, winter = read(
        "iso8601", "2024-03-31T02:30:00", "2024-10-27T02:30:00", "2024-07-01T00:00:00", "2024-01-01T00:00:00", zone="Europe/Paris"
    )
    assert gap[0] == datetime(2024, 3, 31, 1, 30, tzinfo=UTC).timestamp()
    assert twice[0] == datetime(2024, 10, 27, 0, 30, tzinfo=UTC).timestamp()
    assert summer[0] == datetime(2024, 6, 30, 22, tzinfo=UTC).timestamp()
    assert winter[0] == datetime(2023, 12, 31, 23, tzinfo=UTC).timestamp()
    assert read("iso8601", "2024-07-01T00:00:00Z", zone="Europe/Paris") == [(1_719_792_000, 0)]
    assert read("iso8601", "2024-07-01T00:00:00", zone="-03:30") == [(1_719_804_600, 0)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)), min_size=1))
def test_calendar_equals_the_standard_library(moments: list[datetime]) -> None:
    found = read("iso8601", *(moment.isoformat() for moment in moments))
    assert found == [
        ((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1), moment.microsecond * 1_000) for moment in moments
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(10**18), 10**18), min_size=1))
def test_epochs_are_exact(values: list[int]) -> None:
    assert read("epoch-ns", *map(str, values)) == [divmod(value, 10**9) for value in values]


@pytest.mark.parametrize("format", ["%H:%M", "%Y %Q", "%Y %Y", "nonsense"])
def test_formats_that_cannot_work(format: str) -> None:
    with pytest.raises(ParameterInvalid):
        TimeFormat(format)


def test_unknown_zone_names_the_nearest() -> None:
    with pytest.raises(ParameterInvalid) as caught:
        zone_of("Europe/Pariss")
    assert "Europe/Paris" in str(caught.value.hint)


def test_columns() -> None:
    frame = TimeFormat("auto").read(pl.Series([], dtype=pl.String))
    assert frame.schema == {SECONDS: pl.Int64, NANOSECONDS: pl.Int32}
