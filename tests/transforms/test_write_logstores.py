"""WriteLogstores and WriteLogstore: few files, one element, exactly once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from pipelines.launch import new_pipeline, run_pipeline
from tests.crash import count_moments, run_killed_at
from transforms import write_logstores
from transforms.connectors import create_logstore, open_logstore
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.field_columns import TIME
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.write_logstore import WriteLogstore, _CommitOnce
from transforms.write_logstores import CommitTargets, Destination, Files, SaveFiles, WriteLogstores, load_files

LOCAL = PipelineOptions(["--runner", "FnApiRunner"])
Make = Callable[..., dict[str, LogstoreDescriptor]]


@pytest.fixture
def targets(tmp_path: Path) -> dict[str, LogstoreDescriptor]:
    made = {}
    for name in ("a", "b", "demo/c"):
        location = str(tmp_path / name.replace("/", "-"))
        made[name] = create_logstore(LogstoreDescriptor("demo", name, location, even_shards(2))).descriptor
    return made


def group(*numbers: int) -> LogGroup:
    return LogGroup.from_logs([{"n": str(n)} for n in numbers], [100 + n for n in numbers])


def numbers(descriptor: LogstoreDescriptor) -> list[int]:
    return sorted(int(log["n"]) for one in open_logstore(descriptor).read() for log in one.to_logs())


def run(build: Callable[[beam.Pipeline], object], options: PipelineOptions = LOCAL) -> None:
    pipeline = new_pipeline(options)
    build(pipeline)
    run_pipeline(pipeline)


def pairs(*elements: tuple[Any, LogGroup]) -> Any:
    return "Logs" >> beam.Create(list(elements)).with_output_types(tuple[Any, LogGroup])


def test_many_small_groups_become_few_files_in_one_element(targets: dict[str, LogstoreDescriptor]) -> None:
    elements = [("a" if n % 3 else "demo/c", group(n)) for n in range(60)]
    seen: list[Mapping[str, int]] = [{"a": 40, "b": 0, "demo/c": 20}]

    def build(pipeline: beam.Pipeline) -> None:
        write = WriteLogstores(targets, CommitTargets(targets, AppTransaction("job", 1)), origin="job/1")
        assert_that(pipeline | pairs(*elements) | write, equal_to(seen))

    run(build)
    assert numbers(targets["a"]) == [n for n in range(60) if n % 3] and numbers(targets["demo/c"]) == list(range(0, 60, 3))
    for name in ("a", "demo/c"):
        files = open_logstore(targets[name]).snapshot().files
        assert {file.origin for file in files} == {"job/1"} and len(files) <= 2
    assert {open_logstore(each).app_version("job") for each in targets.values()} == {1}  # the one without logs is fenced too


def test_a_mapping_of_collections_and_a_run_again(targets: dict[str, LogstoreDescriptor]) -> None:
    def once(step: int, shift: int) -> None:
        def build(pipeline: beam.Pipeline) -> None:
            logs = {name: pipeline | f"Logs {name}" >> beam.Create([group(shift), group(shift + 1)]) for name in ("a", "b")}
            logs | WriteLogstores(targets, CommitTargets(targets, AppTransaction("job", step), "job/1"), origin="job/1")

        run(build)

    once(1, 0)
    once(1, 10)  # the same step again: nothing changes, not even after a compaction
    assert numbers(targets["a"]) == [0, 1]
    open_logstore(targets["a"]).append([group(5)])
    open_logstore(targets["a"]).compact(min_files=2)
    once(1, 20)
    assert numbers(targets["a"]) == [0, 1, 5]
    once(2, 30)
    assert numbers(targets["a"]) == [5, 30, 31] and numbers(targets["b"]) == [30, 31]


def test_no_logs_at_all_replace_too(targets: dict[str, LogstoreDescriptor]) -> None:
    open_logstore(targets["b"]).append([group(1)], origin="job/1")

    def build(pipeline: beam.Pipeline) -> None:
        write = WriteLogstores(targets, CommitTargets(targets, AppTransaction("job", 1), "job/1"), origin="job/1")
        assert_that(pipeline | pairs() | write, equal_to([{"a": 0, "b": 0, "demo/c": 0}]))

    run(build)
    assert numbers(targets["b"]) == []


def test_a_committer_that_is_called_again_changes_nothing(targets: dict[str, LogstoreDescriptor]) -> None:
    store = open_logstore(targets["a"])
    files: Files = {"a": store.write_files([group(1)], origin="job"), "b": []}
    commit = CommitTargets(targets, AppTransaction("job", 1), "job")
    assert commit(files) == commit(files) == {"a": 1, "b": 0}
    store.append([group(2)])
    store.compact(min_files=2)
    version = store.version()
    commit(files)
    assert numbers(targets["a"]) == [1, 2] and store.version() == version
    single = _CommitOnce(targets["b"])
    written = {"b": open_logstore(targets["b"]).write_files([group(3)])}
    assert single(written) == single(written) == {"b": 1}
    assert numbers(targets["b"]) == [3]


def test_the_launcher_commits_what_workers_wrote(targets: dict[str, LogstoreDescriptor], tmp_path: Path) -> None:
    saved = str(tmp_path / "files.json")
    options = PipelineOptions(["--runner", "FnApiRunner", "--direct_num_workers", "2"])
    elements = [(Destination("a", n % 2), group(n)) for n in range(20)] + [(Destination("b", origin="job/b"), group(99))]
    run(lambda pipeline: pipeline | pairs(*elements) | WriteLogstores(targets, SaveFiles(saved), origin="job/ü"), options)
    assert numbers(targets["a"]) == []
    found = load_files(saved)
    assert {target: sum(file.rows for file in files) for target, files in found.items()} == {"a": 20, "b": 1, "demo/c": 0}
    assert {file.origin for files in found.values() for file in files} == {"job/ü", "job/b"}
    for target, files in found.items():
        open_logstore(targets[target]).commit(files, app=AppTransaction("job", 1), replaces="job/ü")
    assert numbers(targets["a"]) == list(range(20))
    by_shard = {file.shard: file.rows for file in open_logstore(targets["a"]).snapshot().files}
    assert by_shard == {0: 10, 1: 10}


def test_files_are_cut_by_bytes_and_by_the_sum_of_all_targets(
    targets: dict[str, LogstoreDescriptor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_logstores, "FILE_BYTES", 2_000_000)
    monkeypatch.setattr(write_logstores, "BUFFER_BYTES", 3_000_000)
    text = pl.DataFrame({TIME: range(10_000), "n": [str(n) for n in range(10_000)], "text": ["x" * 100] * 10_000})
    elements = [(name, LogGroup.from_frame(text)) for _ in range(3) for name in ("a", "b", "demo/c")]
    counts: list[int] = []

    def count(files: Files) -> None:
        counts.extend(len(found) for found in files.values())

    run(lambda pipeline: pipeline | pairs(*elements) | WriteLogstores(targets, count))
    # One bundle: each target has 3 × 1.2 MB, flushed at 2 MB or when all have 3 MB.
    written = {name: len(list(Path(each.location).rglob("data/*/*.parquet"))) for name, each in targets.items()}
    assert all(2 <= files <= 3 for files in written.values()), written


def test_a_few_logs_of_a_shared_group_do_not_hold_it() -> None:
    whole = pl.DataFrame({TIME: range(60_000), "n": [f"a long enough number {n}" for n in range(60_000)]})
    part = LogGroup.from_frame(whole.filter(pl.col(TIME) < 600))
    assert part.nbytes > 1_000_000 > 100_000 > part.trimmed().nbytes
    assert LogGroup.from_frame(whole).trimmed().table["n"].type == "string_view"


def test_logs_of_an_unknown_target_are_refused(targets: dict[str, LogstoreDescriptor]) -> None:
    with pytest.raises(NotFound, match="'demo/d'") as caught:
        run(lambda pipeline: pipeline | pairs(("demo/d", group(1))) | WriteLogstores(targets, lambda files: None))
    assert caught.value.hint == "did you mean 'demo/c'?"
    with pytest.raises(NotFound, match="'x'"):
        run(lambda pipeline: {"x": pipeline | beam.Create([group(1)])} | WriteLogstores(targets, lambda files: None))
    with pytest.raises(ParameterInvalid, match="empty"):
        run(lambda pipeline: WriteLogstores(targets, lambda files: None).expand({}))


def test_write_logstore_with_an_app_transaction_is_exactly_once(targets: dict[str, LogstoreDescriptor]) -> None:
    def once(step: int, *logs: int, expect: int) -> None:
        def build(pipeline: beam.Pipeline) -> None:
            write = WriteLogstore(targets["a"], app=AppTransaction("job", step), origin="o", replaces="o")
            assert_that(pipeline | beam.Create([group(n) for n in logs]).with_output_types(LogGroup) | write, equal_to([expect]))

        run(build)

    once(1, 1, 2, expect=2)
    once(1, 3, expect=0)
    assert numbers(targets["a"]) == [1, 2]
    once(2, 4, expect=1)
    assert numbers(targets["a"]) == [4]
    once(3, expect=0)
    assert numbers(targets["a"]) == []
    with pytest.raises(ParameterInvalid, match="step of a job"):
        WriteLogstore(targets["a"], replaces="o")


def test_windows_do_not_matter(targets: dict[str, LogstoreDescriptor]) -> None:
    def stamp(one: LogGroup) -> Iterable[Any]:
        yield TimestampedValue(("a", one), int(one.seconds[0].as_py()))

    def build(pipeline: beam.Pipeline) -> None:
        logs = pipeline | beam.Create([group(n) for n in range(4)]) | beam.FlatMap(stamp).with_output_types(tuple[str, LogGroup])
        windowed = logs | beam.WindowInto(FixedWindows(1))
        windowed | WriteLogstores(targets, CommitTargets(targets, AppTransaction("job", 1)))

    run(build)
    assert numbers(targets["a"]) == [0, 1, 2, 3] and open_logstore(targets["a"]).snapshot().files_total <= 2


_PIPELINE = """
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from pipelines.launch import new_pipeline, run_pipeline
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.write_logstores import CommitTargets, WriteLogstores

