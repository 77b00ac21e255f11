"""Killed with -9 anywhere and run again with the same arguments: nothing is lost, nothing doubled, no dead letter twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from pipelines.home import Home
from pipelines.imports import import_logs
from tests.crash import count_moments, run, run_killed_after, run_killed_at
from tests.pipelines.import_probe import Log, logs_of, make_store

ROOT = Path(__file__).resolve().parents[2]
_LINES = 60
_DEAD = 6


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    for number in range(2):
        lines = [json.dumps({"n": f"{number}/{i}"}) if i % 20 else f"bad {number}/{i}" for i in range(_LINES)]
        (folder / f"{number}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def program(home: Path, inputs: Path) -> str:
    """An import in batches of some twenty lines, as a process runs it."""
    return f"""
from pathlib import Path
import pipelines.imports.import_logs as import_logs
import transforms.formats.readers as readers
from pipelines.home import Home
import_logs._CHUNK_BYTES = 256
report = import_logs.import_logs(
    Home.create(Path({str(home)!r})), import_logs.ImportRequest("default", "web", ({str(inputs)!r},), batch_rows=20)
)
print(report.logs, report.dead)
"""


def check(path: Path, out: str) -> None:
    home = Home.create(path)
    expected = {(("n", f"{number}/{i}"),) for number in range(2) for i in range(_LINES) if i % 20}
    found = logs_of(home)
    assert {tuple(fields) for _, _, fields in found} == expected
    assert set(found.values()) == {1}, [log for log, count in found.items() if count > 1]
    assert len({(seconds, part) for seconds, part, _ in found}) == 1, "all logs have the start of the import as their time"
    (run_,) = home.catalogue().list_imports("default", "web")
    letters = [json.loads(line)["raw"] for line in Path(run_.summary["dead_letters"]).read_text().splitlines()]
    assert letters == [f"bad {number}/{i}" for number in range(2) for i in range(0, _LINES, 20)]
    assert out.split(" ", 1)[0] == str(2 * _LINES - _DEAD)
    assert run_.finished
    home.close()


@pytest.fixture(scope="module")
def moments(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("count") / "home"
    home = Home.create(path)
    make_store(home, shards=1)
    home.close()
    return count_moments(program(path, inputs))


def test_the_moments_are_there(moments: list[str]) -> None:
    kinds = {moment.split()[0] for moment in moments}
    assert {"import.begin", "import.intent", "import.dead-letters", "import.finish", "logstore.write-file"} <= kinds
    assert sum(moment == "import.intent before" for moment in moments) >= 4


def go_on(home: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the same import again after a kill, in this process: what was killed was another one."""
    monkeypatch.setattr(import_logs, "_CHUNK_BYTES", 256)
    opened = Home.create(home)
    report = import_logs.import_logs(opened, import_logs.ImportRequest("default", "web", (str(inputs),), batch_rows=20))
    opened.close()
    return f"{report.logs} {report.dead}"


