"""`logsluice apply`: a rule over JSON lines from files and pipes, to stdout and files."""

from __future__ import annotations

import gzip
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pipelines.cli.main import main
from tests.conftest import ROOT


class Done:
    """What a command left."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code, self.out, self.err = code, out, err.decode()

    @property
    def logs(self) -> list[dict[str, str]]:
        return read(self.out)


def read(lines: bytes | Path) -> list[dict[str, Any]]:
    data = lines.read_bytes() if isinstance(lines, Path) else lines
    assert not data or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def packed(*logs: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(log).encode() + b"\n" for log in logs)


@pytest.fixture
def apply(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Done]]:
    """Run ``apply RULE ARGUMENTS…`` in this process, in a folder of its own; ``given`` is standard input."""
    monkeypatch.chdir(tmp_path)

    def run(rule: str, *arguments: str, given: bytes | None = None) -> Done:
        Path("rule.etl").write_text(rule)
        if given is not None:
            Path("stdin").write_bytes(given)
            stdin = stack.enter_context(Path("stdin").open(encoding="utf-8"))  # noqa: SIM115
            monkeypatch.setattr(sys, "stdin", stdin)
        code = main(
            ["apply", *[part for part in arguments if part.startswith("--")], "rule.etl", *[p for p in arguments if not p.startswith("--")]]
        )
        out, err = capfdbinary.readouterr()
        return Done(code, out, err)

    with ExitStack() as stack:
        yield run


Apply = Callable[..., Done]


def test_lines_from_stdin_come_out_as_text(apply: Apply) -> None:
    done = apply('e_set("b", str_upper(v("a")))', given=b'{"a":"x","n":1.50,"o":{"k": [1, 2]},"z":null}\n\n  \n{"a":"\\u00e9\\"\\n"}')
    assert done.code == 0, done.err
    assert done.logs == [{"a": "x", "n": "1.50", "o": '{"k": [1, 2]}', "b": "X"}, {"a": 'é"\n', "b": 'É"\n'}]
    assert "2 logs read, 2 logs to default" in done.err
    # Nothing is added: neither a time nor what is absent.
    assert all("__time__" not in log for log in done.logs)


def test_files_of_every_packing_one_after_the_other(apply: Apply) -> None:
    Path("a.jsonl").write_bytes(packed({"n": 1}))
    Path("b.gz").write_bytes(gzip.compress(packed({"n": 2})) + gzip.compress(packed({"n": 3})))
    Path("c").write_bytes(zstandard.ZstdCompressor().compress(packed({"n": 4})))
    Path("empty.jsonl").write_bytes(b"")
    done = apply('e_set("k", "v")', "a.jsonl", "empty.jsonl", "b.gz", "c", "-", given=gzip.compress(packed({"n": 5})))
    assert done.code == 0 and [log["n"] for log in done.logs] == ["1", "2", "3", "4", "5"], done.err


def test_empty_input_is_no_error(apply: Apply) -> None:
    done = apply('e_set("k", "v")', given=b"")
    assert (done.code, done.out) == (0, b"") and "0 logs read" in done.err
    quiet = apply("", "--quiet", given=b"\n")
    assert (quiet.code, quiet.out, quiet.err) == (0, b"", "")


def test_order_is_kept_whatever_shapes_the_lines_have(apply: Apply) -> None:
    logs = [{"n": n, **({"b": "x"} if n % 2 else {}), **({f"c{n % 7}": "y"} if n % 3 else {}), "tags": "a,b"} for n in range(3_000)]
    done = apply('e_split("tags")\ne_if(v("n") == "5", e_coutput("five"))', "--targets=out", given=packed(*logs))
    assert [(log["n"], log["tags"]) for log in done.logs] == [(str(n), tag) for n in range(3_000) for tag in "ab"]
    expected = [{name: str(value) for name, value in log.items()} | {"tags": tag} for log in logs for tag in "ab"]
    assert done.logs == expected
    assert [log["tags"] for log in read(Path("out/five.jsonl"))] == ["a", "b"]


def test_what_fails_and_what_is_no_log_goes_to_the_dead_letters(apply: Apply) -> None:
    lines = b'{"n":"1"}\nnope\n{"n":"x"}\n[1]\n{"a":"\xff"}\n{"n":"3"}\n{"d":"1"}\n'
    done = apply('e_if(v("d"), DROP)\ne_set("m", ct_int(v("n")))', "--dead-letters=dead/letters.jsonl", given=lines)
    assert done.code == 1
    assert [log["m"] for log in done.logs if "m" in log] == ["1", "3"]
    letters: list[dict[str, Any]] = read(Path("dead/letters.jsonl"))
    assert [letter["line"] for letter in letters] == [2, 3, 4, 5]
    assert [letter["reason"].splitlines()[0] for letter in letters] == [
        "not-json",
        "error when calling : ct_int",
        "not-an-object",
        "not-utf8",
    ]
    failed = letters[1]
    assert failed["log"] == {"n": "x"} and failed["step"] == "2 e_set" and failed["position"].startswith("2:") and failed["file"] == "stdin"
    assert "dead 1, no logs 3" in done.err and "dropped by the rule 1" in done.err
    assert "invalid literal for int() with base 10: 'x'" in done.err and "rule.etl:2:" in done.err


def test_bad_lines_without_a_file_for_them_are_counted_all_the_same(apply: Apply) -> None:
    done = apply("", given=b'{"a":"1"}\nnope\n')
    assert done.code == 1 and done.logs == [{"a": "1"}] and "no logs 1" in done.err


def test_a_huge_line_is_told_and_passed_over(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.cli import apply as verb

    monkeypatch.setattr(verb, "_MAX_LINE_BYTES", 1_000_000)
    lines = packed({"a": "x" * 900_000}) + packed({"a": "y" * 20_000_000}) + packed({"a": "z"})
    done = apply('e_set("n", op_len(v("a")))\ne_drop_fields("a")', "--dead-letters=dead.jsonl", given=lines)
    assert done.code == 1 and done.logs == [{"n": "900000"}, {"n": "1"}]
    (letter,) = read(Path("dead.jsonl"))
    assert letter["reason"] == "too-long" and letter["line"] == 2 and int(letter["truncated"]) > 20_000_000


def test_a_time_is_a_field_like_any_other(apply: Apply) -> None:
    done = apply('e_set("t", v("__time__"))\ne_if(v("later"), e_set("__time__", op_add(ct_int(v("__time__")), 1)))',
                 given=packed({"a": 1}, {"__time__": 1700000000}, {"__time__": "1700000000", "later": 1}))  # fmt: skip
    assert done.logs == [
        {"a": "1"},
        {"__time__": "1700000000", "t": "1700000000"},
        {"__time__": "1700000001", "later": "1", "t": "1700000000"},
    ]


NAMES = ["plain", "a b", "..", ".hidden", "p/l", "ä", "x" * 300, "a%20b", "ünï/日本", "con\ncat", "/l2", "-", "~"]


def test_targets_of_any_name_have_files_of_their_own(apply: Apply) -> None:
    logs = [{"p": name.partition("/")[0] if "/" in name else "", "l": name.partition("/")[2] if "/" in name else name} for name in NAMES]
    rule = 'e_if(v("p"), e_output(project=v("p"), logstore=v("l")))\ne_output(name=v("l"))'
    done = apply(rule, "--targets=out", given=packed(*logs))
    assert done.code == 0 and done.out == b"", done.err
    found = [path for path in Path("out").rglob("*") if path.is_file()]
    assert len(found) == len(NAMES) and all(path.suffix == ".jsonl" for path in found)
    assert sorted(log["l"] for path in found for log in read(path)) == sorted(log["l"] for log in logs)
    assert read(Path("out/p/l.jsonl")) == [{"p": "p", "l": "l"}] and Path("out/%2E..jsonl").is_file()
    assert sorted(path.name for path in Path().iterdir()) == ["out", "rule.etl", "stdin"]


def test_thousands_of_targets_need_few_open_files(apply: Apply) -> None:
    logs = [{"t": f"tenant-{n % 1_500}", "n": n} for n in range(4_500)]
    done = apply('e_output(project="p", logstore=v("t"))', "--targets=out", given=packed(*logs))
    assert done.code == 0, done.err
    assert all(
        [log["n"] for log in read(Path(f"out/p/tenant-{n}.jsonl"))] == [str(n), str(n + 1_500), str(n + 3_000)] for n in range(0, 1_500, 97)
    )
    assert len(list(Path("out/p").iterdir())) == 1_500


def test_targets_without_a_folder_are_refused_before_anything_is_read(apply: Apply) -> None:
    done = apply('e_set("a", "b")\ne_output("errors")', given=packed({"n": 1}))
    assert (
        done.code == 2
        and done.out == b""
        and "the target 'errors'" in done.err
        and "--targets FOLDER" in done.err
        and "rule.etl:2:1" in done.err
    )
    dynamic = apply('e_output(logstore=v("n"))', given=packed({"n": 1}))
    assert dynamic.code == 2 and "the target '/1'" in dynamic.err


@pytest.mark.parametrize(
    "arguments", [("--output=in.jsonl",), ("--dead-letters=in.jsonl",), ("--dead-letters=./rule.etl",), ("--targets=.",)]
)
def test_what_is_read_is_never_overwritten(apply: Apply, arguments: tuple[str, ...]) -> None:
    Path("in.jsonl").write_bytes(packed({"n": 1}) + b"nope\n")
    rule = 'e_coutput("in")' if "--targets=." in arguments else ""
    done = apply(rule, *arguments, "in.jsonl")
    assert done.code == 2 and "cannot be written at the same time" in done.err
    assert Path("in.jsonl").read_bytes() == packed({"n": 1}) + b"nope\n" and Path("rule.etl").read_text() == rule


def test_a_missing_input_leaves_the_output_alone(apply: Apply) -> None:
    Path("old.jsonl").write_text("old\n")
    Path("folder").mkdir()
    for name, said in (("none.jsonl", "none.jsonl does not exist"), ("folder", "folder is a folder")):
        done = apply("", "--output=old.jsonl", name)
        assert done.code == 2 and said in done.err and Path("old.jsonl").read_text() == "old\n"


def test_a_damaged_file_gives_what_is_whole(apply: Apply) -> None:
    data = gzip.compress(packed(*({"n": n} for n in range(50_000))), compresslevel=1)
    Path("cut.gz").write_bytes(data[: len(data) // 2])
    done = apply("", "cut.gz")
    assert done.code == 2 and "cut.gz cannot be read beyond byte" in done.err and "imported" not in done.err
    assert [log["n"] for log in done.logs] == [str(n) for n in range(len(done.logs))] and len(done.logs) > 1_000


def test_a_rule_with_faults_says_all_of_them(apply: Apply) -> None:
    done = apply('e_set("a")\ne_sett("b", "c")\n', given=b"")
    assert done.code == 2 and "rule.etl:1:1" in done.err and "did you mean 'e_set'" in done.err


def test_parameters_and_their_references(apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALT", "pepper")
    Path("key").write_text("cellar")
    rule = 'e_set("p", str_join("-", res_local("plain"), res_local("env"), res_local("file")))'
    done = apply(rule, "--parameter=plain=x", "--parameter=env=env:SALT", "--parameter=file=file:key", given=packed({"a": 1}))
    assert done.code == 0 and done.logs[0]["p"] == "x-pepper-cellar", done.err


# ── as a process ─────────────────────────────────────────────────────────


@pytest.fixture
def piped(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "rule.etl").write_text('e_if(v("n") == "2", e_coutput("two"))\ne_set("seen", "yes")')
    command = [sys.executable, "-m", "pipelines", "apply", "--targets", str(tmp_path / "out"), str(tmp_path / "rule.etl"), "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, bufsize=0)
    yield process
    process.kill()
    process.communicate()


def next_line(process: subprocess.Popen[bytes]) -> dict[str, str]:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 60)[0], "no line came"
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(process.stdout.fileno(), 1)
    return dict(json.loads(line))


def test_lines_of_a_pipe_are_handled_as_they_come_and_ctrl_c_ends_it(piped: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert piped.stdin is not None
    for n in (1, 2, 3):
        piped.stdin.write(packed({"n": n}) + b'{"n": "half')  # the pipe stays open, its last line is not whole
        assert next_line(piped) == {"n": str(n), "seen": "yes"}
        piped.stdin.write(b'"}\n')
        assert next_line(piped) == {"n": "half", "seen": "yes"}
    assert read(tmp_path / "out" / "two.jsonl") == [{"n": "2"}]
    piped.send_signal(signal.SIGINT)
    out, err = piped.communicate(timeout=60)
    assert piped.returncode == 130 and out == b"" and err.decode().strip().endswith("interrupted")
    assert b"Traceback" not in err


def test_a_steady_trickle_comes_out_too(piped: subprocess.Popen[bytes]) -> None:
    """A writer that never pauses long enough to be noticed must not hold its lines back until megabytes have come."""
    import threading

    assert piped.stdin is not None
    stop = threading.Event()
    stdin = piped.stdin

    def trickle() -> None:
        n = 0
        while not stop.wait(0.01):
            stdin.write(packed({"n": n}))
            n += 1

    writer = threading.Thread(target=trickle)
    writer.start()
    try:
        assert next_line(piped) == {"n": "0", "seen": "yes"}
    finally:
        stop.set()
        writer.join()


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    (tmp_path / "rule.etl").write_text("")
    (tmp_path / "in.jsonl").write_bytes(b'{"n":"0"}\n' + packed({"n": "x" * 1_000}) * 50_000)
    line = f"{sys.executable} -m pipelines apply {tmp_path}/rule.etl {tmp_path}/in.jsonl | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=ROOT, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'{"n":"0"}\n', b"")


def test_a_named_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    (tmp_path / "rule.etl").write_text("")
    line = f'{sys.executable} -m pipelines apply -q {tmp_path}/rule.etl <(echo \'{{"a":"1"}}\') <(echo \'{{"a":"2"}}\' | gzip)'
    done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=ROOT, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, b'{"a":"1"}\n{"a":"2"}\n'), done.stderr
