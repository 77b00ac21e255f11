"""Times by columns: batches of times of one shape, with others strewn in, give what single events give."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from transforms.core.clock import FixedClock
from transforms.rules.context import Context
from transforms.rules.expressions import CallExpression
from transforms.rules.rule import compile_rule

CONTEXT = Context(clock=FixedClock(1_700_000_000_123_456))
SHAPES = [
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S+08:00", "%Y-%m-%d %H:%M:%S-0330",
    "%d/%b/%Y:%H:%M:%S +0800", "%d/%b/%Y:%H:%M:%S %z", "%Y/%m/%d %H-%M-%S", "%a %d %b %Y", "%Y%m%d%H%M%S", "%s",
]  # fmt: skip
ODD = [
    None, "", " ", "2019-02-30 10:00:00", "2019-02-29 10:00:00", "0001-01-01 00:00:00", "0999-12-31 23:59:59", "9999-12-31 23:59:59", "9999-12-31T23:59:59-01:00",
    "1969-12-31 23:59:59", "1972-12-31 23:59:59", "1900-01-01 00:00:00", "2019-06-03 24:00:00", "2019-06-03 23:59:60", "2019-6-3 2:41:26", "2019-06-03",
    "2019-06-03T02:41:26Z", "2019-06-03 02:41:26+14:59", "2019-06-03 02:41:26+15:00", "2019-06-03 02:41:26,5", "2019-06-03 02:41:26.1234567", "x", "0", "-1", "1.5",
    "99999999999", "253402300799", "253402300800", "1562741899000", " 1559500886 ", "+5", "٣", "2019-11-03 01:30:00", "2019-03-10 02:30:00", "1572759000", "1572762600",
    "10/jun/2019:11:32:16 +0800", "10/Jun/2019:11:32:16 +08:00", "30/Feb/2019:11:32:16 +0800", "10/Jun/2019:11:32:16", "3 Jun 2019 02:41", "2019-06-03 02:41:26\n", "1e3",
]  # fmt: skip
ZONES = ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]
TIMES = [
    'dt_parse(v("t"))', 'dt_parse(v("t"), tz="{zone}")', 'dt_strptime(v("t"), "{shape}")', 'dt_fromtimestamp(v("t"))', 'dt_fromtimestamp(v("t"), "{zone}")',
    'dt_utcfromtimestamp(v("t"))',
]  # fmt: skip
RULES = [
    *TIMES, 'dt_parsetimestamp(v("t"))', 'dt_parsetimestamp(v("t"), "{zone}")', 'dt_str(v("t"))', 'dt_str(v("t"), tz="{zone}")', 'dt_str(v("t"), "%F %T.%f|%z|%j %a %b")',
    'dt_str(v("t"), "%d.%m.%y %I%p %%", "{zone}")', 'dt_strftimestamp(v("t"), "%Y/%m/%d %H-%M-%S")', 'dt_strftimestamp(v("t"), "%B %e, %A", "{zone}")',
    'dt_strftimestamp(v("t"), "%T %z", "{zone}")',
    *(f'dt_truncate(v("t"), "{unit}")' for unit in ("second", "5_minute", "7_minute", "hour", "day", "week", "month", "quarter", "year")),
    *(f'dt_diff(v("t"), "2010-01-01", "{unit}", "{way}")' for unit, way in (("day", "floor"), ("hours", "int"), ("week", "ceil"), ("minute", "round"))),
    'dt_diff(v("t"), v("t"))', 'dt_astimezone(v("t"), "{zone}")', 'dt_astimezone(v("t"), "{zone}", true)', 'dt_totimestamp(dt_astimezone(v("t"), "{zone}"))',
    *(call.replace("TIME", time) for time in TIMES for call in ("dt_totimestamp(TIME)", 'dt_strftime(TIME, "%F %T.%f")', "dt_parsetimestamp(TIME)", 'dt_str(TIME, tz="{zone}")', 'dt_truncate(TIME, "hour")')),
]  # fmt: skip


def _batch(shape: str, seeded: random.Random) -> list[dict[str, str]]:
    moments = [
        dt.datetime(1990, 1, 1)
        + dt.timedelta(microseconds=seeded.randrange(40 * 365 * 86_400) * 10**6 + seeded.choice([0, 120_000, 999_999]))
        for _ in range(60)
    ]
    moments += [dt.datetime(2019, 11, 3, hour, minute) for hour in (4, 5, 6, 7) for minute in (0, 30, 59)]  # New York turns the clock back
    values: list[str | None] = [
        str(int(moment.replace(tzinfo=dt.UTC).timestamp()))
        if shape == "%s"
        else moment.replace(tzinfo=dt.UTC if "%z" in shape else None).strftime(shape)
        for moment in moments
    ]
    values += seeded.choice([[], ODD, seeded.sample(ODD, 5)])
    seeded.shuffle(values)
    return [{"~number": str(number)} | ({} if value is None else {"t": value}) for number, value in enumerate(values)]


@pytest.mark.parametrize("template", RULES)
def test_columns_give_what_single_events_give(template: str) -> None:
    seeded = random.Random(template)
    for shape in seeded.sample(SHAPES, 6):
        text = template.replace("{zone}", seeded.choice(ZONES)).replace("{shape}", shape if shape != "%s" else "%Y")
        rule = compile_rule(f'e_set("x", {text})')
        logs = _batch(shape, seeded)
        batch, single = rule.run_logs(logs, CONTEXT), rule.run_events(logs, CONTEXT)
        assert {row: one.reason for row, one in batch.failures.items()} == {row: one.reason for row, one in single.failures.items()}
        assert sorted(map(repr, batch.targets.get("default", []))) == sorted(map(repr, single.targets.get("default", []))), (text, shape)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('dt_parsetimestamp(v("t"))', "2019-06-03T02:41:26.5Z"),
        ('dt_str(v("t"), "%d %b %Y", "Asia/Shanghai")', "2019-06-03 02:41:26"),
        ('dt_totimestamp(dt_strptime(v("t"), "%d/%b/%Y:%H:%M:%S %z"))', "10/Jun/2019:11:32:16 +0800"),
        ('dt_strftimestamp(v("t"), "%F %T", "Asia/Shanghai")', "1559500886"),
        ("dt_strftime(dt_fromtimestamp(v(\"t\")), '%Y%m%d')", "1559500886"),
    ],
)
def test_what_logs_often_hold_is_done_by_columns(text: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scalar form is not asked at all."""
    rule = compile_rule(f'e_set("x", {text})')

    def never(*_: object) -> None:
        raise AssertionError("by rows")

    monkeypatch.setattr(CallExpression, "_by_rows", never)
    result = rule.run_logs([{"t": value}] * 3, CONTEXT)
    assert len(result.targets["default"]) == 3


def test_the_second_of_two_equal_hours_stays_the_second() -> None:
    rule = compile_rule('e_set("x", dt_diff(dt_fromtimestamp(v("t"), "America/New_York"), "1970-01-01"))')
    logs = [{"t": str(seconds)} for seconds in (1572759000, 1572762600)]
    assert [log["x"] for log in rule.run_logs(logs, CONTEXT).targets["default"]] == ["1572759000", "1572762600"]
