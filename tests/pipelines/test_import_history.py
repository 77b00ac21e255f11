"""What was imported is not imported twice without a word: other options, files that changed, two processes at once."""

from __future__ import annotations

import fcntl
import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from pipelines.imports.import_inputs import find_inputs
from pipelines.imports.import_logs import ImportRequest, import_logs
from tests.pipelines.import_probe import import_files, logs_of, make_store, run_here
from transforms.core.clock import FixedClock
from transforms.core.errors import AlreadyExists, ParameterInvalid, UserError

MOMENT = 1_772_438_400_000_000


@pytest.fixture
def store(home: Home) -> Home:
    make_store(home)
    return home


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "x.jsonl"
    file.write_text('{"__time__": 1}\n{"__time__": 2}\nnope\n')
    return file


def refused(home: Home, code: str, *files: Path | str, **options: Any) -> UserError:
    before = logs_of(home)
    with pytest.raises(UserError) as caught:
        import_files(home, *files, **options)
    assert caught.value.code == code
    assert logs_of(home) == before
    return caught.value


def test_the_same_file_with_other_options(store: Home, file: Path) -> None:
    import_logs(store, ImportRequest("default", "web", (str(file),)), clock=FixedClock(MOMENT))
    error = refused(store, "ImportedOtherwise", file, topic="t")
    assert str(error) == f"{file} was imported into this Logstore with other options on 2026-03-02 08:00:00 UTC: 2 logs"
    assert "--again" in str(error.hint)
    refused(store, "ImportedOtherwise", file.parent, format="jsonl")
    refused(store, "ImportedOtherwise", file, tags={"a": "b"})
    assert [run.finished for run in store.catalogue().list_imports("default", "web")] == [True], "what is refused leaves no trace"
    assert import_files(store, file).repeated
    assert import_files(store, file, topic="t", again=True).logs == 2
    assert import_files(store, file, topic="t").repeated
    assert import_files(store, file).repeated
    make_store(store, "other")
    assert import_files(store, file, store="other", topic="t").logs == 2


def test_one_file_of_several(store: Home, file: Path) -> None:
    (file.parent / "y.jsonl").write_text('{"__time__": 3}\n')
    import_files(store, file.parent / "y.jsonl", file)
    error = refused(store, "ImportedBefore", file)
    assert str(error).endswith(": 3 logs from 2 files")
    assert str(error.hint).startswith("--again")
    done = run_here(store, "import", "web", file, "--source", "s")
    assert done.code == 2
    assert "error[ImportedOtherwise]" in done.stderr


def test_a_folder_with_a_new_file(store: Home, file: Path) -> None:
    folder = file.parent / "logs"
    folder.mkdir()
    (folder / "1.jsonl").write_text('{"__time__": 1}\n')
    import_files(store, folder)
    for number in range(2, 8):
        (folder / f"{number}.jsonl").write_text(f'{{"__time__": {number}}}\n')
    hint = str(refused(store, "ImportedBefore", folder).hint)
    assert hint.startswith(f"import only what is new: {folder}/2.jsonl {folder}/3.jsonl {folder}/4.jsonl and 3 more; --again")
    refused(store, "ImportedOtherwise", folder, topic="t")
    import_files(store, *(folder / f"{number}.jsonl" for number in range(2, 8)))
    assert {seconds for seconds, _, _ in logs_of(store)} == set(range(1, 8))


def test_an_import_that_brought_no_log_hinders_nobody(store: Home, file: Path) -> None:
    assert import_files(store, file, time_field="tiem").logs == 0
    assert import_files(store, file).logs == 2
    # The other way round, the first import is another one again.
    refused(store, "ImportedOtherwise", file, time_field="t")


def test_a_stopped_import(store: Home, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    whole = gzip.compress("".join(f'{{"__time__": {i}, "n": "{os.urandom(8).hex()}"}}\n' for i in range(30_000)).encode())
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ParameterInvalid, match="cannot be read beyond"):
        import_files(store, file)
    error = refused(store, "ImportedOtherwise", file, topic="t")
    assert f"{sum(logs_of(store).values()):,} logs so far" in str(error)
    assert "finish that import" in str(error.hint)


def test_an_import_at_work(store: Home, file: Path) -> None:
    catalogue = store.catalogue()
    request = ImportRequest("default", "web", (str(file),))
    import_id = request.identity(find_inputs([str(file)])[0])
    import_files(store, file)
    (run,) = catalogue.list_imports("default", "web")
    catalogue.forget_import("default", "web", import_id)
    begun = catalogue.start_import("default", "web", import_id)
    first = {**run.start, "counters": {"logs": 0, "bytes": 0, "dead": {}}}
    catalogue.record_import("default", type(begun)(import_id, "web", begun.lane, begun.version, first, first, False, {}))
    lock = store.path / "locks" / f"import-{import_id}"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert refused(store, "ImportRunning", file).exit_code == 2
        assert "0 logs so far" in str(refused(store, "ImportedOtherwise", file, topic="t"))
    assert import_files(store, file, topic="t").logs == 2  # nobody is at the first one, and it had brought nothing
    refused(store, "ImportedOtherwise", file)  # it must not go on now


def test_two_processes_at_one_import(store: Home, file: Path) -> None:
    request = ImportRequest("default", "web", (str(file),))
    lock = store.path / "locks" / f"import-{request.identity(find_inputs([str(file)])[0])}"
    lock.parent.mkdir()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AlreadyExists) as caught:
            import_files(store, file)
    assert caught.value.code == "ImportRunning"
    assert import_files(store, file).logs == 2


def test_a_pipe_with_a_name(store: Home, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def piped(**options: Any) -> int:
        with file.open() as stream:
            monkeypatch.setattr("sys.stdin", stream)
            return import_files(store, "-", format="jsonl", **options).logs

    assert piped(name="app") == piped(name="other") == piped() == piped() == 2
    with pytest.raises(ParameterInvalid, match=r"the pipe 'app' was imported .* 2 logs") as caught:
        piped(name="app", topic="t")
    assert caught.value.code == "ImportedOtherwise"


def test_a_file_that_changed(store: Home, file: Path) -> None:
    file.write_text('{"__time__": 1}\n')
    import_files(store, file)
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert "written anew since, with the same length" in str(refused(store, "ImportChanged", file))
    with file.open("a") as grown:
        grown.write('{"__time__": 2}\n')
    assert "tail -c +17" in str(refused(store, "ImportChanged", file).hint)
    assert import_files(store, file, again=True).logs == 2
    assert import_files(store, file).repeated
    file.write_text("{}")
    error = refused(store, "ImportChanged", file, topic="t")
    assert "it had 32 bytes; now it has 2" in str(error)
    assert "tail" not in str(error.hint), "nothing was added"


def test_no_tail_of_what_has_a_beginning(store: Home, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("__time__\n1\n")
    import_files(store, file)
    file.write_text("__time__\n1\n2\n")
    assert "tail" not in str(refused(store, "ImportChanged", file).hint)


def test_options_without_sense_leave_no_trace(store: Home, file: Path) -> None:
    with pytest.raises(ParameterInvalid):
        import_files(store, file, time_zone="Mars")
    assert store.catalogue().list_imports("default", "web") == ()
