"""`logsluice preview`: what a rule does to a few logs, however they are given."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.main import main
from pipelines.home import DEFAULT_PROJECT, Home
from transforms.core.errors import ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.formats.pasted_logs import pasted_logs
from transforms.rules.preview import preview
from transforms.rules.rule import compile_rule
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """``preview RULE --input INPUT …`` in this process."""
    monkeypatch.chdir(tmp_path)

    def call(rule: str, given: str | bytes, *arguments: str, source: str = "logs") -> tuple[int, str, str]:
        Path("rule.etl").write_text(rule)
        Path("logs").write_bytes(given.encode() if isinstance(given, str) else given)
        code = main(["--home", str(tmp_path / "home"), "preview", "rule.etl", "--input", source, *arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return call


# ── what is pasted ───────────────────────────────────────────────────────

BLOCKS = """\
__time__: 1700000000
__tag__:host: h1
"a b": x: y
empty:
text: ```line one
line two```

'n': 1.50
"""
FORMS = {
    "object": '{"a": "x", "n": 1.50, "z": null, "o": {"k": [1,  2]}, "t": true}',
    "pretty": '\n{\n  "a": "x",\n  "n": 1.50,\n  "o": {"k": [1,  2]},\n  "t": true\n}\n',
    "array": '[{"a": "x", "n": 1.50, "o": {"k": [1,  2]}, "t": true}, ]',
    "lines": '{"a": "x", "n": 1.50, "o": {"k": [1,  2]}, "t": true}\n',
    "mark": '\ufeff{"a": "x", "n": 1.50, "o": {"k": [1,  2]}, "t": true}',
    "block": 'a: x\nn: 1.50\no: {"k": [1,  2]}\nt: true\n',
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_log(form: str) -> None:
    assert pasted_logs(FORMS[form], "x", 10) == [{"a": "x", "n": "1.50", "o": '{"k": [1,  2]}', "t": "true"}]


def test_blocks() -> None:
    assert pasted_logs(BLOCKS, "x", 10) == [
        {"__time__": "1700000000", "__tag__:host": "h1", "a b": "x: y", "empty": "", "text": "line one\nline two"},
        {"n": "1.50"},
    ]
    assert pasted_logs("\r\na: 1\r\n\r\n\r\nb: 2\r\n", "x", 10) == [{"a": "1"}, {"b": "2"}]
    assert pasted_logs("", "x", 10) == pasted_logs(" \n\n", "x", 10) == pasted_logs("[]", "x", 10) == []


def test_only_so_many_are_read() -> None:
    assert [log["n"] for log in pasted_logs('{"n":1}{"n":2}\n{"n":3}\nnope', "x", 3)] == ["1", "2", "3"]
    assert pasted_logs("n: 1\n\nno key", "x", 1) == [{"n": "1"}]


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ('{"a": 1}\n{"a": }', "this is no JSON: Expecting value", (2, 7)),
        ('[{"a": 1}, 5]', "a log is a JSON object", (1, 12)),
        ('[{"a": 1}', "the array is not closed", (1, 9)),
        ('{"a": "\\ud800"}', "second half", (1, 1)),
        ('{"a": NaN}', "NaN is not JSON", (1, 1)),
        ('{"a": ' + "[" * 100_000, "nested too deeply", (1, 1)),
        ("a: 1\nno key at all\n", "this line has no key", (2, 1)),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_place(text: str, said: str, place: tuple[int, int]) -> None:
    with pytest.raises(ParameterInvalid) as raised:
        pasted_logs(text, "x", 10)
    assert said in str(raised.value)
    location = raised.value.location
    assert location is not None and (location.line, location.column) == place


# ── what is shown ────────────────────────────────────────────────────────

RULE = """\
e_set("kind", "access")
e_split("tags")
e_if(v("tags") == "b", e_output("bees"))
e_if(v("tags") == "c", e_coutput("sea"))
e_if(v("tags") == "d", DROP)
e_set("n", ct_int(v("n")))
e_drop_fields("tags")
"""


def happenings(trace: Any) -> list[tuple[str, str, str]]:
    return [(one.step, one.event, one.kind) for one in trace.happenings]


def test_what_befell_each_event_of_a_split_log() -> None:
    found = preview(compile_rule(RULE), [{"tags": "a,b,c,d", "n": "1"}, {"tags": "b,a", "n": "x"}, {"n": "2", "tags": "d"}])
    first, second, third = found.logs
    assert happenings(first) == [
        ("1 e_set", "1", "changed"),
        ("2 e_split", "1.1", "changed"), ("2 e_split", "1.2", "changed"), ("2 e_split", "1.3", "changed"), ("2 e_split", "1.4", "changed"),
        ("3 e_if", "1.2", "sent"),
        ("4 e_if", "1.3", "copied"),
        ("5 e_if", "1.4", "dropped"),
        ("7 e_drop_fields", "1.1", "changed"), ("7 e_drop_fields", "1.3", "changed"),
    ]  # fmt: skip
    (change,) = first.happenings[1].changes
    assert (change.field, change.before, change.after) == ("tags", "a,b,c,d", "a")
    assert first.outputs == [
        ("bees", {"tags": "b", "n": "1", "kind": "access"}),
        ("sea", {"tags": "c", "n": "1", "kind": "access"}),
        ("default", {"n": "1", "kind": "access"}),
        ("default", {"n": "1", "kind": "access"}),
    ]
    # A log that fails takes everything with it, what was sent before too.
    assert second.failure is not None and "invalid literal" in second.failure and second.outputs == []
    assert happenings(second)[-1] == ("6 e_set", "1.2", "failed")
    assert happenings(third)[-1] == ("5 e_if", "1", "dropped") and third.outputs == [] and third.failure is None
    assert [(step.events_in, step.events_out) for step in found.steps] == [(3, 3), (3, 7), (7, 5), (5, 5), (5, 3), (3, 2), (2, 2)]


def test_a_preview_ends_where_the_rule_ends() -> None:
    """The same outputs as a run of the whole rule, for every story."""
    from tests.conftest import ROOT
    from transforms.connectors.rule_resources import ResourceSettings
    from transforms.rules.context import Context

    seen = 0
    for path in sorted((ROOT / "configs" / "data_transformation").glob("*/rule.etl")):
        logs_file = path.with_name("logs.jsonl")
        if not logs_file.exists() or path.parent.name == "enrich_from_database":
            continue
        logs = pasted_logs(logs_file.read_text(), "logs", 100)
        rule = compile_rule(path.read_text())
        context = Context(ResourceSettings(parameters=(("secret", "s"),))())
        told = preview(rule, logs, context)
        outputs: dict[str, list[dict[str, str]]] = {}
        for trace in told.logs:
            for target, log in trace.outputs:
                outputs.setdefault(target, []).append(log)
        assert outputs == rule.run_logs(logs, context).targets, path
        seen += 1
    assert seen >= 7


def test_as_text(run: Run) -> None:
    logs = '{"tags": "a,b", "n": "1", "x": "old"}\n{"tags": "d", "n": "2"}\n{"tags": "a", "n": "no"}'
    code, out, err = run('e_set("x", "new", mode="fill")\n' + RULE + 'e_json("text")', logs)
    assert code == 1
    for line in (
        "log 1",
        '  2 e_set              + kind: "access"',
        '  3 e_split            event 1.1: ~ tags: "a,b" → "a"',
        "  4 e_if               event 1.2: sent to bees",
        '  8 e_drop_fields      event 1.1: - tags: "a"',
        '  → bees: {"tags": "b", "n": "1", "x": "old", "kind": "access"}',
        "  6 e_if               dropped",
        "  → nowhere",
        "  → dead letter",
    ):
        assert line in out.splitlines(), (line, out)
    assert "failed: error when calling : ct_int: Detail: invalid literal" in out
    assert "3 e_split (line 3): 3 → 4 events" in err and " ms" in err


def test_as_json_for_editors(run: Run) -> None:
    code, out, err = run(RULE + 'e_regex("m", r"(?P<y>\\d+)")', '{"tags": "a,b", "n": "1", "m": "none"}', "--format", "json")
    told = json.loads(out)
    assert code == 0 and err == ""
    assert [step["position"] for step in told["steps"]] == [f"{line}:1" for line in range(1, 9)]
    assert all(step["milliseconds"] >= 0 for step in told["steps"]) and told["steps"][1]["events_out"] == 2
    assert sum(told["steps"][-1]["warnings"].values()) == 1
    (log,) = told["logs"]
    assert log["number"] == 1 and "failure" not in log
    assert {"step": "3 e_if", "event": "1.2", "kind": "sent", "target": "bees"} in log["happenings"]
    assert log["outputs"][0] == {"target": "bees", "log": {"tags": "b", "n": "1", "m": "none", "kind": "access"}}


def test_stdin_packed_files_and_the_limit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(json.dumps({"n": n, "pad": "x" * 100}) + "\n" for n in range(30_000))  # more than a preview reads
    for given in (lines, gzip.compress(lines.encode())):
        code, out, _ = run("", given)
        assert code == 0 and out.count("→ default") == 10
        code, out, _ = run("", given, "--limit", "2")
        assert code == 0 and [line for line in out.splitlines() if line.startswith("log")] == ["log 1", "log 2"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b'{"a":"\xc3\xa9"}'))))
    code, out, _ = run("", b"", source="-")
    assert code == 0 and '{"a": "é"}' in out


def test_what_is_no_input_is_said(run: Run) -> None:
    code, out, err = run("", "", source="nowhere")
    assert code == 2 and out == "" and "no file and no Logstore 'nowhere'" in err
    code, _, err = run("", b'{"a": "\xff"}')
    assert code == 2 and "no UTF-8" in err
    code, out, err = run("", "")
    assert (code, out) == (0, "")
    code, _, err = run("e_set('a')", '{"a": 1}')
    assert code == 2 and "odd number" in err
    assert run("", "a: 1", "--limit", "0")[0] == 2


def test_a_logstore(run: Run, tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    store = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "access", "", even_shards(1)))
    store.append([LogGroup.from_logs([{"n": str(n)} for n in range(20)], [1_700_000_000 + n for n in range(20)])])
    home.close()
    code, out, _ = run('e_set("m", op_add(ct_int(v("n")), 1))', "", "--limit", "3", "--format", "json", source="access")
    told = json.loads(out)
    assert code == 0 and len(told["logs"]) == 3
    assert all(int(log["outputs"][0]["log"]["m"]) == int(log["log"]["n"]) + 1 for log in told["logs"])
    assert all(log["log"]["__time__"] == str(1_700_000_000 + int(log["log"]["n"])) for log in told["logs"])


def test_pasted_tables_stand_in_for_databases(run: Run) -> None:
    Path("people.csv").write_text("id,name\n1,Ann\n2,Bob\n")
    rule = 'e_table_map(res_rds_mysql("db", "u", "p", "crm", table="people"), "id", "name")'
    code, out, err = run(rule, '{"id": "2"}', "--table", "people=people.csv")
    assert code == 0 and '+ name: "Bob"' in out, err
