"""Functions on text: what their examples cannot say."""

from __future__ import annotations

import csv
import random
import re
import uuid

import pytest

from tests.rules.evaluation import columnar, scalar
from transforms.rules.event import EventFailed
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule

# Letters whose cases, classes or lengths are odd, white space of all sorts, marks that engines treat in a special way.
ALPHABET = [
    *"abcXYZ019 _-.,:;$\\%&<>'\"(){}[]*+?^|=/~\t\n\r\x0b\x0c\x1c\x1f\x00\x7f", "\x85", "\xa0", "\u1680", "\u200b", "\u2003", "\u2028",
    "\u3000", "é", "ß", "ẞ", "İ", "ı", "ŉ", "ǅ", "Σ", "ς", "ﬁ", "ª", "²", "½", "Ⅷ", "٣", "五", "你", "🙂", "e\u0301", "\u0345", "ა", "Ა",
]  # fmt: skip

CALLS = [
    'str_lower(v("a"))', 'str_upper(v("a"))', 'str_capitalize(v("a"))', 'str_strip(v("a"))', 'str_lstrip(v("a"))', 'str_rstrip(v("a"))',
    'str_strip(v("a"), " aé")', 'str_rstrip(v("a"), "\\n$")', 'str_lstrip(v("a"), "")', 'str_replace(v("a"), "a", "$1\\\\1é")',
    'str_replace(v("a"), "\\\\")', 'str_replace(v("a"), "é", "", 2)', 'str_replace(v("a"), " ", "__", 1)', 'str_replace(v("a"), "a", "b", 0)',
    'str_replace(v("a"), "a", "b", -3)', 'str_startswith(v("a"), ("a", "é", ""))', 'str_startswith(v("a"), "a")', 'str_endswith(v("a"), ("\\n", "🙂"))',
    'str_endswith(v("a"), ())', 'str_find(v("a"), "a")', 'str_find(v("a"), "é")', 'str_find(v("a"), "")', 'str_count(v("a"), "a")',
    'str_count(v("a"), " ")', 'str_count(v("a"), "")', 'str_ljust(v("a"), 12, "é")', 'str_rjust(v("a"), "9")', 'str_ljust(v("a"), op_neg(3))',
    'str_translate(v("a"), "aé $", "éa$ ")', 'str_translate(v("a"), "", "")', 'str_join(" é ", v("a"), 1, v("b"))', 'str_join("", v("a"))',
    'str_format("{}-{{{}}}", v("a"), v("b"))', 'str_format("{1}{0}{1}", v("a"), true)', 'str_format("{:>5}|", v("a"))', 'str_format("x", v("a"))',
    'str_hex_escape_encode(v("a"))', 'str_isalnum(v("a"))', 'str_isalpha(v("a"))', 'str_isascii(v("a"))', 'str_isdecimal(v("a"))',
    'str_isdigit(v("a"))', 'str_isnumeric(v("a"))', 'str_islower(v("a"))', 'str_isupper(v("a"))', 'str_isprintable(v("a"))', 'str_isspace(v("a"))',
    'url_decoding(v("a"))', 'url_encoding(v("a"))', 'crc32_encoding(v("a"))', 'html_encoding(v("a"))', 'html_decoding(v("a"))', 'base64_encoding(v("a"))', 'md5_encoding(v("a"))',
    'sha1_encoding(v("a"), "SHA256")', 'base64_decoding(v("a"))', 'base64_decoding(base64_encoding(v("a")))',
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_column_forms_agree_on_random_texts(call: str) -> None:
    seeded = random.Random(call)
    logs = []
    for length in [0, 1, 1, 2, 3, 5, 8, 20] * 25:
        # Half of the texts are made of few characters, so that repetitions and texts of one class occur.
        letters = ALPHABET if seeded.random() < 0.5 else seeded.sample(ALPHABET, 2)
        logs.append({name: "".join(seeded.choices(letters, k=length)) for name in "ab"})
    logs.extend([{}, {"a": "only"}, {"b": "only"}])
    # Once all texts together, once those of ASCII alone: column forms may decline a whole batch.
    for batch in (logs, [log for log in logs if all(text.isascii() for text in log.values())]):
        got = columnar(call, batch)
        for log, value in zip(batch, got, strict=True):
            try:
                want: object = scalar(call, log)
            except EventFailed as failed:
                assert isinstance(value, EventFailed), (log, value)
                assert value.reason == failed.reason
            else:
                assert (type(value), value) == (type(want), want), log


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('str_replace(v("a"), "", v("a"))', "the most that one value may have"),
        ('str_replace(v("a"), "x", v("a"))', "the most that one value may have"),
        ('str_format("{:1000000000}", v("a"))', "the most that one value may have"),
        ('str_format("{:.1000000000f}", 1.5)', "the most that one value may have"),
        ('str_format("{0:{1}}", v("a"), 1000000000)', "the most that one value may have"),
        ('str_format("{0}{0}{0}", str_ljust(v("a"), 9000000))', "the most that one value may have"),
        ('str_zfill(v("a"), 1000000000)', "the most that one value may have"),
        ('str_center(v("a"), v("n"))', "the most that one value may have"),
        ('str_expandtabs("\\t\\t\\t", 9000000)', "the most that one value may have"),
        (12 * "str_decode(str_encode(" + 'v("a")' + 12 * ', "utf-32"), "latin-1")', "the most that one value may have"),
        ('str_join(v("a"), str_split(v("a"), ""))', "empty separator"),
        ('str_join(str_ljust("", 9000000), 1, 2, 3)', "the most that one value may have"),
    ],
)
def test_what_would_fill_the_memory_fails(call: str, message: str) -> None:
    log = {"a": "x" * 5000, "n": "1000000000000"}
    with pytest.raises((EventFailed, RuleInvalid), match=message):
        scalar(call, log)
    try:
        (value,) = columnar(call, [log])
    except RuleInvalid:
        return
    assert isinstance(value, EventFailed)
    assert message in value.reason


