"""Every cell of the type table, on the databases themselves: read from each type, written into each type, and what may not be written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.connectors.sql_stores import mysql_store, rows, sqlite_store
from tests.mariadb import MariadbServer
from transforms.connectors.sql_types import accepts, from_database, from_sql_name, sql_type_of
from transforms.core.errors import ParameterInvalid, StoreRejected

# type in MariaDB, a literal there, SQL type here, the value here
MYSQL: list[tuple[str, str, str, Any]] = [
    ("tinyint", "-128", "bigint", -128),
    ("tinyint(1)", "2", "bigint", 2),
    ("tinyint unsigned", "255", "bigint", 255),
    ("boolean", "true", "bigint", 1),
    ("smallint", "-32768", "bigint", -32768),
    ("mediumint", "8388607", "bigint", 8388607),
    ("int(11)", "-2147483648", "bigint", -2147483648),
    ("int unsigned", "4294967295", "bigint", 4294967295),
    ("int(6) zerofill", "42", "bigint", 42),
    ("bigint(20)", "-9223372036854775808", "bigint", -(2**63)),
    ("bigint unsigned", "18446744073709551615", "decimal(20,0)", Decimal(2**64 - 1)),
    ("bigint(20) unsigned zerofill", "7", "decimal(20,0)", Decimal(7)),
    ("year", "2024", "bigint", 2024),
    ("float", "0.25", "double", 0.25),
    ("double", "1.7976931348623157e308", "double", 1.7976931348623157e308),
    ("double", "0.1", "double", 0.1),
    ("decimal(10,2)", "-12345678.90", "decimal(10,2)", Decimal("-12345678.90")),
    ("decimal(38,10)", "1234567890123456789012345678.0123456789", "decimal(38,10)", Decimal("1234567890123456789012345678.0123456789")),
    ("decimal(10)", "5", "decimal(10,0)", Decimal(5)),
    ("char(3)", "'ab'", "varchar", "ab"),
    ("varchar(20)", "'a\\nb'", "varchar", "a\nb"),
    ("varchar(20) character set latin1", "'é'", "varchar", "é"),
    ("tinytext", "'x'", "varchar", "x"),
    ("text", "'日本 😀'", "varchar", "日本 😀"),
    ("mediumtext", "''", "varchar", ""),
    ("longtext", "'x'", "varchar", "x"),
    ("enum('a','it''s')", "'it''s'", "varchar", "it's"),
    ("set('a','b','c')", "'a,c'", "varchar", "a,c"),
    ("json", '\'{"k": "😀"}\'', "varchar", '{"k": "😀"}'),
    ("time", "'-838:59:59'", "varchar", "-838:59:59"),
    ("time(3)", "'10:11:12.5'", "varchar", "10:11:12.500"),
    ("uuid", "'123e4567-e89b-12d3-a456-426655440000'", "varchar", "123e4567-e89b-12d3-a456-426655440000"),
    ("inet6", "'::1'", "varchar", "::1"),
    ("datetime", "'2024-02-29 23:59:59'", "timestamp", dt.datetime(2024, 2, 29, 23, 59, 59)),
    ("datetime(6)", "'9999-12-31 23:59:59.999999'", "timestamp", dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("timestamp", "'2024-01-02 03:04:05'", "timestamp", dt.datetime(2024, 1, 2, 3, 4, 5)),
    ("timestamp(3)", "'2024-01-02 03:04:05.678'", "timestamp", dt.datetime(2024, 1, 2, 3, 4, 5, 678000)),
    ("date", "'1000-01-01'", "date", dt.date(1000, 1, 1)),
    ("binary(4)", "x'00ff0a5c'", "varbinary", b"\x00\xff\n\\"),
    ("varbinary(10)", "x'80'", "varbinary", b"\x80"),
    ("blob", "x'00'", "varbinary", b"\x00"),
    ("longblob", "''", "varbinary", b""),
    ("bit(1)", "b'1'", "varbinary", b"\x01"),
    ("bit(10)", "b'1000000001'", "varbinary", b"\x02\x01"),
]


def test_each_type_of_mariadb_is_read_and_written_back_unchanged(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    columns = ", ".join(f"c{i} {kind} null" for i, (kind, *_) in enumerate(MYSQL))
    database.execute(
        f"create table source ({columns})",
        "create table target like source",
        f"insert into source values ({', '.join(literal for _, literal, *_ in MYSQL)})",
        f"insert into source values ({', '.join('null' for _ in MYSQL)})",
    )
    source, target = mysql_store(database, "source", tmp_path), mysql_store(database, "target", tmp_path)
    names = [f"c{i}" for i in range(len(MYSQL))]
    assert [column.sql_type for column in source.columns()] == [sql for _, _, sql, _ in MYSQL]
    batches = list(source.read(names))
    assert rows(batches) == [tuple(value for *_, value in MYSQL), (None,) * len(MYSQL)]
    assert batches[0].schema.types == [column.arrow_type for column in source.columns()]
    assert target.write(batches) == 2
    assert rows(target.read(names)) == rows(batches)
    assert database.execute("select count(*) from (select * from source except all select * from target) d") == ((0,),)


def test_decimals_of_more_than_38_digits_read_as_double_and_take_decimals(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table huge (v decimal(65,2))", "insert into huge values (1.50)")
    store = mysql_store(database, "huge", tmp_path)
    assert store.columns()[0].sql_type == "double"
    store.write([pa.record_batch({"v": pa.array([Decimal("12345678901234567890123456789012345678")])})])
    assert database.execute("select v from huge") == ((Decimal("1.50"),), (Decimal("12345678901234567890123456789012345678.00"),))
    with pytest.raises(StoreRejected, match=r"1\.125 does not fit"):
        store.write([pa.record_batch({"v": pa.array([Decimal("1.125")])})])
    assert rows(store.read(["v"])) == [(1.5,), (1.2345678901234568e37,)]


def test_zero_dates_read_as_null(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute(
        "create table zeros (id int, d date not null, t datetime not null)",
        "set sql_mode = ''",
    )
    with database.connect(autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("set sql_mode = ''")
        cursor.execute("insert into zeros values (1, '0000-00-00', '0000-00-00 00:00:00'), (2, '2024-00-01', '2024-01-00 10:00:00')")
        cursor.execute("insert into zeros values (3, '2024-01-01', '2024-01-01 10:00:00')")
    store = mysql_store(database, "zeros", tmp_path)
    assert rows(store.read(["id", "d", "t"])) == [
        (1, None, None),
        (2, None, None),
        (3, dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, 10)),
    ]


def test_the_time_zone_of_the_store_reads_and_writes_timestamps(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute(
        "create table z (a timestamp null, b datetime)", "set time_zone = '+00:00'", "insert into z values (from_unixtime(0 + 86400), null)"
    )
    east = mysql_store(database, "z", tmp_path, timezone="+08:00")
    assert rows(east.read(["a"])) == [(dt.datetime(1970, 1, 2, 8),)]
    moment = pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))
    east.write([pa.record_batch({"a": moment, "b": moment})])
    assert rows(east.read(["a", "b"]))[1] == (dt.datetime(2024, 1, 1, 8), dt.datetime(2024, 1, 1, 8))
    assert rows(mysql_store(database, "z", tmp_path).read(["a"]))[1] == (dt.datetime(2024, 1, 1),)
    with pytest.raises(StoreRejected, match="Mars") as caught:
        list(mysql_store(database, "z", tmp_path, timezone="Mars/Olympus").read(["a"]))
    assert "+08:00" in (caught.value.hint or "")


ARROW = {
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "decimal": pa.decimal128(10, 2),
    "integral": pa.decimal128(38, 0),
    "varchar": pa.string(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "varbinary": pa.binary(),
    "list": pa.list_(pa.int64()),
}
ACCEPTED = {
    "int(11)": {"bigint", "boolean", "integral"},
    "bigint(20) unsigned": {"bigint", "boolean", "integral"},
    "float": {"double", "bigint"},
    "double": {"double", "bigint"},
    "decimal(10,2)": {"decimal", "integral", "bigint"},
    "decimal(60,2)": {"decimal", "integral", "bigint"},
    "varchar(9)": {"varchar"},
    "longtext": {"varchar"},
    "enum('a')": {"varchar"},
    "json": {"varchar"},
    "time": {"varchar"},
    "datetime": {"timestamp", "date"},
    "date": {"date"},
    "blob": {"varbinary"},
    "bit(3)": {"varbinary"},
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_what_a_column_accepts(kind: str) -> None:
    target = from_database("mysql", kind)
    assert {name for name, arrow in ARROW.items() if accepts(target, arrow)} == ACCEPTED[kind]
    assert accepts(target, pa.null())


@pytest.mark.parametrize(
    ("kind", "array", "word"),
    [
        ("varchar(3)", pa.array(["abc  "]), "5 characters"),
        ("varchar(3)", pa.array(["日本語x"]), "4 characters"),
        ("tinytext", pa.array(["é" * 128]), "256 bytes"),
        ("varbinary(2)", pa.array([b"abc"]), "3 bytes"),
        ("decimal(6,2)", pa.array([Decimal("1.234")]), "1.234"),
        ("decimal(6,2)", pa.array([Decimal("99999.00")]), "99999"),
        ("double", pa.array([2**53 + 1]), "2^53"),
        ("double", pa.array([float("nan")]), "nan"),
        ("double", pa.array([float("inf")]), "inf"),
        ("datetime", pa.array([dt.datetime(2024, 1, 1, 0, 0, 0, 5)]), "fewer digits"),
        ("time", pa.array(["10:00:00.5"]), "fewer digits"),
        ("enum('x','y')", pa.array(["2"]), "x, y"),
        ("set('x','y')", pa.array(["x,3"]), "x, y"),
        ("int", pa.array([2**31]), "Out of range"),
        ("tinyint unsigned", pa.array([-1]), "Out of range"),
        ("bigint unsigned", pa.array([Decimal(2**64)]), "Out of range"),
        ("int not null", pa.array([None], pa.int64()), "NULL"),
        ("timestamp not null", pa.array([None], pa.timestamp("us")), "NULL"),
        ("varchar(10) character set latin1", pa.array(["😀"]), "Incorrect string value"),
        ("json", pa.array(["{"]), "CONSTRAINT"),
        ("time", pa.array(["noon"]), "Incorrect time value"),
    ],
)
def test_what_mariadb_would_cut_or_replace_is_refused_and_nothing_is_written(
    mariadb: MariadbServer, tmp_path: Path, kind: str, array: Any, word: str
) -> None:
    database = mariadb.database()
    database.execute(f"create table t (id int, v {kind})")
    store = mysql_store(database, "t", tmp_path)
    with pytest.raises(StoreRejected) as caught:
        store.write([pa.record_batch({"id": pa.array([1]), "v": array})])
    assert word in f"{caught.value} {caught.value.hint}"
    assert "'s_t'" in str(caught.value)
    assert database.execute("select count(*) from t") == ((0,),)


def test_running_numbers_are_filled_in_and_zero_stays_zero(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table t (id int auto_increment primary key, v text, twice int as (id * 2))")
    store = mysql_store(database, "t", tmp_path)
    assert store.write([pa.record_batch({"id": pa.array([0, None]), "v": pa.array(["a", "b"])})]) == 2
    assert rows(store.read(["id", "v"])) == [(0, "a"), (1, "b")]


# declared type, what is stored (SQL), SQL type, what is read
SQLITE: list[tuple[str, list[str], str, list[Any]]] = [
    ("INTEGER", ["1", "null", "'x'", "1.5", "2.0", "x'00'"], "bigint", [1, None, None, None, 2, None]),
    ("boolean", ["1", "true"], "bigint", [1, 1]),
    ("REAL", ["1", "0.5", "'x'"], "double", [1.0, 0.5, None]),
    ("NUMERIC", ["1", "0.5", "'x'"], "double", [1.0, 0.5, None]),
    ("DECIMAL(6,2)", ["1", "0.25", "'x'", "123456789"], "decimal(6,2)", [Decimal("1.00"), Decimal("0.25"), None, None]),
    ("TEXT", ["'a'", "1", "''", "x'ff'", "'😀'"], "varchar", ["a", "1", "", None, "😀"]),
    ("varchar(2)", ["'abc'"], "varchar", ["abc"]),
    ("", ["1", "'a'", "0.5", "x'61'"], "varchar", ["1", "a", "0.5", "a"]),
    ("BLOB", ["x'00ff'", "'a'", "1"], "varbinary", [b"\x00\xff", b"a", b"1"]),
    (
        "DATETIME",
        ["'2024-01-02 03:04:05'", "'2024-01-02T03:04:05.5Z'", "0", "'never'", "1e300", "null"],
        "timestamp",
        [dt.datetime(2024, 1, 2, 3, 4, 5), dt.datetime(2024, 1, 2, 3, 4, 5, 500000), dt.datetime(1970, 1, 1), None, None, None],
    ),
    ("DATE", ["'2024-01-02'", "'2024-13-02'", "86400"], "date", [dt.date(2024, 1, 2), None, dt.date(1970, 1, 2)]),
]


@pytest.mark.parametrize(("kind", "stored", "sql_type", "expected"), SQLITE, ids=[kind or "none" for kind, *_ in SQLITE])
def test_sqlite_columns_read_by_declared_type(tmp_path: Path, kind: str, stored: list[str], sql_type: str, expected: list[Any]) -> None:
    store = sqlite_store(tmp_path / "a.db", "t", f"create table t (v {kind})", *(f"insert into t values ({value})" for value in stored))
    assert [column.sql_type for column in store.columns()] == [sql_type]
    assert [value for (value,) in rows(store.read(["v"]))] == expected


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        ("INTEGER", pa.array([-(2**63), 2**63 - 1, None])),
        ("INTEGER", pa.array([Decimal(5), None], pa.decimal128(38, 0))),
        ("REAL", pa.array([0.1, None, float("inf")])),
        ("DECIMAL(10,2)", pa.array([Decimal("12345678.91"), None])),
        ("TEXT", pa.array(["😀", "", None])),
        ("BLOB", pa.array([b"\xff", b"", None])),
        ("DATETIME", pa.array([dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 0, 0, 0, 1), None])),
        ("DATE", pa.array([dt.date(2024, 1, 2), None])),
    ],
)
def test_sqlite_gives_back_what_was_written(tmp_path: Path, kind: str, array: Any) -> None:
    store = sqlite_store(tmp_path / "a.db", "t", f"create table t (v {kind})")
    assert store.write([pa.record_batch({"v": array})]) == len(array)
    assert [value for (value,) in rows(store.read(["v"]))] == array.to_pylist()


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        ("REAL", pa.array([float("nan")])),
        ("NUMERIC", pa.array([Decimal("12345678901234567890.12")])),
        ("INTEGER", pa.array([Decimal(2**63)], pa.decimal128(38, 0))),
    ],
)
def test_sqlite_refuses_what_it_would_change(tmp_path: Path, kind: str, array: Any) -> None:
    store = sqlite_store(tmp_path / "a.db", "t", f"create table t (v {kind})")
    with pytest.raises(StoreRejected, match="does not fit column v"):
        store.write([pa.record_batch({"v": array})])
    assert rows(store.read(["v"])) == []


def test_a_type_that_does_not_go_is_refused_with_both_sides(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path / "a.db", "report", "create table report (minute bigint, pv bigint)")
    with pytest.raises(ParameterInvalid) as caught:
        store.write([pa.record_batch({"min": pa.array(["x"]), "pv": pa.array([1])})])
    assert "minute bigint" in str(caught.value)
    assert "min of type varchar" in str(caught.value)
    assert "cast(min as bigint)" in (caught.value.hint or "")
    with pytest.raises(ParameterInvalid, match="has 2 columns, the rows to write have 1") as caught:
        store.write([pa.record_batch({"min": pa.array([1])})])
    assert "(minute bigint, pv bigint)" in (caught.value.hint or "")


POSTGRESQL = {
    "bigint": "bigint", "integer": "bigint", "real": "double", "double precision": "double", "numeric(10,2)": "decimal(10,2)",
    "numeric": "double", "character varying(40)": "varchar", "character(3)": "varchar", "text": "varchar", "jsonb": "varchar",
    "uuid": "varchar", "timestamp without time zone": "timestamp", "timestamp(3) with time zone": "timestamp", "date": "date",
    "bytea": "varbinary", "boolean": "boolean", "text[]": "varchar", "interval": "varchar", '"char"': "varchar",
}  # fmt: skip


@pytest.mark.parametrize("kind", POSTGRESQL)
def test_postgresql_type_names(kind: str) -> None:
    assert from_database("postgresql", kind).sql_type == POSTGRESQL[kind]


def test_names_of_sql_types() -> None:
    names = {"bigint": pa.int64(), "Double": pa.float64(), "varchar(9)": pa.string(), "decimal(8,3)": pa.decimal128(8, 3)}
    for name, arrow in names.items():
        found = from_sql_name(name)
        assert found is not None
        assert found.arrow_type == arrow
    assert from_sql_name("bigynt") is None
    assert from_sql_name("") is None
    assert sql_type_of(pa.uint8()) == "bigint"
    assert sql_type_of(pa.dictionary(pa.int32(), pa.string())) == "varchar"
    assert sql_type_of(pa.list_(pa.int64())).startswith("list")


def test_odd_type_texts_never_fail() -> None:
    for dialect in ("mysql", "sqlite", "postgresql"):
        for text in ("", "geometry", "vector(3)", "my type (1,2,3) x", "enum(')','(')", "decimal(5,9)", "é"):
            assert from_database(dialect, text).database_type == text
