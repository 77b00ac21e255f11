"""A Logstore in an object store: all a Logstore does, over a real S3 server; safe commits; no secret anywhere."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.query import plan_statement, run_in_process
from tests.conftest import ROOT, Cli
from tests.connectors.test_logstore_contract import (  # noqa: F401 - collected here too, over the fixtures below
    test_a_new_store_is_empty,
    test_absent_and_empty_differ,
    test_creating_twice_keeps_the_logs_and_dropping_ends_them,
    test_fields_of_any_name_come_back,
    test_files_become_visible_only_by_their_commit_and_all_at_once,
    test_snapshot_prunes_by_event_time_and_by_receive_time,
    test_tail_gives_each_commit_once_in_order,
)
from tests.connectors.test_logstore_maintenance import test_expire_hides_whole_files_of_old_logs  # noqa: F401 - likewise
from tests.connectors.test_logstore_origins import (  # noqa: F401 - likewise
    test_one_origin_and_logs_without_make_a_mixed_file_too,
)
from tests.connectors.test_shard_contract import (  # noqa: F401 - likewise
    test_a_retired_shard_is_read_to_its_end,
    test_cursors_survive_compaction,
    test_logs_that_a_field_places_are_divided_again,
    test_places_by_time_and_back,
    test_split_and_merge_seal_the_retired_and_make_new_ones,
)
from tests.object_store import SECRET, ObjectStore
from tests.pipelines.tracing import traced
from transforms.connectors import create_logstore, drop_logstore, open_logstore
from transforms.connectors.delta import logstore as delta_logstore
from transforms.connectors.delta.object_files import Scrub
from transforms.core.errors import NotFound, ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import LogGroup
from transforms.sql.engine import Engine
from transforms.sql.plan import QueryPlan
from transforms.sql.planner import PlanOptions
from transforms.sql.scan import LogScan, RawColumns, ScanColumn
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import AppTransaction, Logstore, LogstoreDescriptor
from transforms.stores.names import check_storage
from transforms.stores.shard import even_shards

INDEX = Index(fields={"status": FieldIndex("long"), "latency": FieldIndex("double"), "host": FieldIndex("text")})


@pytest.fixture
def adapter() -> str:
    return "delta"


@pytest.fixture
def describe(object_store: ObjectStore) -> Callable[..., LogstoreDescriptor]:
    location = f"s3://{object_store.bucket()}/team a/web"

    def make(shards: int = 1, **changes: Any) -> LogstoreDescriptor:
        descriptor = LogstoreDescriptor(DEFAULT_PROJECT, "web", location, even_shards(shards), storage_options=object_store.options())
        return replace(descriptor, **changes)

    return make


Describe = Callable[..., LogstoreDescriptor]


def logs(first: int, count: int = 50) -> LogGroup:
    numbers = range(first, first + count)
    rows = [{"n": str(n), "status": "500" if n % 10 == 0 else "200", "latency": f"{n / 8}", "host": f"h{n % 3}"} for n in numbers]
    return LogGroup.from_logs(rows, list(numbers))


def numbers(store: Logstore) -> list[int]:
    return sorted(int(log["n"]) for group in store.read() for log in group.to_logs())


def fill(store: Logstore) -> None:
    """Every kind of file: older than the index, with typed columns, of compaction, without some field, with rare fields."""
    store.set_index(None)
    store.append([logs(0)])
    store.set_index(INDEX)
    store.append([logs(50)])
    store.append([logs(100)])
    store.compact(min_files=2)
    store.append([LogGroup.from_logs([{"host": "h9"}, {"status": "x", "latency": ""}], [150, 151])])
    store.append([logs(200)])


STATEMENTS = [
    "* | select count(1) as n, sum(status) as s, avg(latency) as x, min(__time__) as t from log",
    "status >= 500 | select host, count(1) as n, max(latency) as m from log group by host order by host",
    "* | select a.host, count(1) as n from log a join (select distinct host from log where status = 500) b on a.host = b.host group by a.host order by 1",
    "host: h9 or status: 500",
    "not status: 200 | select count(1) as n, count(status) as k from log",
    "host: nowhere | select count(1) as n from log",
]  # fmt: skip


def plan(home: Home, statement: str, times: Interval = ALL_TIME) -> QueryPlan:
    return plan_statement(home, DEFAULT_PROJECT, "web", statement, times, PlanOptions(now_us=1_800_000_000_000_000, least_tasks=4))


def rows(home: Home, statement: str, times: Interval = ALL_TIME) -> list[list[Any]]:
    return list(run_in_process(plan(home, statement, times), now_seconds=1_800_000_000).rows.plain())


def test_queries_give_the_rows_of_a_folder(describe: Describe, tmp_path: Path) -> None:
    found = []
    for place in (describe(2, index=INDEX), describe(2, index=INDEX, location=str(tmp_path / "web"), storage_options={})):
        home = Home.create(tmp_path / place.location.partition(":")[0].replace("/", "_"))
        fill(home.create_logstore(place))
        found.append([rows(home, statement, times) for statement in STATEMENTS for times in (ALL_TIME, Interval(30, 152))])
        home.close()
    assert found[0] == found[1]
    assert found[0][0][0][0] > 0


def test_only_the_columns_and_row_groups_that_are_needed_are_fetched(home: Home, describe: Describe, object_store: ObjectStore) -> None:
    store = home.create_logstore(describe(index=INDEX))
    store.append([LogGroup.from_logs([{"host": "a", "status": "1", "text": f"{n} " * 400} for n in range(2_000)], range(2_000))])
    (file,) = store.snapshot().files
    planned = plan(home, "* | select host, sum(status) as s from log group by host")
    object_store.requests()
    assert list(run_in_process(planned, now_seconds=0).rows.plain()) == [["a", 2_000]]
    assert 0 < sum(path.endswith(".parquet") for _, path in object_store.requests()) <= 6
    (dataset,) = planned.scan.tables(planned.files).values()
    assert "f:text" not in dataset.schema.names and len(dataset.schema.names) < 5
    assert file.size > 10_000


def test_receive_times_come_from_the_log_of_commits_and_from_merged_files(describe: Describe) -> None:
    store = create_logstore(describe())
    commits = [store.append([logs(number * 50)]) for number in range(2)]
    store.compact(min_files=2)
    commits.append(store.append([logs(100)]))
    found = store.snapshot()
    raw = RawColumns(found.fields, found.has_overflow)
    columns = (ScanColumn("r", raw.receive_time()), ScanColumn("n", raw.text("n")), ScanColumn("none", raw.text("nobody has it")))
    scan = LogScan(columns, tuple(raw.physical.items()), (), "", ALL_TIME, False, frozenset(found.fields), found.access)
    engine = Engine()
    for name, table in scan.tables(found.files).items():
        engine.define_table(name, table)
    engine.define_log(scan.relation(found.files))
    seen = engine.run('select min(r) as a, max(r) as b, count(r) as n, count("none") as none, count(n) as c from "~log"').to_pylist()
    engine.close()
    first, last = (commit.receive_time // 1_000_000 for commit in (commits[0], commits[2]))
    assert seen == [{"a": first, "b": last, "n": 150, "none": 0, "c": 150}]


def test_two_writers_lose_no_commit(describe: Describe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each writer's commits are put only where no log entry is: who comes second starts again."""
    monkeypatch.setattr(delta_logstore, "CHECKPOINT_EVERY", 4)
    descriptor = describe()
    create_logstore(descriptor)
    versions: list[int] = []
    failures: list[BaseException] = []

    def write(first: int) -> None:
        try:
            store = open_logstore(descriptor)
            for turn in range(6):
                app = AppTransaction(f"writer-{first}", turn)
                commit = store.append([logs(first + turn * 2, 2)], app=app)
                versions.append(commit.version)
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not failures
    store = open_logstore(descriptor)
    assert numbers(store) == [*range(12), *range(100, 112)]
    assert Counter(versions).most_common(1)[0][1] == 1
    assert Counter(log["n"] for batch in store.tail(-1) for group in batch.groups for log in group.to_logs()).most_common(1)[0][1] == 1
    # Past some versions there is a checkpoint, and the table opens from it.
    assert any("checkpoint.parquet" in log for log in keys_below(descriptor))


