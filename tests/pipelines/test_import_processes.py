"""Large inputs are imported by several processes: what they make is what one process makes, and nobody outlives anybody."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.imports import import_logs, import_pieces, import_processes
from pipelines.imports.import_inputs import find_inputs
from pipelines.imports.import_pieces import cut, piece_size
from pipelines.imports.import_stages import Place
from tests.crash import count_moments, run_killed_at
from tests.pipelines.import_probe import dead_letters, import_files, logs_of, make_store
from transforms.core.errors import LogsluiceError, NotFound, ParameterInvalid, StoreUnavailable

ROOT = Path(__file__).resolve().parents[2]
LINES = 6_000


def small_pieces(monkeypatch: pytest.MonkeyPatch, large: int = 1) -> None:
    """Let small inputs be large ones."""
    monkeypatch.setattr(import_pieces, "_LARGE", large)
    monkeypatch.setattr(import_pieces, "_PIECE", 40_000)
    monkeypatch.setattr(import_pieces, "_SMALLEST", 1)
    monkeypatch.setattr(import_pieces, "_cores", lambda: 2)


def lines_of(name: str, count: int, seed: int) -> list[str]:
    """JSON lines with a number that rises; some of them no logs, of every kind."""
    choose = random.Random(seed)
    lines = []
    for i in range(count):
        log = json.dumps({"time": 1_700_000_000 + 100_000 * seed + i, "n": f"{name} {i}", "text": "x" * choose.randrange(60)})
        wrong = ["nope", "[1]", '{"time": "x"}', "", '{"a": "' + "y" * 3_000 + '"}', '{"a": "\\ud800"}']
        lines.append(choose.choice(wrong) if choose.random() < 0.02 else log)
    return lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inputs")
    for number, (count, end) in enumerate([(LINES, "\n"), (30, ""), (0, ""), (LINES // 2, "\r\n"), (40, "\n"), (60, "\n")]):
        (path / f"{number}.jsonl").write_text("\n".join(lines_of(str(number), count, number)) + end)
    return path


def import_workers() -> list[psutil.Process]:
    """Processes of an import of this one, which may have others: servers of the suite."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "pipelines.imports.import_worker" in child.cmdline():
                found.append(child)
    return found


@pytest.mark.parametrize("batch_rows", [400_000, 700])
def test_the_same_as_by_one_process(home: Home, folder: Path, batch_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"time_field": "time", "max_line_bytes": 2_000, "batch_rows": batch_rows}
    make_store(home, "alone", shards=1)
    make_store(home, "web", shards=1)
    alone = import_files(home, folder, store="alone", **options)
    small_pieces(monkeypatch)
    seen: list[tuple[int, int]] = []
    children: set[psutil.Process] = set()

    def watch(done: int, total: int, _logs: int) -> None:
        seen.append((done, total))
        children.update(import_workers())

    report = import_logs.import_logs(home, import_logs.ImportRequest("default", "web", (str(folder),), **options), watch=watch)
    assert len(children) == 2
    assert not any(child.is_running() for child in children)
    assert (report.logs, report.bytes, report.dead, report.fields_without_time) == (alone.logs, alone.bytes, alone.dead, [])
    assert len(report.dead) >= 5
    assert dead_letters(report) == dead_letters(alone)
    assert logs_of(home, "web") == logs_of(home, "alone")
    assert seen[-1] == (sum(file.stat().st_size for file in folder.iterdir()),) * 2
    # In the order of the input, from one commit to the next and from file to file within it.
    order = [log["n"] for batch in home.open_logstore("default", "web").tail(0) for group in batch.groups for log in group.to_logs()]
    assert [tuple(map(int, text.split())) for text in order] == sorted(tuple(map(int, text.split())) for text in order)
    assert import_files(home, folder, **options).repeated