targets = {{name: LogstoreDescriptor("demo", name, {folder!r} + "/" + name, even_shards(1)) for name in "ab"}}
pairs = [("ab"[n % 2], LogGroup.from_logs([{{"n": str(n)}}], [n])) for n in range(6)]
pipeline = new_pipeline(PipelineOptions(["--runner", "FnApiRunner"]))
logs = pipeline | beam.Create(pairs).with_output_types(tuple[str, LogGroup])
logs | WriteLogstores(targets, CommitTargets(targets, AppTransaction("job", 2), "job"), origin="job")
run_pipeline(pipeline)
"""


def test_a_pipeline_killed_at_its_commits_and_run_again(tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    for name in "ab":
        store = create_logstore(LogstoreDescriptor("demo", name, str(prepared / name), even_shards(1)))
        store.append([group(100)], origin="job", app=AppTransaction("job", 1))
    moments = count_moments(_PIPELINE.format(folder=str(shutil.copytree(prepared, tmp_path / "counted"))))
    commits = [n for n, moment in enumerate(moments) if moment.startswith("logstore.commit")]
    assert len(commits) == 4 and set(moments[: commits[0]]) == {"logstore.write-file before", "logstore.write-file after"}
    for n in (commits[1], commits[3]):  # what is before a commit is after the one before
        folder = Path(shutil.copytree(prepared, tmp_path / f"killed {n}"))
        run_killed_at(_PIPELINE.format(folder=str(folder)), n)
        for again in (False, True):
            if again:
                exec(_PIPELINE.format(folder=str(folder)), {})
            for place, name in enumerate("ab"):
                done = again or commits.index(n) > 2 * place
                found = numbers(LogstoreDescriptor("demo", name, str(folder / name), even_shards(1)))
                assert found == ([place, place + 2, place + 4] if done else [100]), (moments[n], again)