def keys_below(descriptor: LogstoreDescriptor) -> list[str]:
    import pyarrow.fs

    found = open_logstore(descriptor).snapshot().access
    assert found is not None
    infos = found.file_system().get_file_info(pyarrow.fs.FileSelector("", recursive=True))
    return [info.path for info in infos if info.type == pyarrow.fs.FileType.File]


def test_a_commit_whose_answer_is_lost_is_made_once(describe: Describe, object_store: ObjectStore) -> None:
    """The client tries again, finds an entry, and takes it for another writer's."""
    store = create_logstore(describe())
    store.append([logs(0)])
    object_store.lose_next_commit()
    object_store.requests()
    commit = store.append([LogGroup.from_logs([{"n": "50"}], [50])], app=AppTransaction("job", 1))
    puts = [path for method, path in object_store.requests() if method == "PUT" and path.endswith(f"{commit.version:020d}.json")]
    assert len(puts) == 2 and commit.applied
    assert numbers(store) == list(range(51))
    assert len(list(store.tail(-1))) == 2


def test_deleting_leaves_nothing_and_touches_nothing_else(describe: Describe, object_store: ObjectStore) -> None:
    descriptor = describe()
    bucket = descriptor.location.split("/")[2]
    neighbour = create_logstore(replace(descriptor, location=f"{descriptor.location}-2"))
    neighbour.append([logs(0, 3)])
    before = object_store.keys(bucket)
    for number in range(3):
        create_logstore(descriptor).append([logs(number)])
    drop_logstore(descriptor)
    assert object_store.keys(bucket) == before
    assert numbers(neighbour) == [0, 1, 2]


