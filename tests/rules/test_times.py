"""Times: the codes against Python's own, the quick reading against the lenient one, zones and the calendar's edges."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.evaluation import scalar
from transforms.core.clock import FixedClock
from transforms.rules.context import Context
from transforms.rules.event import EventFailed
from transforms.rules.functions.times import _moments
from transforms.rules.functions.times._strftime import TimeFormat
from transforms.rules.functions.times._strptime import ReadFormat
from transforms.rules.functions.times._zones import Zone

CLOCK = FixedClock(1_700_000_000_123_456)  # 2023-11-14 22:13:20.123456 UTC, a Tuesday
CONTEXT = Context(clock=CLOCK)
MOMENTS = st.datetimes(
    min_value=dt.datetime(1000, 1, 1),
    max_value=dt.datetime(9999, 12, 30),
    timezones=st.none()
    | st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-3, minutes=-30)), dt.timezone(dt.timedelta(seconds=20_043))]),
)


def value(text: str, **log: str) -> Any:
    return scalar(text, log, CONTEXT)


@given(MOMENTS, st.lists(st.sampled_from([*"aAwdbBmyYHIpMSfzZjUWGuVFTDRkle", "%"]), min_size=1, max_size=5))
def test_it_writes_what_python_writes(moment: dt.datetime, codes: list[str]) -> None:
    text = " ".join(f"%{code}" for code in codes)
    assert TimeFormat.of(text).write(moment) == moment.strftime(text)


@given(MOMENTS)
def test_c_x_and_the_rest_are_those_of_the_c_locale(moment: dt.datetime) -> None:
    assert TimeFormat.of("%c|%x|%X|%n|%t").write(moment) == moment.strftime("%a %b %e %H:%M:%S %Y|%m/%d/%y|%H:%M:%S|\n|\t")


def test_years_have_four_digits_on_every_machine() -> None:
    assert TimeFormat.of("%Y %G %F %C").write(dt.datetime(7, 1, 2)) == "0007 0007 0007-01-02 00"


FORMATS = [
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f%z", "%d/%b/%Y:%H:%M:%S %z", "%a, %d %B %Y %I:%M %p", "%y%m%d%H%M%S", "%Y %j", "%Y %U %w",
    "%Y %W %a", "%G-W%V-%u", "%c", "%x %X", "%A %d. %b %y", "%H%M", "%Y %U %A", "%I %p", "%H:%M %Z", "%m/%d/%Y%%", "%u %d",
]  # fmt: skip


@given(MOMENTS, st.sampled_from(FORMATS))
def test_it_reads_what_python_reads(moment: dt.datetime, text: str) -> None:
    written = moment.replace(tzinfo=moment.tzinfo or dt.UTC).strftime(text).replace("UTC-03:30", "utc").replace("UTC+05:34:03", "gmt")
    assert ReadFormat.of(text).read(written) == dt.datetime.strptime(written, text)


@given(st.text("0123456789:-/ TZ+.apmJunMoFri", max_size=24), st.sampled_from(FORMATS))
def test_it_refuses_what_python_refuses(text: str, form: str) -> None:
    try:
        wanted: Any = dt.datetime.strptime(text, form)
    except ValueError as error:
        wanted = str(error)
    try:
        found: Any = ReadFormat.of(form).read(text)
    except ValueError as error:
        found = str(error)
    if ".%f" in form and isinstance(wanted, str):
        return  # a fraction without digits is fine here
    assert found == wanted


@pytest.mark.parametrize("text", ["%Y %Y", "%", "%Y-%", "%Q", "%G-W%V", "%V", "%Y %V %a", "%G %j %V %u", "x" * 1001])
def test_formats_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"format|code|%"):
        ReadFormat.of(text)


@given(MOMENTS, st.sampled_from([" ", "T"]), st.sampled_from("-/"), st.booleans(), st.integers(0, 6))
def test_the_quick_reading_is_the_lenient_one(moment: dt.datetime, between: str, mark: str, padded: bool, digits: int) -> None:
    pad = "02" if padded else ""
    text = f"{moment.year:04}{mark}{moment.month:{pad}}{mark}{moment.day:{pad}}{between}{moment.hour:{pad}}:{moment.minute:{pad}}:{moment.second:{pad}}"
    if digits:
        text += "." + f"{moment.microsecond:06}"[:digits]
    offset = moment.utcoffset()
    if offset is not None and not offset.seconds % 60:
        text += "Z" if not offset else "-03:30"
    assert _moments._PLAIN.fullmatch(text)
    quick, lenient = _moments._read(text, CLOCK), _moments._read_leniently(text, CLOCK)
    assert (quick, quick.utcoffset()) == (lenient, lenient.utcoffset())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("20191011", dt.datetime(1970, 8, 22, 16, 36, 51)),
        ("+1559500886.25", dt.datetime(2019, 6, 2, 18, 41, 26, 250000)),
        ("-0.0000001", dt.datetime(1969, 12, 31, 23, 59, 59, 999999)),
        ("10/11/2019", dt.datetime(2019, 10, 11)),
        ("2019/10/11", dt.datetime(2019, 10, 11)),
        ("13/11/2019", dt.datetime(2019, 11, 13)),
        ("2018-10-2 9:1:3,5", dt.datetime(2018, 10, 2, 9, 1, 3, 500000)),
        ("10:00:00", dt.datetime(2023, 11, 14, 10)),
        ("Jun 3 02:41", dt.datetime(2023, 6, 3, 2, 41)),
        ("Mon, 03 Jun 2019 02:41:26 EST", dt.datetime(2019, 6, 3, 2, 41, 26)),
        ("3/4/72", dt.datetime(2072, 3, 4)),
        ("3/4/73", dt.datetime(1973, 3, 4)),
    ],
)
def test_texts_that_are_times(text: str, wanted: dt.datetime) -> None:
    assert value('dt_parse(v("t"))', t=text) == wanted


@pytest.mark.parametrize(
    "text", ["2019-06-03 02:41:26+08:00", "2019-06-03T02:41:26+0800", "2019-06-03 02:41:26 +8:00", "2019-06-03 02:41:26.000+08"]
)
def test_offsets(text: str) -> None:
    assert value('dt_parsetimestamp(v("t"))', t=text) == 1559500886


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "1562741899000", "9" * 40, "x" * 3000, "2019-06-03 02:41:26 +99:00", "2019-02-30", "nan", "1" * 5000]
)
def test_texts_that_are_none(text: str) -> None:
    with pytest.raises(EventFailed, match="Detail: "):
        value('dt_parse(v("t"))', t=text)


def test_the_clock_is_the_jobs() -> None:
    assert value("dt_now()") == dt.datetime(2023, 11, 14, 22, 13, 20, 123456)
    assert value('dt_str(dt_now("Asia/Shanghai"))') == "2023-11-15 06:13:20.123456+08:00"
    assert value('dt_today("Asia/Shanghai")') == dt.date(2023, 11, 15)
    assert type(value("dt_today()")) is dt.date
    assert value("dt_parsetimestamp(dt_today())") == 1699920000
    assert value("dt_utcnow()") == value("dt_now()")
    assert value("dt_currentstamp()") == 1_700_000_000


def test_clocks_that_skip_or_repeat_an_hour() -> None:
    zone = "America/New_York"
    assert value(f'dt_parsetimestamp("2019-03-10 02:30:00", "{zone}")') == 1552203000, "skipped: the offset before the change"
    assert value(f'dt_parsetimestamp("2019-11-03 01:30:00", "{zone}")') == 1572759000, "repeated: the first"
    assert value(f'dt_diff(dt_parse("2019-03-10 12:00", "{zone}"), dt_parse("2019-03-09 12:00", "{zone}"), "hour")') == 23
    assert value(f'dt_str(dt_truncate(dt_parse("2019-07-01 12:00", "{zone}"), "year"))') == "2019-01-01 00:00:00-05:00"


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("second", "2019-08-17 14:47:59"), ("minute", "2019-08-17 14:47:00"), ("5_minute", "2019-08-17 14:45:00"), ("hour", "2019-08-17 14:00:00"),
        ("40_minute", "2019-08-17 14:40:00"), ("day", "2019-08-17 00:00:00"), ("week", "2019-08-12 00:00:00"), ("month", "2019-08-01 00:00:00"),
        ("quarter", "2019-07-01 00:00:00"), ("half_year", "2019-07-01 00:00:00"), ("YEAR", "2019-01-01 00:00:00"),
    ],
)  # fmt: skip
def test_truncation(unit: str, wanted: str) -> None:
    assert value(f'dt_str(dt_truncate("2019-08-17 14:47:59.9", "{unit}"))') == wanted


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("year=2019", "2019-02-28 10:00:00"),
        ("years=-1", "2019-02-28 10:00:00"),
        ("months=12, hours=-1", "2021-02-28 09:00:00"),
        ("hours=25, minutes=61", "2020-03-01 12:01:00"),
        ("month=2, day=31", "2020-02-29 10:00:00"),
        ("week=1, weeks=1", "2020-03-14 10:00:00"),
        ("microseconds=-1", "2020-02-29 09:59:59.999999"),
        ("weekday=dt_SA(1)", "2020-02-29 10:00:00"),
        ("weekday=dt_SA(2)", "2020-03-07 10:00:00"),
        ("weekday=dt_FR(-1)", "2020-02-28 10:00:00"),
        ("weekday=dt_SA(-2)", "2020-02-22 10:00:00"),
        ('dt1="2020-03-01", dt2="2020-02-01T00:00:00Z"', "2020-03-29 10:00:00"),
        ('dt1="2020-03-01"', "2020-02-29 10:00:00"),
        ("", "2020-02-29 10:00:00"),
    ],
)
def test_moving_a_time(arguments: str, wanted: str) -> None:
    arguments = arguments.replace("-1", "op_neg(1)").replace("(-2)", "(op_neg(2))") if '"' not in arguments else arguments
    assert value(f'dt_str(dt_add("2020-02-29 10:00"{arguments and ", " + arguments}))') == wanted


@pytest.mark.parametrize(
    "arguments", ["years=8000", "days=10000000", "days=99999999999999999999", "month=13", "day=0", 'weekday="MO"', "hours=1.5"]
)
def test_times_cannot_be_moved_out_of_the_calendar(arguments: str) -> None:
    with pytest.raises(Exception, match=r"range|from|takes|integer|added"):
        value(f'dt_add(v("t"), {arguments})', t="2020-02-29")


@pytest.mark.parametrize(("rounding", "wanted"), [("floor", -2), ("int", -1), ("round", -2), ("ceil", -1)])
def test_differences_are_rounded_as_asked(rounding: str, wanted: int) -> None:
    assert value(f'dt_diff("0", "90", "minutes", "{rounding}")') == wanted


@pytest.mark.parametrize(
    "name", ["UTC", "PRC", "Asia/Calcutta", "US/Pacific", "Etc/GMT+3", "Antarctica/Troll", "America/Argentina/Buenos_Aires"]
)
def test_zones(name: str) -> None:
    from zoneinfo import ZoneInfo

    zone = Zone.of(name)
    assert pickle.loads(pickle.dumps(zone)) is zone
    for moment in (dt.datetime(2019, 1, 1), dt.datetime(2019, 7, 1)):
        assert moment.replace(tzinfo=zone.tzinfo).utcoffset() == moment.replace(tzinfo=ZoneInfo(name)).utcoffset()


@pytest.mark.parametrize("name", ["", "asia/shanghai", "+08:00", "../zones", "/etc/passwd", "Asia", "CET-1"])
def test_names_that_are_no_zones(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        Zone.of(name)


def test_formats_survive_pickling() -> None:
    for one in (TimeFormat.of("%Y"), ReadFormat.of("%Y")):
        assert pickle.loads(pickle.dumps(one)) is one


PROGRAM = """
import locale
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
from tests.rules.test_times import value
print(value('dt_str("Mon Jun 3 02:41:26 CST 2019")'), value('dt_str("1559500886", "%a %b %c %x %X %p %Z|%s")'), value('dt_str("0", tz="Asia/Shanghai")'),
      value('dt_str(dt_strptime("tue 4 june 2019 pm", "%a %d %B %Y %p"), "%A")'), value('dt_parsetimestamp("2019-06-03 02:41:26 CST")'))
"""


def test_neither_the_machines_zone_nor_its_language_matters() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env={**os.environ, "TZ": zone, "LC_ALL": language}, capture_output=True, text=True, check=True
        ).stdout
        for zone, language in (("UTC", "C"), ("Asia/Shanghai", "C.UTF-8"), ("CST6CDT", "de_DE.UTF-8"))
    }
    assert len(outputs) == 1, outputs
