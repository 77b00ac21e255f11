"""The column parser of JSON lines gives what the exact parser gives, whatever the lines are."""

from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.field_columns import field_of
from transforms.formats import json_lines, json_shape, line_index
from transforms.formats.json_lines import JsonLines
from transforms.formats.json_object import NotALog, parse_object
from transforms.formats.json_shape import shape_of
from transforms.formats.records import ROW, Chunk

LIMIT = 1 << 20


def by_columns(data: bytes) -> tuple[dict[int, dict[str, str]], dict[int, str]]:
    parsed = JsonLines(LIMIT).parse(Chunk(data, 0, 1))
    logs: dict[int, dict[str, str]] = {}
    for frame in parsed.frames:
        for record in frame.iter_rows(named=True):
            row = record.pop(ROW)
            assert row not in logs, "a line in two frames"
            logs[row] = {field_of(column): value for column, value in record.items() if value is not None}
    return logs, {bad.row: bad.reason for bad in parsed.bad}


def one_by_one(lines: list[str]) -> tuple[dict[int, dict[str, str]], dict[int, str]]:
    logs, bad = {}, {}
    for row, line in enumerate(lines):
        if line.strip(" \t\r\n"):
            try:
                logs[row] = parse_object(line)
            except NotALog as error:
                bad[row] = error.reason
    return logs, bad


NUMBERS = st.sampled_from(["0", "-0", "1.50", "1e3", "-1E+07", "12345678901234567890123", "0.1", "1.0", "1e", "01", ".5", "-", "+1", "1."])
STRINGS = st.sampled_from([
    '""', '"plain"', '"ünï 日本"', '"\\n\\t\\"\\\\"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\x"', '"\\u12"', '"a\tb"', '"{"', '"1.50"',
    '", \\"a\\": 1"', '"null"', "\"it's\"", '"\\/"',
])  # fmt: skip
OTHERS = st.sampled_from(["null", "true", "false", "NaN", "nul", '{"x": 1.50, "y": [1, {}]}', "[ ]", '[1,"]"]', "{}", "[1,]", "{", '"open'])
VALUES = st.one_of(STRINGS, NUMBERS, OTHERS)
NAMES = st.sampled_from(['"a"', '"b"', '"A"', '"a b"', '""', '"\\u0061"', '"é"', '"__time__"', '"a.b"', '"(x)"', '"~row"', '"a\\"'])
SPACE = st.sampled_from(["", " ", "  ", "\t"])


@st.composite
def objects(draw: st.DrawFn) -> str:
    members = draw(st.lists(st.tuples(NAMES, SPACE, SPACE, VALUES, SPACE), max_size=4))
    return (
        "{"
        + ",".join(f"{a}{name}{b}:{c}{value}{a}" for name, a, b, value, c in members)
        + "}"
        + draw(st.sampled_from(["", " ", "\r", "x"]))
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(objects(), st.sampled_from(["", " ", "1", '"a"', "[]", "null", "{]", "nope"])), max_size=6), st.integers(1, 12))
def test_columns_equal_objects(shapes: list[str], repeat: int) -> None:
    few, json_lines._FEW = json_lines._FEW, 1
    try:
        lines = [line.replace("\n", " ") for line in shapes * repeat]
        assert by_columns("\n".join(lines).encode()) == one_by_one(lines)
    finally:
        json_lines._FEW = few


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAMES, STRINGS | NUMBERS), min_size=1, max_size=4), st.data())
def test_columns_equal_objects_when_lines_are_alike(members: list[tuple[str, str]], data: st.DataObject) -> None:
    lines = []
    for _ in range(80):
        changed = [(name, data.draw(VALUES) if data.draw(st.integers(0, 9)) == 0 else value) for name, value in members]
        lines.append("{" + ", ".join(f"{name}: {value}" for name, value in changed) + "}")
    assert by_columns("\n".join(lines).encode()) == one_by_one(lines)


SCALARS = st.one_of(st.text(max_size=8), st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=5), SCALARS, max_size=4), max_size=50))
def test_any_text_survives(logs: list[dict[str, object]]) -> None:
    lines = [json.dumps(log, ensure_ascii=i % 2 == 0) for i, log in enumerate(logs)]
    lines = [line for line in lines if "\\ud" not in line]
    assert by_columns("\n".join(lines).encode("utf-8")) == one_by_one(lines)


def test_literals_keep_their_text() -> None:
    line = '{"a": 1.50, "b": -0, "c": 1e3, "d": 123456789012345678901234567890, "e": true, "f": null, "g": {"x": 1.0, "y": [ 2.50 ]}}'
    expected = {"a": "1.50", "b": "-0", "c": "1e3", "d": "123456789012345678901234567890", "e": "true", "g": '{"x": 1.0, "y": [ 2.50 ]}'}
    assert parse_object(line) == expected
    flat = line[: line.index(', "g"')] + "}"
    del expected["g"]
    logs, bad = by_columns("\n".join([flat] * 100).encode())
    assert list(logs.values()) == [expected] * 100
    assert bad == {}