def test_the_command_line_from_create_to_delete(cli: Cli, home: Home, object_store: ObjectStore, tmp_path: Path) -> None:
    bucket = object_store.bucket()
    options = [f"--storage-option={key}={value}" for key, value in object_store.options().items()]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"__time__": n, "n": str(n), "status": "200"}) + "\n" for n in range(100)))
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"keys": {"status": {"type": "long"}}}))
    out = []
    for command in (
        ["logstore", "create", "web", "--location", f"s3://{bucket}/logs/web", "--ttl", "1", "--index", str(index), *options],
        ["import", "web", str(tmp_path / "a.jsonl"), "--batch-rows", "30"],
        ["query", "web", "* | select count(1) as n, sum(status) as s", "--format", "json"],
        ["tail", "web", "-n", "1"],
        ["logstore", "compact", "web", "--min-files", "2"],
        ["logstore", "vacuum", "web", "--older-than-hours", "0"],
        ["export", "web"],
        ["logstore", "expire", "web"],
        ["query", "web", "* | select count(1) as n", "--format", "json"],
    ):
        done = cli(*command)
        assert done.code == 0, (command, done.stderr)
        out.append(done.stdout)
        assert SECRET not in done.stdout + done.stderr
    assert json.loads(out[2]) == [{"n": 100, "s": 20_000}]
    assert json.loads(out[3])["n"] == "99"
    assert sorted(int(json.loads(line)["n"]) for line in out[6].splitlines()) == list(range(100))
    assert json.loads(out[8]) == [{"n": 0}]
    everything = b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    assert SECRET.encode() not in everything and quote(SECRET, safe="").encode() not in everything
    assert cli("logstore", "delete", "web", "--yes").code == 0
    assert object_store.keys(bucket) == []


