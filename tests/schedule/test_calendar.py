"""Schedule times: rules against slow references, days on which clocks change, walks far and back."""

from __future__ import annotations

import datetime as dt
import time
from itertools import islice, pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.schedule.cron_reference import CHANGES, ZONES, cron_texts, reference
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.calendar import FixedRate, daily, hourly, weekly
from transforms.schedule.cron import parse_cron
from transforms.schedule.local_times import LAST_MOMENT, LocalTimes
from transforms.schedule.zone import schedule_zone

BERLIN = schedule_zone("Europe/Berlin")


def seconds(text: str, zone: dt.tzinfo = dt.UTC) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def shown(moments: list[int], zone: dt.tzinfo) -> list[str]:
    return [dt.datetime.fromtimestamp(moment, zone).strftime("%d %H:%M %z") for moment in moments]


@settings(max_examples=60, deadline=None)
@given(cron_texts(), st.sampled_from(ZONES), st.sampled_from(CHANGES), st.integers(0, 2 * 1_440))
def test_cron_is_what_a_clock_watcher_counts(text: str, zone_name: str, day: str, minutes: int) -> None:
    zone = schedule_zone(zone_name)
    start = seconds(day) - 86_400 + (minutes - 1_440) * 60
    within = Interval(start, start + 2 * 86_400)
    try:
        rule = LocalTimes(parse_cron(text), zone)
    except ParameterInvalid as error:
        assert error.message == "there is no such day in any year"
        assert list(reference(text, zone, within.start, within.end)) == []
        return
    expected = list(reference(text, zone, within.start, within.end))
    assert list(rule.times(within, 0)) == expected
    assert list(rule.times_back(within, 0)) == expected[::-1]


@settings(max_examples=60, deadline=None)
@given(cron_texts(), st.sampled_from(ZONES), st.integers(seconds("2016-01-01"), seconds("2040-01-01")))
def test_one_after_another_is_the_same_as_all_at_once(text: str, zone_name: str, start: int) -> None:
    try:
        rule = LocalTimes(parse_cron(text), schedule_zone(zone_name))
    except ParameterInvalid:
        assume(False)
    at_once = list(islice(rule.times(Interval(start, LAST_MOMENT), 0), 5))
    assert all(before < after for before, after in pairwise(at_once))
    stepwise = [rule.first(start)]
    while len(stepwise) < len(at_once):
        stepwise.append(rule.following(stepwise[-1] or 0))
    assert stepwise == at_once
    back = list(islice(rule.times_back(Interval(start, at_once[-1] + 1), 0), 5))
    assert back == at_once[::-1]