def test_text_lines(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pieces(monkeypatch)
    make_store(home)
    (tmp_path / "x.log").write_text("\ufeff" + "".join(f"line {i}\n" for i in range(30_000)))
    report = import_files(home, tmp_path / "x.log", format="text", topic="t")
    assert report.logs == 30_000
    assert {dict(fields)["content"] for _, _, fields in logs_of(home)} == {f"line {i}" for i in range(30_000)}
    assert len({(seconds, part) for seconds, part, _ in logs_of(home)}) == 1


def test_what_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    plain, packed = tmp_path / "x.jsonl", tmp_path / "y.jsonl"
    plain.write_text('{"a": 1}\n' * 10_000)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    small_pieces(monkeypatch, large=50_000)

    def size(path: Path | str, format: str = "jsonl", rows: int = 400_000) -> int | None:
        return piece_size(find_inputs([str(path)])[0], [format], rows)

    assert size(plain) == 40_000
    assert size(plain, rows=4_000) == 9_000
    assert size(plain, "csv") is size("-") is size(packed) is None
    monkeypatch.setattr(import_pieces, "_LARGE", 1)
    assert size(packed) is None
    monkeypatch.setattr(import_pieces, "_LARGE", 100_000)
    assert size(plain) is None
    monkeypatch.setattr(import_pieces, "_LARGE", 1)
    monkeypatch.setattr(import_pieces, "_SMALLEST", 50_000)
    assert size(plain) is None
    monkeypatch.setattr(import_pieces, "_SMALLEST", 1)
    monkeypatch.setattr(import_pieces, "_cores", lambda: 1)
    assert size(plain) is None


@given(st.lists(st.lists(st.integers(0, 30), max_size=40), min_size=1, max_size=4), st.integers(1, 200), st.booleans())
def test_pieces_are_whole_lines_each_once(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[list[int]], size: int, ends: bool
) -> None:
    path = tmp_path_factory.mktemp("cut")
    texts = []
    for number, lines in enumerate(lengths):
        text = "\n".join("x" * length for length in lines) + ("\n" if ends else "")
        (path / str(number)).write_text(text)
        texts.append(text)
    inputs, _ = find_inputs([str(path)])
    found = [""] * len(texts)
    spans = [span for piece in cut(inputs, Place(0, {}), size) for span in piece]
    for span in spans:
        assert span.offset == len(found[span.file])
        stop = len(texts[span.file]) if span.stop is None else span.stop
        assert span.stop is None or texts[span.file][stop - 1] == "\n"
        found[span.file] += texts[span.file][span.offset : stop]
    assert found == texts
    assert [span.file for span in spans] == sorted(span.file for span in spans)
    assert [span.file for span in spans if span.stop is None] == list(range(len(texts)))


def test_wrong_options_leave_no_trace(home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pieces(monkeypatch)
    make_store(home)
    with pytest.raises(ParameterInvalid, match="Mars"):
        import_files(home, folder, time_field="time", time_zone="Mars")
    assert home.catalogue().list_imports("default", "web") == ()


@pytest.mark.parametrize("damage", ["gone", "shorter"])
def test_an_input_that_changes_under_the_import(
    home: Home, folder: Path, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pieces(monkeypatch)
    make_store(home)
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    whole = (folder / "0.jsonl").read_bytes()
    first.write_bytes(whole)
    second.write_bytes(whole.replace(b'"0 ', b'"1 '))
    prepare = import_processes.prepare

    def then_damage(*given: Any) -> None:
        prepare(*given)
        second.unlink() if damage == "gone" else os.truncate(second, 100_000)

    monkeypatch.setattr(import_logs, "prepare", then_damage)
    with pytest.raises(NotFound if damage == "gone" else ParameterInvalid) as caught:
        import_files(home, first, second, time_field="time", max_line_bytes=2_000)
    assert str(second) in caught.value.message
    assert sum(text.startswith("0 ") for _, _, fields in logs_of(home) for name, text in fields if name == "n") > 5_500


def program(home: Path, inputs: Path, wait: bool = False) -> str:
    return f"""
import sys, time
from pathlib import Path
import pipelines.imports.import_logs as import_logs, pipelines.imports.import_pieces as pieces
from pipelines.home import Home
pieces._LARGE, pieces._PIECE, pieces._SMALLEST, pieces._cores, import_logs._COMMIT_BYTES = 1, 100_000, 1, lambda: 2, 250_000
def watch(done, total, logs):
    if {wait} and done:
        print("going", flush=True)
        time.sleep(60)
report = import_logs.import_logs(
    Home.create(Path({str(home)!r})),
    import_logs.ImportRequest("default", "web", ({str(inputs)!r},), time_field="time", max_line_bytes=2_000), watch=watch,
)
print(report.logs, report.dead)
"""


@pytest.fixture(scope="module")
def wanted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[dict[str, Any]]]:
    home = Home.create(tmp_path_factory.mktemp("wanted") / "home")
    make_store(home)
    report = import_files(home, folder, time_field="time", max_line_bytes=2_000)
    found = logs_of(home), dead_letters(report)
    home.close()
    return found


def finish(path: Path, folder: Path, wanted: tuple[Any, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run again what was stopped: nothing is lost, nothing doubled."""
    small_pieces(monkeypatch)
    home = Home.create(path)
    report = import_files(home, folder, time_field="time", max_line_bytes=2_000)
    assert logs_of(home) == wanted[0]
    assert dead_letters(report) == wanted[1]
    home.close()


def new_home(path: Path) -> Path:
    home = Home.create(path)
    make_store(home)
    home.close()
    return path


def test_killed_at_moments(folder: Path, tmp_path: Path, wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = count_moments(program(new_home(tmp_path / "count"), folder))
    assert moments.count("import.intent before") >= 3
    assert "logstore.write-file before" not in moments, "files are written elsewhere"
    late = [
        i for i, moment in enumerate(moments) if moment in ("import.intent after", "import.dead-letters after", "logstore.commit after")
    ]
    for n in random.Random(3).sample(late, 2):
        path = new_home(tmp_path / str(n))
        run_killed_at(program(path, folder), n)
        finish(path, folder, wanted, monkeypatch)


def going(path: Path, folder: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """An import that has begun, and its processes."""
    parent = subprocess.Popen(
        [sys.executable, "-c", program(path, folder, wait=True)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert parent.stdout is not None
    assert parent.stdout.readline() == "going\n"
    children = psutil.Process(parent.pid).children()
    assert len(children) == 2
    return parent, children


def test_nobody_outlives_a_killed_import(folder: Path, tmp_path: Path, wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = new_home(tmp_path / "home")
    parent, children = going(path, folder)
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs(children, timeout=5)[1] == []
    finish(path, folder, wanted, monkeypatch)


def test_ctrl_c(folder: Path, tmp_path: Path, wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = new_home(tmp_path / "home")
    parent, children = going(path, folder)
    started = time.monotonic()
    parent.send_signal(signal.SIGINT)
    _, words = parent.communicate(timeout=10)
    assert time.monotonic() - started < 5
    assert words.rstrip().endswith("KeyboardInterrupt"), "one traceback, the program's own"
    assert words.count("Traceback") == 1
    assert psutil.wait_procs(children, timeout=1)[1] == []
    finish(path, folder, wanted, monkeypatch)


def test_a_process_that_is_killed_fails_the_import(home: Home, folder: Path, wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pieces(monkeypatch)
    make_store(home)
    killed = False

    def watch(done: int, _total: int, _logs: int) -> None:
        nonlocal killed
        if not killed and done:
            killed = True
            import_workers()[0].kill()
            time.sleep(0.2)

    request = import_logs.ImportRequest("default", "web", (str(folder),), time_field="time", max_line_bytes=2_000)
    with pytest.raises(StoreUnavailable) as caught:
        import_logs.import_logs(home, request, watch=watch)
    assert caught.value.code == "WorkerGone"
    assert "signal 9" in caught.value.message
    assert isinstance(caught.value, LogsluiceError)
    assert import_workers() == []
    finish(home.path, folder, wanted, monkeypatch)