def test_short_literals_one_by_one() -> None:
    """Numbers are told by their bytes: every text of up to four of these characters is taken, or not, as the grammar has it."""
    texts = ["".join(text) for length in range(1, 5) for text in itertools.product("019.-e+/:é", repeat=length)]
    lines = [f'{{"a":1,"b":{text}}}' for text in ["7", *texts, "7"]]
    assert by_columns("\n".join(lines).encode()) == one_by_one(lines)


def test_literals_and_texts_of_every_length() -> None:
    chance = random.Random(5)
    values = []
    for length in range(1, 25):
        for _ in range(40):
            digits = "".join(chance.choice("0123456789") for _ in range(length))
            at, strange = chance.randrange(length), chance.choice("./:e-x")
            values += [digits, digits[:at] + strange + digits[at + 1 :], f"-{digits}", f'"{digits}"', f'"{digits[:at]}é{digits[at:]}"']
            values.append('"' + "".join(chance.choice('ab\\\\\\"') for _ in range(length)) + '"')
    for name in ("x", "a name", "a name of more than sixteen bytes"):
        lines = [f'{{"{name}": {value}, "{name}2": "{i}"}}' for i, value in enumerate(values)]
        chance.shuffle(lines)
        assert by_columns("\n".join(lines).encode()) == one_by_one(lines)


def test_shapes_with_as_many_quotes_are_told_apart() -> None:
    shapes = [
        '{{"ab":{},"c":"{}"}}',
        '{{"ba":{},"c":"{}"}}',
        '{{"ab":{}, "c":"{}"}}',
        '{{"c":"{1}","ab":{0}}}',
        '{{"ab":"{}","c":"{}}}',
        '{{"ab":{},"":"{}"}}',
    ]
    lines = [shapes[i % len(shapes)].format(i, f"text {i} of some length") for i in range(1_200)]
    assert by_columns("\n".join(lines).encode()) == one_by_one(lines)


@pytest.mark.parametrize("piece", [64, 192])
def test_where_a_search_begins_anew_nothing_is_missed(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_shape, "_PIECE", piece)
    monkeypatch.setattr(line_index, "_PIECE", piece)
    chance = random.Random(piece)
    lines = []
    for i in range(2_000):
        text = "".join(chance.choice('abc \\\\\\"é\t') for _ in range(chance.randrange(40))) if i % 7 == 0 else "x" * chance.randrange(40)
        lines.append(f'{{"n": {i}, "text": "{text}", "more": {chance.choice(["null", "1.5", "true", chr(34) * 2])}}}' + "\r" * (i % 2))
    assert by_columns("\n".join(lines).encode()) == one_by_one(lines)


def test_last_value_of_a_name_holds() -> None:
    assert parse_object('{"a": 1, "a": "2"}') == {"a": "2"}
    assert parse_object('{"a": 1, "a": null}') == {}
    assert parse_object('{"a": {}, "a": null, "b": []}') == {"b": "[]"}
    assert shape_of('{"a": 1, "a": 2}') is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [("nope", "not-json"), ('{"a": NaN}', "not-json"), ("[1]", "not-an-object"), ("null", "not-an-object"), ("1", "not-an-object"),
     ('{"a": 1} {"b": 2}', "not-json"), ('{"a": "\\ud800"}', "not-unicode"), ('{"\\udfff": 1}', "not-unicode"), ("[" * 100_000, "not-json")],
)  # fmt: skip
def test_reasons(line: str, reason: str) -> None:
    with pytest.raises(NotALog) as caught:
        parse_object(line)
    assert caught.value.reason == reason


def test_bad_bytes_and_long_lines_are_isolated() -> None:
    lines = [b'{"a": "%d"}' % i for i in range(200)]
    lines[50], lines[60] = b'{"a": "\xff"}', b'{"a": "' + b"x" * 100 + b'"}'
    parsed = JsonLines(64).parse(Chunk(b"\xef\xbb\xbf" + b"\r\n".join(lines), 0, 1))
    assert sorted((bad.row, bad.reason) for bad in parsed.bad) == [(50, "not-utf8"), (60, "too-long")]
    assert sum(len(frame) for frame in parsed.frames) == 198


def test_many_names() -> None:
    lines = [json.dumps({f"field {i}": str(i)}) for i in range(3_000)]
    random.Random(1).shuffle(lines)
    logs, bad = by_columns("\n".join(lines).encode())
    assert len(logs) == 3_000
    assert bad == {}
    assert all(log == parse_object(lines[row]) for row, log in logs.items())


def test_mixed_sources_use_columns() -> None:
    parser = JsonLines(LIMIT)
    lines = [json.dumps({"a": i, "b": "x"}) if i % 3 else json.dumps({"c": i, "a": "y\n"}) for i in range(3_000)]
    parsed = parser.parse(Chunk("\n".join(lines).encode(), 0, 1))
    assert len(parsed.frames) == 2
    assert sum(len(frame) for frame in parsed.frames) == 3_000


@pytest.mark.parametrize("tail", ["", '"', "n", "u00e9", "x"])
def test_backslashes_in_rows_of_every_length(tail: str) -> None:
    lines = [f'{{"a":"{"x" * (n % 3)}{chr(92) * n}{tail}","b":"{n}"}}' for n in range(60)]
    assert by_columns("".join(line + "\n" for line in lines).encode()) == one_by_one(lines)
