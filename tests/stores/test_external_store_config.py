"""An ExternalStore's JSON: what is taken, what is refused and where, and that no secret comes out again."""

from __future__ import annotations

import base64
import gzip
import json
import pickle
import zlib
from typing import Any

import pytest

from transforms.core.diagnostics import render
from transforms.core.errors import ParameterInvalid
from transforms.core.secret import MASK, Secret
from transforms.stores.external_store_config import STORE_TYPES, config_json, parse_config

RDS = {
    "externalStoreName": "chiji_user",
    "storeType": "rds-vpc",
    "parameter": {
        "region": "cn-qingdao", "vpc-id": "vpc-m5", "instance-id": "rm-m5", "host": "", "port": "3306",
        "username": "testroot", "password": "s3cret-text", "db": "chiji", "table": "chiji_user",
    },
}  # fmt: skip


def _with(**parameter: Any) -> str:
    changed = {key: value for key, value in {**RDS["parameter"], **parameter}.items() if value is not None}  # type: ignore[dict-item]
    return json.dumps({**RDS, "parameter": changed}, indent=1)


def test_a_database() -> None:
    config = parse_config(json.dumps(RDS))
    assert config.descriptor.name == "chiji_user"
    assert config.descriptor.kind == "rds-vpc"
    assert config.descriptor.parameter["port"] == "3306"
    assert config.secret == "s3cret-text"
    assert config.descriptor.password == Secret()
    assert "s3cret" not in repr(config)
    assert "s3cret" not in repr(pickle.dumps(config.descriptor))
    shown = config_json(config.descriptor)
    assert shown["parameter"] == {key: value for key, value in RDS["parameter"].items() if key != "password"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("reference", ["env:CHIJI", "file:/run/secrets/chiji", "file:///run/secrets/chiji"])
def test_a_reference_is_kept_and_shown(reference: str) -> None:
    config = parse_config(_with(password=reference))
    assert config.secret is None
    assert config.descriptor.password == Secret(reference)
    assert config_json(config.descriptor)["parameter"]["password"] == reference
    assert "password" not in config_json(config.descriptor, show_reference=False)["parameter"]


def test_the_misspelt_instance_id_of_the_update_page() -> None:
    config = parse_config(_with(**{"instance-id": None, "intance-id": "rm-1"}))
    assert config.descriptor.parameter["instance-id"] == "rm-1"
    with pytest.raises(ParameterInvalid, match="given twice"):
        parse_config(_with(**{"intance-id": "rm-1"}))


@pytest.mark.parametrize(
    ("parameter", "message", "hint", "line"),
    [
        ({"port": 3306}, 'the parameter port must be a text: write "3306"', None, '"port"'),
        ({"port": "33o6"}, "port must be a number", None, '"port"'),
        ({"port": "70000"}, "port must be a number", None, '"port"'),
        ({"db": ""}, "needs the parameter db", None, '"db"'),
        ({"table": None}, "needs the parameter table", None, '"parameter"'),
        ({"host": None, "hostt": "x"}, "unknown key 'hostt'", "did you mean 'host'?", '"hostt"'),
        ({"db": None, "database": "x"}, "unknown key 'database'", "did you mean 'db'?", '"database"'),
        ({"password": None, "pasword": "s3cret-text"}, "unknown key 'pasword'", "did you mean 'password'?", '"pasword"'),
        ({"password": ["s3cret-text"]}, "the parameter password must be a text", None, '"password"'),
        ({"password": MASK}, "password is masked", "give the real one", '"password"'),
        ({"username": None, "user": "x"}, "unknown key 'user'", "did you mean 'username'?", '"user"'),
        ({"region": None, "regions": "s3cret-text"}, "unknown key 'regions'", "did you mean 'region'?", '"regions"'),
    ],
)
def test_a_wrong_parameter_is_shown_where_it_stands(parameter: dict[str, Any], message: str, hint: str | None, line: str) -> None:
    with pytest.raises(ParameterInvalid) as caught:
        parse_config(_with(**parameter), "config.json")
    assert message in str(caught.value)
    if hint:
        assert hint in (caught.value.hint or "")
    shown = render(caught.value)
    assert "--> config.json:" in shown
    assert line in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("document", "message", "hint"),
    [
        ({**RDS, "storeType": "rds"}, "unknown storeType 'rds'", ""),
        ({**RDS, "storeType": "RDS-VPC"}, "unknown storeType 'RDS-VPC'", "did you mean 'rds-vpc'?"),
        ({**RDS, "storeType": "mysqll"}, "unknown storeType", "known storeTypes: csv, oss, postgresql, rds-vpc, sqlite"),
        ({**RDS, "storeType": 1}, "unknown storeType", ""),
        ({"externalStoreName": "a", "parameter": {}}, "storeType is missing", ""),
        ({**RDS, "externalStoreName": ""}, "externalStoreName must be a text", ""),
        ({**RDS, "parameter": []}, "parameter must be an object", ""),
        ({**RDS, "parameters": {}}, "unknown key 'parameters'", "did you mean 'parameter'?"),
        ([], "not a JSON object", ""),
    ],
)
def test_a_wrong_document(document: Any, message: str, hint: str) -> None:
    with pytest.raises(ParameterInvalid) as caught:
        parse_config(json.dumps(document))
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


