"""Logs that nobody would write: no crash and no loss, through `apply` and through a job on a Logstore."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.transformation.apply_files import Applied, apply_to_inputs
from pipelines.transformation.apply_outputs import Outputs
from tests.conftest import Cli
from tests.pipelines.transform_world import rows_of, write_job
from transforms.rules.context import Context
from transforms.rules.rule import compile_rule
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

RULE = r"""
e_set("seen", "yes")
e_json("j", depth=5)
e_regex("r", r"(?P<r1>\w+)\W+(?P<r2>\w+)")
e_kv("k")
e_if(e_search("drop: 1"), DROP)
e_if(op_len(op_coalesce(v("r"), "")) > 3, e_set("low", str_lower(v("r"))))
e_if(e_has("split"), e_split("split"))
e_if(e_match("to", "[ab]"), e_coutput("copies"))
e_if(v("to") == "c", e_output(project="default", logstore="others"))
e_if(e_has("int"), e_set("sum", op_add(ct_int(v("int")), 1)))
e_drop_fields("x[0-9]*")
"""
TEXTS = [
    "", " ", "plain", "\x00", "a\x00b", "\x1f\x7f\x80", "\ufeff", "\ufffd", "\u2028\u2029", "é", "e\u0301", "日本", "😀", "\U0010ffff", '"', "\\", "\\\\", "\n", "\r\n",
    "\t", "null", "~", "~row", "{", "}", "[", "]", '{"a":', ",", "'", "0", "-0", "1e400", "NaN", "9" * 400, "=", "a=b c=d", "k=\"", "<script>", "%s%n", "{0.x}", "../..", "\u202e", "Ǆ", "ß", "İ",
]  # fmt: skip
NAMES = ["", " ", "~", "~row", "~0", "a", "A", "a b", "\x00", "é", "日本", "😀", "__time__", "__topic__", "__tag__:x", "__source__", "__tag__:__receive_time__", "j", "r", "k", "split", "to", "int", "drop", '"', "\\", "a.b", "~a~b", "x1", "x" * 300]  # fmt: skip


def log_lines(count: int, seed: int) -> Iterator[bytes]:
    """Lines, good and bad ones; every good one has its number in the field ``n``."""
    chance = random.Random(seed)
    for number in range(count):
        yield one_line(chance, number)


def one_line(chance: random.Random, number: int) -> bytes:
    """A line, with its end."""
    kind = chance.randrange(100)
    fields: dict[str, Any] = {"n": number}
    for _ in range(chance.randrange(6)):
        name = chance.choice(NAMES)
        fields[name] = str(chance.choice([1, 1_700_000_000])) if name == "__time__" else chance.choice(TEXTS)
    fields["int"] = chance.choice(["1", "1", "x", ""]) if kind < 30 else "1"
    if kind < 10:
        fields["to"] = chance.choice("abcd")
    if kind < 5:
        fields["drop"] = "1"
    if 10 <= kind < 20:
        fields["split"] = chance.choice(["a,b", '"a', "", ",,", "a,\x00"])
    if 20 <= kind < 30:
        fields["j"] = chance.choice(["[" * 2_000 + "]" * 2_000, '{"a":' * 300 + "1" + "}" * 300, '{"\\ud800": "\\udc00"}', '{"a": 1e999}', '{"~": {"": 1}}', "{}", '{"n2": NaN}', "[1,{}]"])  # fmt: skip
    if 30 <= kind < 34:
        fields["o"] = {"deep": json.loads("[" * 100 + "]" * 100), "": None}
    line = json.dumps(fields, ensure_ascii=chance.random() < 0.5).encode()
    if kind == 40:
        at = chance.randrange(len(line))
        line = line[:at] + bytes([chance.choice([0xFF, 0xC0, 0x80, 0xED, 0xF8])]) + line[at:]
    elif kind == 41:
        line = line[: chance.randrange(len(line))]
    elif kind == 42:
        line = line.replace(b'"n"', b'"s": "\\ud800", "n"')
    elif kind == 43:
        line = chance.choice([b"null", b"[1]", b'"text"', b"5", b"", b"   ", b"\x00", b"{" * 5_000, b'{"a":1}{"a":2}', b"\xef\xbb\xbf{}"])
    elif kind == 44:
        line = line.replace(b'"n"', b'"n": "first", "n"', 1)  # a name twice
    return line.replace(b"\n", b" ") + chance.choice([b"\n", b"\n", b"\r\n"])


def heavy_lines(wide: int) -> list[bytes]:
    """A few that are large: values of 10 MB, 5,000 fields, names that occur once."""
    big = "x y=1 \x00é" * 1_000_000
    return [
        json.dumps({"n": "big", "r": big, "k": "a=b"}).encode() + b"\n",
        json.dumps({"n": "escapes", "e": '"\\\n' * 2_000_000}).encode() + b"\n",
        *(
            json.dumps({"n": f"wide{w}", **{f"f{w * 7 + i}": str(i) for i in range(5_000)}, "~": "1", "": "2"}).encode() + b"\n"
            for w in range(wide)
        ),
        json.dumps({"n": "too wide", **{f"g{i}": "" for i in range(12_000)}}).encode() + b"\n",
        b'{"n": "quotes", "q": "' + b'\\"' * 1_000_000 + b'"}\n',
        b'{"n": "deep", "d": ' + b"[" * 900 + b"]" * 900 + b"}\n",
        b'{"n": "too deep", "d": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n",
    ]


class Counted(io.RawIOBase):
    """Takes lines and counts them; each must be a JSON object of texts."""

    def __init__(self) -> None:
        self.lines = 0
        self.numbers: Counter[str] = Counter()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        whole = bytes(data)
        assert whole.endswith(b"\n")
        for line in whole.split(b"\n")[:-1]:
            log = json.loads(line)
            assert all(type(value) is str for value in log.values()) and log["seen"] == "yes"
            self.numbers[log["n"]] += 1
            self.lines += 1
        return len(whole)


def applied(lines: list[bytes], folder: Path) -> tuple[Applied, Counted, int, int]:
    """What `apply` did: its counts, what came to the default target, lines of all other targets, dead letters."""
    out = Counted()
    source = io.BufferedReader(io.BytesIO(b"".join(lines)))
    with Outputs(out, folder / "out", folder / "dead.jsonl") as outputs:  # type: ignore[arg-type]
        done = apply_to_inputs(compile_rule(RULE), [("lines", source)], outputs, Context(), max_line_bytes=32 << 20)
    others = sum(path.read_bytes().count(b"\n") for path in (folder / "out").rglob("*.jsonl"))
    dead = (folder / "dead.jsonl").read_bytes().splitlines() if (folder / "dead.jsonl").exists() else []
    assert all(isinstance(json.loads(line), dict) for line in dead)
    return done, out, others, len(dead)


def check_apply(count: int, folder: Path, extra: list[bytes] | None = None) -> None:
    lines = [*log_lines(count, 7), *(extra or [])]
    done, out, others, dead = applied(lines, folder)
    blank = sum(not line.strip(b" \t\r\n") for line in lines)
    assert done.read + done.bad + blank == len(lines)
    assert done.read == done.delivered + done.dropped + done.dead
    assert dead == done.dead + done.bad
    assert out.lines == done.written.get("default", 0) and others == sum(logs for key, logs in done.written.items() if key != "default")
    assert done.dropped > 0 and done.dead > 0 and done.bad > 0 and others > 0


def test_apply_loses_nothing(tmp_path: Path) -> None:
    check_apply(20_000, tmp_path)


def test_apply_loses_nothing_of_large_logs(tmp_path: Path) -> None:
    lines = heavy_lines(4)
    done, out, others, dead = applied([*log_lines(200, 3), *lines, *log_lines(200, 4)], tmp_path)
    assert done.read == done.delivered + done.dropped + done.dead and dead == done.dead + done.bad
    assert {"big", "escapes", "wide0", "wide1", "too wide", "quotes", "deep"} <= set(out.numbers)
    assert "too deep" not in out.numbers and others >= 0


@pytest.mark.soak
def test_a_million_malformed_logs(tmp_path: Path) -> None:
    for part in range(20):
        folder = tmp_path / str(part)
        folder.mkdir()
        lines = list(log_lines(50_000, part))
        done, out, others, dead = applied(lines, folder)
        assert done.read + done.bad + sum(not line.strip(b" \t\r\n") for line in lines) == len(lines)
        assert done.read == done.delivered + done.dropped + done.dead and dead == done.dead + done.bad
        assert out.lines + others == sum(done.written.values())


def test_a_job_on_a_logstore_loses_nothing(home: Home, cli: Cli, tmp_path: Path) -> None:
    """The same logs, imported (bad lines become dead letters of the import), then through a job."""
    for name in ("source", "others"):
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(2)))
    lines = [*log_lines(2_000, 11), *heavy_lines(2), json.dumps({"n": "large", "r": "x y " * 2_000_000}).encode()]
    (tmp_path / "logs.jsonl").write_bytes(b"".join(lines))
    imported = cli("import", "source", str(tmp_path / "logs.jsonl"))
    assert imported.code in (0, 1), imported.stderr
    source = home.open_logstore(DEFAULT_PROJECT, "source").snapshot().rows_total
    job = write_job(tmp_path, RULE.strip(), brake="{share: 1.0, least: 100}")
    job.write_text(job.read_text().replace("errors: {logstore: errors", "copies: {logstore: copies"))
    done = cli("transform", str(job), "--format", "json")
    assert done.code in (0, 1), done.stderr
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["read"] == source == told["delivered"] + told["dropped"] + told["dead"]
    assert {key: len(rows_of(home, key.partition("/")[2])) for key in told["written"]} == told["written"]
    letters = rows_of(home, "source-dead-letters")
    assert len(letters) == told["dead"] > 0 and told["dropped"] > 0
    assert {"large", "wide0", "wide1", "quotes"} <= {log.get("n", "") for log in rows_of(home, "main")}
