"""Files for rules: below a folder or in an object store and never outside, read again when they change; threats, IP databases, stand-ins."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.object_store import SECRET, ObjectStore
from tests.rules.ip_databases import ipdb
from transforms.connectors.rule_resources import ConnectedResources, ResourceSettings
from transforms.core.errors import LogsluiceError, NotFound, ParameterInvalid, StoreError, StoreRejected, StoreUnavailable
from transforms.rules.context import Context
from transforms.rules.preview import preview
from transforms.rules.rule import compile_rule
from transforms.stores.rule_resources import FileRequest, LogstoreRequest, SqlRequest


def asked(file: str, bucket: str = "maps", **more: Any) -> FileRequest:
    return FileRequest(**{"endpoint": "", "bucket": bucket, "file": file, **more})


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def evaluated(resources: ConnectedResources, rule: str, log: dict[str, str]) -> dict[str, str]:
    found = preview(compile_rule(rule), [log], Context(resources)).logs[0]
    assert found.failure is None, found.failure
    return dict(found.outputs[0][1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lookup" / "maps" / "a b").mkdir(parents=True)
    (tmp_path / "lookup" / "maps" / "a b" / "users.csv").write_bytes(b"id,name\n1,Ann\n")
    (tmp_path / "secret.txt").write_text("outside")
    return tmp_path / "lookup"


@pytest.fixture
def resources(folder: Path) -> ConnectedResources:
    return ResourceSettings(files=str(folder), patience=1)()


def test_a_file_of_a_folder_is_read_once(folder: Path, resources: ConnectedResources) -> None:
    content = resources.file(asked("a b/users.csv"))
    assert content == b"id,name\n1,Ann\n"
    (folder / "maps" / "a b" / "users.csv").write_bytes(b"new")
    assert resources.file(asked("a b/users.csv")) is content
    assert ResourceSettings(files=folder.as_uri())().file(asked("a b/users.csv")) == b"new"


@pytest.mark.parametrize(
    ("bucket", "file"),
    [
        ("maps", "../../secret.txt"), ("maps", "a b/../../../secret.txt"), ("..", "secret.txt"), ("maps", "/etc/passwd"),
        ("/etc", "passwd"), ("maps", "..\\secret.txt"), ("maps", "a\0b"), ("", "maps/a b/users.csv"), ("maps", ""), ("maps", "./x"),
        ("maps", "link.txt"), ("out", "secret.txt"),
    ],
)  # fmt: skip
def test_nothing_outside_of_the_folder_is_read(folder: Path, resources: ConnectedResources, bucket: str, file: str) -> None:
    (folder / "maps" / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "out").symlink_to(folder.parent)
    with pytest.raises(ParameterInvalid):
        resources.file(asked(file, bucket))


def test_a_link_inside_of_the_folder_is_followed(folder: Path, resources: ConnectedResources) -> None:
    (folder / "maps" / "current.csv").symlink_to(folder / "maps" / "a b" / "users.csv")
    assert resources.file(asked("current.csv")).startswith(b"id,")


def test_errors_say_what_is_missing(folder: Path, resources: ConnectedResources) -> None:
    with pytest.raises(NotFound, match=r"users\.txt"):
        resources.file(asked("users.txt"))
    with pytest.raises(StoreRejected, match="a b"):
        resources.file(asked("a b"))
    with pytest.raises(NotFound) as found:
        ResourceSettings()().file(asked("users.csv"))
    assert found.value.hint is not None and "files" in found.value.hint
    with pytest.raises(ParameterInvalid, match="ftp"):
        ResourceSettings(files="ftp://server")().file(asked("users.csv"))


def test_a_changed_file_is_read_again_and_a_lost_one_stays(
    folder: Path, resources: ConnectedResources, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "maps" / "codes.json"
    path.write_text('{"200": "ok"}')
    request = asked("codes.json", change_detect_interval=0.1, base_retry_back_off=0.1, max_retry_back_off=0.1)
    first = resources.file(request)
    time.sleep(0.4)
    assert resources.file(request) is first
    before = path.stat()
    path.write_text('{"200": "OK"}')
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the same size at the same moment
    until(lambda: resources.file(request) == b'{"200": "OK"}')
    path.unlink()
    until(lambda: "cannot be refreshed" in caplog.text)
    assert resources.file(request) == b'{"200": "OK"}'
    path.write_text("{}")
    until(lambda: resources.file(request) == b"{}")
    resources.close()


def test_a_rule_reads_packed_files_in_other_encodings(folder: Path, resources: ConnectedResources) -> None:
    (folder / "maps" / "cities.csv.gz").write_bytes(gzip.compress("id,city\n1,Málaga\n".encode("latin-1")))
    rule = (
        'e_table_map(tab_parse_csv(res_oss_file("", "", "", "maps", "cities.csv.gz", encoding="latin-1", decompress="gzip")), "id", "city")'
    )
    assert evaluated(resources, rule, {"id": "1"})["city"] == "Málaga"


def test_an_ip_database_by_name(tmp_path: Path) -> None:
    (tmp_path / "geo.ipdb").write_bytes(ipdb({"203.0.113.0/24": ["Norway", "Oslo", "Oslo"]}, ["country_name", "region_name", "city_name"]))
    made = ResourceSettings(ip_databases=(("SLS-GeoIP", str(tmp_path / "geo.ipdb")),))()
    assert made.ip_database("SLS-GeoIP") is made.ip_database("SLS-GeoIP")
    found = evaluated(made, 'e_set("place", geo_parse(v("ip"), ip_db="SLS-GeoIP"))', {"ip": "203.0.113.9"})
    assert json.loads(found["place"])["city"] == "Oslo"
    with pytest.raises(NotFound, match="SLS-GeoIp") as error:
        made.ip_database("SLS-GeoIp")
    assert error.value.hint is not None and "SLS-GeoIP" in error.value.hint
    with pytest.raises(NotFound, match="geo2"):
        ResourceSettings(ip_databases=(("x", str(tmp_path / "geo2")),))().ip_database("x")


@pytest.mark.parametrize("packed", [False, True])
def test_threats_of_a_file(tmp_path: Path, packed: bool) -> None:
    lines = (
        '{"category": "ip", "value": "203.0.113.9", "severity": 4}\n\n{"category": "ip", "value": "2001:DB8::0001", "severity": 2}\r\n'
        '{"category": "domain", "value": "Bad.example.", "ioc": ["a", 1]}\n{"category": "ip", "value": "203.0.113.9", "severity": 5}'
    )
    path = tmp_path / "threats.jsonl"
    path.write_bytes(gzip.compress(lines.encode()) if packed else lines.encode())
    made = ResourceSettings(threat_intelligence=str(path))()
    assert made.threat("ip", "203.0.113.9") == {"severity": 5}
    assert made.threat("ip", "2001:db8::1") == {"severity": 2}
    assert made.threat("domain", "bad.EXAMPLE") == {"ioc": ["a", 1]}
    assert made.threat("domain", "203.0.113.9") is None and made.threat("ip", "no address") is None
    assert evaluated(made, 'e_threat_intelligence("ip", "ip", "t")', {"ip": "203.0.113.9"})["t"] == '{"severity": 5}'


@pytest.mark.parametrize("line", ["[1]", '{"category": "ip"}', '{"category": "ip", "value": 5}', "no json", "[" * 100_000, "\xff"])
def test_a_broken_line_of_threats_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "threats.jsonl"
    path.write_bytes(b'{"category": "ip", "value": "203.0.113.9"}\n' + line.encode("latin-1"))
    with pytest.raises(ParameterInvalid, match=r"threats\.jsonl, line 2"):
        ResourceSettings(threat_intelligence=str(path))().threat("ip", "203.0.113.9")


def test_without_a_file_of_threats(resources: ConnectedResources) -> None:
    with pytest.raises(NotFound, match="threat"):
        resources.threat("ip", "203.0.113.9")


def test_stand_ins_of_a_preview(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text('id,name\n1,Ann\n2,""\n3,\n')
    (tmp_path / "ip.txt").write_bytes(b"10.0.0.1")
    made = ResourceSettings(
        pasted=(
            ("users", str(tmp_path / "users.csv")), ("hotel/guests", str(tmp_path / "users.csv")), ("ip.txt", str(tmp_path / "ip.txt")),
            ("gone", str(tmp_path / "gone.csv")),
        ),
        patience=1,
    )()  # fmt: skip
    table = made.sql_table(SqlRequest("db", "reader", "pw", "crm", table="users", fields=(("name", "who"),)))
    assert table.table.to_pylist() == [{"who": "Ann"}, {"who": ""}, {"who": None}]
    logs = made.logstore_table(LogstoreRequest("hotel", "guests", (("id", "id"), ("room", "room"))))
    assert logs.table.to_pylist()[0] == {"id": "1", "room": None}
    assert made.file(asked("ip.txt", "any")) == b"10.0.0.1"
    with pytest.raises(StoreRejected, match="no column 'nam'"):
        made.sql_table(SqlRequest("db", "reader", "pw", "crm", table="users", fields=(("nam", "nam"),)))
    with pytest.raises(NotFound, match=r"gone\.csv"):
        made.sql_table(SqlRequest("db", "reader", "pw", "crm", table="gone"))


@pytest.fixture
def bucket(object_store: ObjectStore) -> str:
    name = object_store.bucket()
    object_store.client().put_object(Bucket=name, Key="maps/users.csv", Body=b"id,name\n1,Ann\n")
    return name


def keys(store: ObjectStore, **more: Any) -> dict[str, Any]:
    return {"endpoint": store.url, "ak_id": "reader", "ak_key": "env:S3_SECRET", **more}


def test_an_object_by_its_bucket_and_below_a_url(object_store: ObjectStore, bucket: str) -> None:
    for settings in (ResourceSettings(patience=5), ResourceSettings(files="s3://", patience=5)):
        assert settings().file(asked("maps/users.csv", bucket, **keys(object_store))) == b"id,name\n1,Ann\n"
    below = ResourceSettings(files=f"s3://{bucket}", patience=5)()
    assert below.file(asked("users.csv", "maps", **keys(object_store))) == b"id,name\n1,Ann\n"
    with pytest.raises(NotFound, match="none"):
        below.file(asked("none.csv", "maps", **keys(object_store)))


def test_threats_and_ip_databases_may_lie_in_an_object_store(
    object_store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without options of their own, by what the environment says."""
    for name, value in (
        ("AWS_ENDPOINT_URL", object_store.url), ("AWS_ALLOW_HTTP", "true"), ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "reader"), ("AWS_SECRET_ACCESS_KEY", SECRET),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    object_store.client().put_object(Bucket=bucket, Key="a b/t.jsonl", Body=b'{"category": "ip", "value": "203.0.113.9", "level": 1}')
    object_store.client().put_object(Bucket=bucket, Key="geo.ipdb", Body=b"bytes")
    made = ResourceSettings(
        threat_intelligence=f"s3://{bucket}/a b/t.jsonl", ip_databases=(("geo", f"s3://{bucket}/geo.ipdb"),), patience=1
    )()
    assert made.threat("ip", "203.0.113.9") == {"level": 1}
    assert made.ip_database("geo") == b"bytes"