@pytest.mark.parametrize(
    "template", ["{0.__class__}", "{0[0]}", "{:{0.x}}", "{name}", "{", "}", "{!x}", "{} {0}", "{:{:{}}}", "{:{:{:{}}}}"]
)
def test_formats_that_are_refused_when_the_rule_is_loaded(template: str) -> None:
    with pytest.raises(RuleInvalid):
        compile_rule(f'e_set("x", str_format("{template}", v("a"), v("b"), v("c"), v("d")))')
    with pytest.raises(EventFailed):
        scalar('str_format(v("f"), v("a"))', {"f": template, "a": "x"})


def test_logstash_notation_stays_linear_on_long_blanks_and_open_quotes() -> None:
    for text in (" " * 1_000_000, '"' + "\\" * 999_999, "=>" * 300_000, '{"a' * 300_000):
        assert isinstance(scalar('str_logstash_config_normalize(v("a"))', {"a": text}), str)


def test_each_event_gets_a_uuid_of_its_own() -> None:
    found = columnar("str_uuid()", [{}] * 50)
    assert len(set(found)) == 50
    assert all(str(uuid.UUID(text)) == text for text in found)
    assert re.fullmatch("[0-9A-F-]{36}", scalar("str_uuid(lower=false)", {}))


@pytest.mark.parametrize("name", ["str_replace", "str_find", "str_rfind", "str_count", "str_startswith", "str_endswith"])
def test_optional_parameters_that_go_by_position_only(name: str) -> None:
    keyword = {"str_replace": "count", "str_find": "begin", "str_rfind": "begin"}.get(name, "start")
    with pytest.raises(RuleInvalid, match=f"takes '{keyword}' by position only"):
        compile_rule(f'e_set("x", {name}(v("a"), "b", {keyword}=1))')
    compile_rule(f'e_set("x", {name}(v("a"), "b", "1"))')


def test_both_spellings_of_the_logstash_function() -> None:
    log = {"a": '{"x" => {"y" => "=>"}}'}
    assert scalar('str_logtash_config_normalize(v("a"))', log) == scalar('str_logstash_config_normalize(v("a"))', log) == '{"x":{"y":"=>"}}'


def test_rows_of_pairs_hold_whatever_quotes_can_hold() -> None:
    assert scalar('str_zip(v("a"), v("b"))', {"a": '"x""y", z', "b": "1,2"}) == '"x""y#1",z#2'
    assert scalar('str_zip(v("a"), v("b"), sep="; ")', {"a": "1,2", "b": "3,4"}) == "1#3; 2#4"
    assert scalar('str_zip(v("a"), v("b"))', {"a": "", "b": "1"}) == ""
    assert scalar('str_zip(v("a"), v("b"))', {"a": "x" * 200_000, "b": "1"}) == "x" * 200_000 + "#1"
    with pytest.raises(EventFailed, match="cannot be read"):
        scalar('str_zip(v("a"), v("b"))', {"a": "1\n2", "b": "1"})


def test_rows_of_pairs_are_read_as_csv() -> None:
    seeded = random.Random(9)
    for _ in range(2000):
        row = "".join(seeded.choices('ab" ,,é', k=seeded.randrange(9)))
        want = next(csv.reader([row], skipinitialspace=True), [])
        got = scalar('str_zip(v("a"), v("b"), combine_sep="", sep="|", quote="")', {"a": row, "b": "," * 20})
        assert got == "|".join(want), row


@pytest.mark.parametrize(
    "template", ["{}|{:>9}|{:<6}|{}", "{3}{0:^12}{{}}{2:.1f}", "{0:08.3f}", "{:%Y-%m}", "{!r:>4}", "{:{}}", "{:>9999999}x", "none"]
)
def test_formats_are_filled_as_the_library_fills_them(template: str) -> None:
    from datetime import UTC, date, datetime

    from transforms.rules.functions.strings import _formats

    one_of_each = ["text", "é", "", 5, -2.5, True, None, date(2026, 11, 22), datetime(2026, 1, 2, tzinfo=UTC), ["a"], {"k": 1}, b"b"]
    for values in ([one_of_each[(start + step) % 12] for step in range(4)] for start in range(12)):
        outcomes = []
        for fill in (_formats.filled, lambda text, given: _formats._Formatter().vformat(text, given, {})):
            try:
                outcomes.append(fill(template, values))
            except (ValueError, TypeError) as error:
                outcomes.append(str(error))
        assert outcomes[0] == outcomes[1], (template, values)