BROKEN = [
    '{"externalStoreName": "a",\n "storeType": "rds-vpc",\n "parameter": {"password": "s3cret-text", "db" "x"}}',
    '{"externalStoreName": "a", "parameter": {"password": "s3cret-text}}',
    '{"externalStoreName": "a", "parameter": {"password": "s3cret"-text", "db": "x"}}',
    '{"externalStoreName": "a", "parameter": {password: "s3cret-text"}}',
    "{'externalStoreName': 'a', 'parameter': {'password': 's3cret-text'}}",
    '{"parameter": {"password": s3cret-text, "db": "x"}}',
    '{"parameter": {"Passwort" = "s3cret-text", "db": "x"}}',
    '{"parameter": {"accesskey": "s3cret-text"',
    '"externalStoreName": "chiji_user",\n"storeType": "rds-vpc"',
    "",
    "[" * 100_000,
]


@pytest.mark.parametrize("text", BROKEN, ids=[text[:30] for text in BROKEN])
def test_broken_json_is_located_and_shows_no_secret(text: str) -> None:
    with pytest.raises(ParameterInvalid, match="the configuration is n") as caught:
        parse_config(text, "config.json")
    assert "s3cret" not in render(caught.value)
    assert "s3cret" not in repr(pickle.dumps(caught.value))
    if caught.value.location is not None:
        assert "^" in render(caught.value)


def test_a_key_given_twice() -> None:
    with pytest.raises(ParameterInvalid, match="'db' is given twice"):
        parse_config('{"externalStoreName": "a", "storeType": "sqlite", "parameter": {"db": "a", "db": "b", "table": "t"}}')


COLUMNS = [{"name": "uid", "type": "bigint"}, {"name": "nick", "type": "varchar"}]
CSV = b"uid,nick\n1,Ann\n"


def _csv(**parameter: Any) -> str:
    return json.dumps({"externalStoreName": "users", "storeType": "csv", "parameter": parameter})


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_an_uploaded_csv(pack: Any) -> None:
    packed = base64.b64encode(pack(CSV)).decode()
    config = parse_config(_csv(columns=COLUMNS, objects=["user.csv"], externalStoreCsv=packed, externalStoreCsvSize=len(CSV)))
    assert config.csv == CSV
    assert packed not in json.dumps(config_json(config.descriptor))
    assert config_json(config.descriptor)["parameter"] == {"columns": COLUMNS, "objects": ["user.csv"]}


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({}, "either the parameter path or externalStoreCsv"),
        ({"path": "a", "externalStoreCsv": "x"}, "either the parameter path or externalStoreCsv"),
        ({"externalStoreCsv": "?"}, "not base64"),
        ({"externalStoreCsv": "eHh4eHg="}, "not base64 of a zlib or gzip file"),
        ({"externalStoreCsv": base64.b64encode(zlib.compress(CSV)[:-3]).decode()}, "ends too early"),
        ({"externalStoreCsv": base64.b64encode(zlib.compress(CSV)).decode(), "externalStoreCsvSize": "99"}, "the file has 15 bytes"),
        ({"externalStoreCsv": base64.b64encode(zlib.compress(bytes(51 * 10**6))).decode()}, "larger than 50 MB"),
        ({"path": "a.csv", "columns": []}, "columns must be a list"),
        ({"path": "a.csv", "columns": [{"name": "a"}]}, "needs a name and a type"),
        ({"path": "a.csv", "columns": [*COLUMNS, {"name": "UID", "type": "varchar"}]}, "'UID' is given twice"),
        ({"path": "a.csv", "objects": []}, "objects must be a list"),
    ],
)
def test_a_wrong_csv(parameter: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterInvalid, match=message):
        parse_config(_csv(**parameter))


def test_oss_masks_its_key() -> None:
    parameter = {
        "endpoint": "https://oss",
        "bucket": "b",
        "accessid": "id",
        "accesskey": "s3cret-text",
        "objects": ["a.csv"],
        "columns": COLUMNS,
    }
    text = json.dumps({"externalStoreName": "o", "storeType": "oss", "parameter": parameter})
    config = parse_config(text)
    assert config.secret == "s3cret-text"
    assert config_json(config.descriptor)["parameter"] == {**parameter, "accesskey": MASK}


def test_every_kind_is_known() -> None:
    assert set(STORE_TYPES) == {"rds-vpc", "postgresql", "sqlite", "csv", "oss"}