def test_a_changed_object_is_read_again(object_store: ObjectStore, bucket: str) -> None:
    made = ResourceSettings(patience=5)()
    request = asked("maps/users.csv", bucket, **keys(object_store, change_detect_interval=0.2))
    first = made.file(request)
    time.sleep(0.5)
    assert made.file(request) is first
    object_store.client().put_object(Bucket=bucket, Key="maps/users.csv", Body=b"id,name\n1,Bob\n")
    until(lambda: made.file(request) == b"id,name\n1,Bob\n")
    made.close()


def test_keys_of_an_object_store_show_nowhere(object_store: ObjectStore, bucket: str, caplog: pytest.LogCaptureFixture) -> None:
    made = ResourceSettings(patience=0.5)()
    given = asked("maps/none.csv", bucket, **keys(object_store, ak_key=SECRET))
    with pytest.raises(LogsluiceError) as found:
        made.file(given)
    nowhere = asked("maps/users.csv", bucket, endpoint="http://127.0.0.1:1", ak_id="reader", ak_key=SECRET, base_retry_back_off=0.1)
    with pytest.raises(StoreError) as silent:
        made.file(nowhere)
    assert isinstance(silent.value, StoreUnavailable)
    for shown in (str(found.value), str(silent.value), repr(given), caplog.text, pickle.dumps(made).decode("latin-1")):
        assert SECRET not in shown and "s3cr3t" not in shown