@given(st.integers(1, 40 * 86_400), st.integers(0, 2**31), st.integers(-(10**7), 10**7), st.integers(0, 10**6))
def test_a_fixed_rate_keeps_its_step_on_both_sides_of_the_anchor(interval: int, anchor: int, begin: int, length: int) -> None:
    rule = FixedRate(interval)
    within = Interval(anchor + begin, anchor + begin + length)
    found = list(islice(rule.times(within, anchor), 1_000))
    assert all(at in within and (at - anchor) % interval == 0 for at in found)
    assert all(after - before == interval for before, after in pairwise(found))
    if len(found) < 1_000:
        assert len(found) == -((anchor - within.end) // interval) - -((anchor - within.start) // interval)
        assert list(rule.times_back(within, anchor)) == found[::-1]


@pytest.mark.parametrize("zone_name", ZONES)
def test_every_hour_keeps_an_hour_between_in_whole_hour_zones(zone_name: str) -> None:
    start = seconds("2016-01-01")
    found = list(hourly(schedule_zone(zone_name)).times(Interval(start, start + 3 * 366 * 86_400), 0))
    steps = {after - before for before, after in pairwise(found)}
    assert steps == ({3_600, 1_800, 5_400} if zone_name == "Australia/Lord_Howe" else {3_600})


@pytest.mark.parametrize("zone_name", ZONES)
@pytest.mark.parametrize("hour", [0, 1, 2, 3, 23])
def test_daily_is_once_on_every_day(zone_name: str, hour: int) -> None:
    zone = schedule_zone(zone_name)
    start = seconds("2016-01-01", zone)
    found = list(daily(hour, zone).times(Interval(start, seconds("2026-01-01", zone)), 0))
    assert len(found) == (dt.date(2026, 1, 1) - dt.date(2016, 1, 1)).days
    assert all(22 * 3_600 <= after - before <= 26 * 3_600 for before, after in pairwise(found))


def test_a_skipped_time_comes_when_it_would_have() -> None:
    rule = LocalTimes(parse_cron("30 2 * * *"), BERLIN)
    found = list(rule.times(Interval(seconds("2021-03-27", BERLIN), seconds("2021-03-30", BERLIN)), 0))
    assert shown(found, BERLIN) == ["27 02:30 +0100", "28 03:30 +0200", "29 02:30 +0200"]


def test_a_time_that_comes_twice_counts_once_unless_every_hour_counts() -> None:
    night = Interval(seconds("2021-10-31T01:00", BERLIN), seconds("2021-10-31T04:00", BERLIN))
    once = LocalTimes(parse_cron("30 2,3 * * *"), BERLIN)
    assert shown(list(once.times(night, 0)), BERLIN) == ["31 02:30 +0200", "31 03:30 +0100"]
    pace = LocalTimes(parse_cron("30 * * * *"), BERLIN)
    assert shown(list(pace.times(night, 0)), BERLIN) == ["31 01:30 +0200", "31 02:30 +0200", "31 02:30 +0100", "31 03:30 +0100"]


def test_a_day_that_was_left_out_has_its_time_on_the_next() -> None:
    apia = schedule_zone("Pacific/Apia")
    found = list(daily(8, apia).times(Interval(seconds("2011-12-29", apia), seconds("2012-01-02", apia)), 0))
    assert shown(found, apia) == ["29 08:00 -1000", "31 08:00 +1400", "01 08:00 +1400"]


def test_weeks_begin_with_sunday() -> None:
    zone = schedule_zone("+0800")
    found = list(islice(weekly(0, 3, zone).times(Interval(seconds("2021-04-01", zone), LAST_MOMENT), 0), 2))
    assert shown(found, zone) == ["04 03:00 +0800", "11 03:00 +0800"]
    assert parse_cron("0 3 * * 7").weekdays == parse_cron("0 3 * * 0").weekdays == {0}
    assert parse_cron("0 3 * * 5-7").weekdays == {5, 6, 0}
    assert parse_cron("0 3 * * 2/2").weekdays == {2, 4, 6}


def test_both_days_limited_means_either() -> None:
    rule = LocalTimes(parse_cron("0 0 13 * 5"), dt.UTC)
    found = list(rule.times(Interval(seconds("2021-08-01"), seconds("2021-08-21")), 0))
    assert shown(found, dt.UTC) == ["06 00:00 +0000", "13 00:00 +0000", "20 00:00 +0000"]


def test_rare_times_are_found_quickly_and_the_calendar_ends() -> None:
    began = time.process_time()
    leap = LocalTimes(parse_cron("0 0 29 2 *"), BERLIN)
    assert dt.datetime.fromtimestamp(leap.following(seconds("2096-03-01")) or 0, BERLIN).isoformat() == "2104-02-29T00:00:00+01:00"
    assert leap.first(LAST_MOMENT - 86_400) is None
    assert FixedRate(60).following(LAST_MOMENT - 30) is None
    last = next(LocalTimes(parse_cron("* * * * *"), BERLIN).times_back(Interval(0, LAST_MOMENT), 0))
    assert last == LAST_MOMENT - 60
    assert time.process_time() - began < 1


@pytest.mark.parametrize("text", ["", "* * * *", "0 * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *",
                                  "a * * * *", "1,,2 * * * *", "5-1 * * * *", "1-2-3 * * * *", "? * * * *", "0 0 31 2 *", "0 0 30-31 2 *",
                                  "-1 * * * *", "99999 * * * *", "1. * * * *", "٣ * * * *"])  # fmt: skip
def test_other_texts_are_refused_with_a_place(text: str) -> None:
    with pytest.raises(ParameterInvalid) as caught:
        parse_cron(text)
    assert caught.value.location is not None
    assert caught.value.hint


@pytest.mark.parametrize("text", ["+08", "+1500", "-1300", "+0815", "8", "+8:00", "Mars/Base", "../etc/passwd", "+080", "+-0800"])
def test_other_zones_are_refused(text: str) -> None:
    with pytest.raises(ParameterInvalid):
        schedule_zone(text)


def test_zones_as_the_service_writes_them() -> None:
    assert schedule_zone("") == schedule_zone("+0800") == schedule_zone("+08:00") == dt.timezone(dt.timedelta(hours=8))
    assert schedule_zone("-0330") == dt.timezone(-dt.timedelta(hours=3, minutes=30))
    assert schedule_zone("+0545") == dt.timezone(dt.timedelta(hours=5, minutes=45))
