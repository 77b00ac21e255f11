"""Dead letters, mended or not, mean at their import what the first import said, unless they are told otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.home import Home
from pipelines.imports.import_logs import ImportReport
from tests.pipelines.import_probe import dead_letters, import_files, logs_of, make_store
from transforms.core.errors import ParameterInvalid


@pytest.fixture
def store(home: Home) -> Home:
    make_store(home)
    make_store(home, "mended")
    return home


def letters_of(home: Home, text: str, name: str = "x.jsonl", **options: Any) -> tuple[ImportReport, Path]:
    """Import a file that holds bad records; the report, and the file of dead letters."""
    file = home.path.parent / name
    file.write_text(text)
    report = import_files(home, file, **options)
    assert report.dead_letters is not None
    return report, report.dead_letters


def mend(letters: Path, *changes: tuple[str, str]) -> Path:
    text = letters.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    mended = letters.with_name(f"mended-{letters.name}")
    mended.write_text(text)
    return mended


def again(home: Home, letters: Path, **options: Any) -> ImportReport:
    return import_files(home, letters, store="mended", format="dead-letters", **options)


def test_what_was_no_time_does_not_become_now(store: Home) -> None:
    _, letters = letters_of(store, '{"a": 1}\n{"ts": "soon"}\n{"ts": "12:00", "b": 2\n', time_field="ts")
    report = again(store, letters)
    assert (report.logs, report.dead) == (0, {"no-time": 2, "not-json": 1})
    assert [letter["detail"] for letter in dead_letters(report)][:2] == [
        "the log has no field 'ts'", "'soon' is no time in the format auto"
    ]  # fmt: skip
    assert [(letter["reason"], letter["raw"], letter.get("import")) for letter in dead_letters(report)] == [
        (letter["reason"], letter["raw"], letter.get("import")) for letter in dead_letters_in(letters)
    ]


def dead_letters_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_letters_that_say_nothing_of_their_import(store: Home) -> None:
    file = store.path.parent / "old.jsonl"
    old = {"file": "x", "line": 1, "reason": "no-time", "detail": "", "format": "jsonl"}
    lines = [{**old, "raw": '{"a": 1}'}, {**old, "raw": '{"__time__": 5}'}, {**old, "reason": "not-json", "raw": '{"b": 1}'}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = again(store, file)
    assert (report.logs, report.dead) == (2, {"no-time": 1})
    assert dead_letters(report)[0]["detail"] == "the log has no field '__time__'"
    assert 5 in {seconds for seconds, _, _ in logs_of(store, "mended")}


def test_the_first_imports_options_hold(store: Home) -> None:
    text = '{"t": "02.03.2026 08:00", "a": 1\n'
    options: dict[str, Any] = {
        "time_field": "t",
        "time_format": "%d.%m.%Y %H:%M",
        "time_zone": "+08:00",
        "topic": "first",
        "tags": {"host": "h", "pod": "p"},
    }
    _, letters = letters_of(store, text, **options)
    assert dead_letters_in(letters)[0]["import"] == options
    mended = mend(letters, ('\\"a\\": 1"', '\\"a\\": 1}"'))
    fields = frozenset({("t", "02.03.2026 08:00"), ("a", "1"), ("__topic__", "first"), ("__tag__:host", "h"), ("__tag__:pod", "p")})
    again(store, mended)
    assert logs_of(store, "mended") == {(1_772_409_600, 0, fields): 1}
    again(store, mended, time_zone="UTC", topic="now", tags={"pod": "q"}, again=True)
    changed = frozenset({("t", "02.03.2026 08:00"), ("a", "1"), ("__topic__", "now"), ("__tag__:host", "h"), ("__tag__:pod", "q")})
    assert logs_of(store, "mended") == {(1_772_409_600, 0, fields): 1, (1_772_438_400, 0, changed): 1}


def test_a_mistyped_field_is_put_right_on_the_command_line(store: Home) -> None:
    _, letters = letters_of(store, '{"t": "1700000000123"}\n', time_field="tt", time_format="epoch-ms")
    assert again(store, letters, time_field="t").logs == 1
    assert {(seconds, part) for seconds, part, _ in logs_of(store, "mended")} == {(1_700_000_000, 123_000_000)}


def test_text_csv_and_parquet_letters(store: Home) -> None:
    _, text = letters_of(store, "no time\n", "x.log", format="text", time_pattern=r"\[(.*)\]", source="s")
    assert again(store, mend(text, ("no time", "[2026-03-02T00:00:00Z]"))).logs == 1
    _, cells = letters_of(store, "t,a\n2026-03-02T00:00:01Z,1,2\n", "x.csv", time_field="t")
    assert again(store, mend(cells, (",1,2", ",1"))).logs == 1
    pq.write_table(pa.table({"t": ["2026-03-02T00:00:02Z?"]}), store.path.parent / "x.parquet")
    report = import_files(store, store.path.parent / "x.parquet", time_field="t")
    assert report.dead_letters is not None
    assert again(store, mend(report.dead_letters, ("?", ""))).logs == 1
    assert {(seconds, log) for seconds, _, log in logs_of(store, "mended")} == {
        (1_772_409_600, frozenset({("content", "[2026-03-02T00:00:00Z]"), ("__source__", "s")})),
        (1_772_409_601, frozenset({("t", "2026-03-02T00:00:01Z"), ("a", "1")})),
        (1_772_409_602, frozenset({("t", "2026-03-02T00:00:02Z")})),
    }


def test_a_cut_record_never_becomes_a_log(store: Home) -> None:
    _, first = letters_of(store, '{"a": "' + "x" * 300_000 + '"}\n', max_line_bytes=1_000)
    report = again(store, first)
    assert report.dead == {"too-long": 1}
    assert report.dead_letters is not None
    (before,), (after,) = dead_letters_in(first), dead_letters_in(report.dead_letters)
    assert {name: after[name] for name in ("raw", "format", "truncated")} == {name: before[name] for name in ("raw", "format", "truncated")}
    assert import_files(store, report.dead_letters, store="mended", format="dead-letters").dead == {"too-long": 1}


def test_what_is_no_letter_stays_a_record_of_its_own(store: Home) -> None:
    good = {"format": "jsonl", "raw": '{"__time__": 1}'}
    wrong: list[Any] = [
        {**good, "import": {"zone": "UTC"}}, {**good, "import": {"tags": {"a": 1}}}, {**good, "import": {"tags": []}}, {**good, "import": 5},
        {**good, "import": {"time_zone": "Mars"}}, {**good, "import": {"time_pattern": "("}}, {**good, "format": "xml"},
        {**good, "format": "csv", "header": "a"}, {**good, "format": "csv"}, {**good, "truncated": "yes"}, {"format": "jsonl"},
        {"raw_base64": "?"},
    ]  # fmt: skip
    file = store.path.parent / "letters"
    file.write_text("".join(json.dumps(line) + "\n" for line in [*wrong, good]))
    report = again(store, file)
    assert (report.logs, report.dead) == (1, {"not-a-dead-letter": len(wrong)})
    assert [letter["line"] for letter in dead_letters(report)] == list(range(1, len(wrong) + 1))
    # A letter in a letter is the letter: mended inside, it becomes a log.
    assert report.dead_letters is not None
    mended = mend(report.dead_letters, ('\\"xml\\"', '\\"jsonl\\"'), ("Mars", "UTC"))
    second = again(store, mended)
    assert (second.logs, second.dead) == (2, {"not-a-dead-letter": len(wrong) - 2})
    assert logs_of(store, "mended") == {(1, 0, frozenset()): 3}


def test_a_wrong_option_is_refused_at_once(store: Home) -> None:
    _, letters = letters_of(store, "nope\n")
    with pytest.raises(ParameterInvalid):
        again(store, letters, time_zone="Mars")