def test_two_worker_processes_read_it(home: Home, describe: Describe, tmp_path: Path) -> None:
    store = home.create_logstore(describe(2, index=INDEX))
    for number in range(6):
        store.append([logs(number * 100, 100)])
    statement = "* | select status, count(1) as n, sum(latency) as x from log group by status order by status"
    planned = plan(home, statement)
    (trace := tmp_path / "trace").mkdir()
    planned = replace(planned, scan=traced(planned.scan, trace))
    assert len(planned.tasks) > 1
    assert SECRET.encode() not in pickle.dumps(planned) and SECRET not in repr(planned)
    (plan_file := tmp_path / "plan").write_bytes(pickle.dumps(planned))
    script = tmp_path / "run.py"
    script.write_text(_PIPELINE)
    expected = rows(home, statement)
    done = subprocess.run(
        [sys.executable, str(script), str(plan_file), str(tmp_path / "rows")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert json.loads((tmp_path / "rows").read_text()) == expected
    seen = [json.loads(line) for file in trace.iterdir() for line in file.read_text().splitlines()]
    assert len({entry["pid"] for entry in seen}) == 2
    assert Counter(path for entry in seen for path in entry["files"]) == Counter(file.path for file in planned.files)


_PIPELINE = """
import json, pickle, sys
from pipelines.association_query import run_plan
from pipelines.launch import options_of

if __name__ == "__main__":
    plan = pickle.load(open(sys.argv[1], "rb"))
    flags = ["--runner", "DirectRunner", "--direct_num_workers", "2", "--direct_running_mode", "multi_processing"]
    result = run_plan(plan, options_of(flags), now_seconds=0)
    json.dump(list(result.rows.plain()), open(sys.argv[2], "w"))
"""


def test_a_secret_itself_is_refused_and_not_repeated(cli: Cli) -> None:
    done = cli("logstore", "create", "web", "--location", "s3://b/p", "--storage-option", f"aws_secret_access_key={SECRET}")
    assert done.code == 2
    assert "aws_secret_access_key" in done.stderr and "env:NAME" in done.stderr and SECRET not in done.stderr


@pytest.mark.parametrize(
    "key", ["AWS_SESSION_TOKEN", "azure_storage_account_key", "azure_storage_sas_key", "google_service_account_key", "password", "client_secret"]
)  # fmt: skip
def test_what_names_a_secret_must_be_a_reference(key: str) -> None:
    def make(value: str) -> LogstoreDescriptor:
        return LogstoreDescriptor(DEFAULT_PROJECT, "web", "s3://b/p", even_shards(1), storage_options={key: value})

    check_storage(make("env:NAME"))
    check_storage(
        LogstoreDescriptor(DEFAULT_PROJECT, "web", "gs://b/p", even_shards(1), storage_options={"google_application_credentials": "/a/b"})
    )
    with pytest.raises(ParameterInvalid, match="aws_endpoint_url"):
        check_storage(
            LogstoreDescriptor(
                DEFAULT_PROJECT, "web", "s3://b/p", even_shards(1), storage_options={"aws_endpoint_url": f"http://me:{SECRET}@h"}
            )
        )
    with pytest.raises(ParameterInvalid, match=key) as error:
        check_storage(make(SECRET))
    assert SECRET not in repr(error.value)


def test_compaction_vacuum_and_reindexing(describe: Describe, object_store: ObjectStore) -> None:
    descriptor = describe()
    store = create_logstore(descriptor)
    for number in range(3):
        store.append([logs(number * 50)])
    before = [group.table for group in store.read()]
    assert store.compact(min_files=2).files_removed == 3
    assert store.reindex(INDEX).files_removed == 1
    (file,) = store.snapshot().files
    assert file.typed == (("latency", "double"), ("status", "long"))
    invisible = store.write_files([logs(900)])
    assert store.vacuum(older_than_hours=1).files_removed == 0
    with pytest.raises(StoreRejected):
        store.vacuum(older_than_hours=0)
        store.commit(invisible)
    keys = object_store.keys(descriptor.location.split("/")[2])
    assert [key for key in keys if "/data/" in key] == ["/".join(file.path.split("/")[3:])]
    after = [group.table for group in store.read()]
    assert pa.concat_tables(after).equals(pa.concat_tables(before))
    with pytest.raises(NotFound, match="cleaned away"):
        list(next(iter(store.tail(-1))).groups)


def test_a_file_that_is_gone_is_named_in_one_line(home: Home, describe: Describe, object_store: ObjectStore) -> None:
    store = home.create_logstore(describe(index=INDEX))
    store.append([logs(0)])
    planned = plan(home, "* | select max(latency) as x from log")
    (file,) = planned.files
    bucket, _, key = file.path.removeprefix("s3://").partition("/")
    object_store.client().delete_object(Bucket=bucket, Key=key)
    with pytest.raises(StoreUnavailable, match="cannot be read") as error:
        run_in_process(planned, now_seconds=0)
    name = key.rpartition("/")[2]
    assert name in error.value.message and "\n" not in error.value.message and "Traceback" not in error.value.message
    with pytest.raises(StoreUnavailable, match=f"{name} is gone"):
        list(store.read())


def test_what_cannot_be_reached_or_had_is_told(describe: Describe, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    options = object_store.options(aws_endpoint_url="http://127.0.0.1:9", max_retries="1")
    with pytest.raises(StoreUnavailable, match="'web' cannot be read or written") as error:
        open_logstore(describe(storage_options=options))
    assert "\x1b" not in error.value.message and "\n" not in error.value.message and SECRET not in repr(error.value.__cause__)
    with pytest.raises(StoreUnavailable):
        create_logstore(describe(location="s3://no-such-bucket/web"))
    with pytest.raises(ParameterInvalid, match="ftp://") as refused:
        create_logstore(describe(location="ftp://server/web"))
    assert "s3" in (refused.value.hint or "")
    create_logstore(describe())
    monkeypatch.delenv("S3_SECRET")
    with pytest.raises(ParameterInvalid, match="S3_SECRET"):
        open_logstore(describe())


def test_what_the_client_says_loses_its_secrets() -> None:
    scrub = Scrub((SECRET, "ab"))
    text = f"\x1b[31m↳\x1b[0m GET http://h/?sig=abc%3D&x=1\n  key {SECRET} {quote(SECRET, safe='')} ab X-Amz-Signature=0f0f'"
    assert scrub(text) == "GET http://h/?sig=********&x=1 key ******** ******** ab X-Amz-Signature=********'"
    error = OSError(text)
    assert scrub.error(error) is error and SECRET not in str(error) and "abc%3D" not in repr(error)


def test_the_catalogue_and_the_descriptor_hold_references_only(home: Home, describe: Describe) -> None:
    store = home.create_logstore(describe())
    snapshot = store.snapshot()
    assert home.catalogue().logstore(DEFAULT_PROJECT, "web").storage_options["aws_secret_access_key"] == "env:S3_SECRET"
    for thing in (store.descriptor, snapshot, snapshot.access):
        assert SECRET.encode() not in pickle.dumps(thing) and SECRET not in repr(thing)