def _killed_at(n: int, inputs: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.create(path)
    make_store(home, shards=1)
    home.close()
    run_killed_at(program(path, inputs), n)
    check(path, go_on(path, inputs, monkeypatch))


def test_killed_at_a_sample_of_moments(moments: list[str], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = sorted(set(moments))
    sample = {moments.index(kind) for kind in kinds if kind.startswith("import.")}
    late = [
        i for i, moment in enumerate(moments) if moment in ("import.intent after", "import.dead-letters after", "logstore.commit after")
    ]
    for n in sorted(random.Random(7).sample(sorted(sample), 2) + random.Random(8).sample(late, 2)):
        _killed_at(n, inputs, tmp_path / str(n), monkeypatch)


@pytest.mark.soak
def test_killed_at_every_moment(moments: list[str], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(len(moments)):
        _killed_at(n, inputs, tmp_path / str(n), monkeypatch)


def test_killed_again_and_again(moments: list[str], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "home"
    home = Home.create(path)
    make_store(home, shards=1)
    home.close()
    code = program(path, inputs)
    after_intent = moments.index("import.intent after")
    run_killed_at(code, after_intent)  # the intent is there, its commit is not
    run_killed_at(code, 1)  # in the middle of doing it again
    check(path, go_on(path, inputs, monkeypatch))


@pytest.mark.soak
def test_killed_at_random_times(inputs: Path, tmp_path: Path) -> None:
    choose = random.Random(11)
    for n in range(50):
        path = tmp_path / str(n)
        home = Home.create(path)
        make_store(home, shards=1)
        home.close()
        code = program(path, inputs)
        for _ in range(20):
            if not run_killed_after(code, choose.uniform(0.5, 2.5)):
                break
        check(path, run(code))


@contextmanager
def piped(data: str) -> Iterator[IO[str]]:
    """A pipe that a thread writes the data into."""
    reading, writing = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), "rw", strict=True))

    def write() -> None:
        with writing:
            writing.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    with reading:
        yield reading
        writer.join()


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_a_pipe_with_a_name_goes_on(tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "home"
    home = Home.create(path)
    make_store(home, shards=1)
    data = "".join(json.dumps({"__time__": i, "n": str(i)}) + "\n" for i in range(1_000))
    if format == "csv":
        data = "__time__,n\n" + "".join(f"{i},{i}\n" for i in range(1_000))
    code = f"""
from pathlib import Path
import os, signal
import pipelines.imports.import_logs as import_logs
from pipelines.home import Home
from transforms.core.durable import observe
seen = 0
def watch(operation, moment):
    global seen
    seen += (operation, moment) == ("import.intent", "after")
    if seen == 2:
        os.kill(os.getpid(), signal.SIGKILL)
observe(watch)
import_logs._CHUNK_BYTES = 2048
request = import_logs.ImportRequest("default", "web", ("-",), format={format!r}, name="x", batch_rows=200)
import_logs.import_logs(Home.create(Path({str(path)!r})), request)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=data, text=True, capture_output=True, check=False,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert 0 < sum(logs_of(home).values()) < 1_000
    monkeypatch.setattr(import_logs, "_CHUNK_BYTES", 2048)
    with piped(data) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        report = import_logs.import_logs(home, import_logs.ImportRequest("default", "web", ("-",), format=format, name="x", batch_rows=200))
    assert (report.resumed, report.logs) == (True, 1_000)
    found: dict[Log, int] = logs_of(home)
    assert sorted(seconds for seconds, _, _ in found) == list(range(1_000))
    assert set(found.values()) == {1}


def test_memory_stays_flat(tmp_path: Path) -> None:
    path = tmp_path / "home"
    home = Home.create(path)
    make_store(home)
    home.close()
    file = tmp_path / "x.jsonl"
    line = '{{"__time__": TIME, "method": "GET", "path": "/api/v1/item/{}", "agent": "Mozilla/5.0 (X11; Linux x86_64)", "bytes": {}, "ok": true, "id": "{}"}}\n'
    lines = "".join(line.format(1_700 * j, j, "x" * 40) for j in range(8_000))
    with file.open("w") as out:
        out.writelines(lines.replace("TIME", str(1_700_000_000 + i)) for i in range(150))
    code = f"""
import psutil
from pathlib import Path
from pipelines.home import Home
from pipelines.imports.import_logs import ImportRequest, import_logs
highest = {{}}
def watch(*_):
    for process in [psutil.Process(), *psutil.Process().children()]:
        highest[process.pid] = max(highest.get(process.pid, 0), process.memory_info().rss >> 20)
print(import_logs(Home.create(Path({str(path)!r})), ImportRequest("default", "web", ({str(file)!r},)), watch=watch).logs)
highest[0] = max(0, next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")) - highest[psutil.Process().pid])
print(len(highest) - 1, sum(highest.values()))
"""
    logs, processes, megabytes = map(int, run(code).split())
    assert file.stat().st_size > 190_000_000
    assert logs == 1_200_000
    assert processes == (3 if len(psutil.Process().cpu_affinity()) > 1 else 1)
    assert megabytes < 600
