"""The one table of column types: what the databases call a type, its SQL type in statements, its Arrow type, what may be written into it.

======================================================  ============  ====================  =======================
MySQL, MariaDB / PostgreSQL / SQLite                    SQL type      Arrow type            accepts
======================================================  ============  ====================  =======================
tinyint (also tinyint(1)), smallint, int, bigint, year  bigint        int64                 bigint, boolean, decimal(p,0)
bigint unsigned                                         decimal(20,0) decimal128(20, 0)     bigint, boolean, decimal(p,0)
float, double, real                                     double        float64               double, bigint
decimal(p,s), p ≤ 38                                    decimal(p,s)  decimal128(p, s)      decimal, bigint
decimal of more than 38 digits                          double        float64               decimal, bigint
numeric without (p,s) (PostgreSQL, SQLite)              double        float64               decimal, bigint, double
char, varchar, tinytext … longtext, enum, set, json     varchar       string                varchar
time, uuid, inet4, inet6                                varchar       string                varchar
datetime, timestamp                                     timestamp     timestamp[us]         timestamp, date
date                                                    date          date32                date
binary, varbinary, blob …, bit, bytea, geometry         varbinary     binary                varbinary
boolean (PostgreSQL)                                    boolean       bool                  boolean
a SQLite column without a declared type                 varchar       string                everything but lists
======================================================  ============  ====================  =======================

A value that is not one of its column's type (a zero date, `infinity`, a text in a SQLite INTEGER column) reads as NULL.
Unsigned bigint is a decimal because its upper half does not fit a bigint and engines mix decimals and integers without overflow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

__all__ = ["ColumnType", "Dialect", "Family", "accepts", "from_database", "from_sql_name", "sql_type_of"]

Dialect = Literal["mysql", "sqlite", "postgresql"]
Family = Literal[
    "integer", "unsigned", "float", "double", "decimal", "huge", "number", "text", "enum", "set", "json", "time", "opaque",
    "timestamp", "date", "binary", "bit", "boolean", "any",
]  # fmt: skip

_SHAPE = re.compile(r"\s*(\"?[a-z][a-z0-9_ ]*\"?)\s*(?:\((.*)\)\s*([a-z ]*))?(?:\[\])*\s*", re.IGNORECASE | re.DOTALL)
_MEMBER = re.compile(r"'((?:[^']|'')*)'")

# The largest number of bytes each MySQL type without a length of its own holds.
_BYTES = {"tinytext": 255, "text": 65535, "mediumtext": 2**24 - 1, "tinyblob": 255, "blob": 65535, "mediumblob": 2**24 - 1}
_MYSQL: dict[str, Family] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year"), "integer"),
    **dict.fromkeys(("decimal", "numeric"), "decimal"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), "text"),
    **dict.fromkeys(("datetime", "timestamp"), "timestamp"),
    **dict.fromkeys(("uuid", "inet4", "inet6"), "opaque"),
    "float": "float",
    "double": "double",
    "enum": "enum",
    "set": "set",
    "json": "json",
    "time": "time",
    "date": "date",
    "bit": "bit",
}
_POSTGRESQL: dict[str, Family] = {
    **dict.fromkeys(("smallint", "integer", "bigint"), "integer"),
    **dict.fromkeys(("character", "character varying", "text", "name", '"char"'), "text"),
    **dict.fromkeys(("timestamp", "timestamp without time zone", "timestamp with time zone"), "timestamp"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "real": "float",
    "double precision": "double",
    "numeric": "decimal",
    "date": "date",
    "bytea": "binary",
    "boolean": "boolean",
}
_ACCEPTS: dict[Family, tuple[str, ...]] = {
    "integer": ("bigint", "boolean", "integral"),
    "unsigned": ("bigint", "boolean", "integral"),
    "float": ("double", "bigint"),
    "double": ("double", "bigint"),
    "decimal": ("decimal", "bigint"),
    "huge": ("decimal", "bigint"),
    "number": ("decimal", "bigint", "double"),
    **dict.fromkeys(("text", "enum", "set", "json", "time", "opaque"), ("varchar",)),
    "timestamp": ("timestamp", "date"),
    "date": ("date",),
    "binary": ("varbinary",),
    "bit": ("varbinary",),
    "boolean": ("boolean",),
    "any": ("bigint", "boolean", "double", "decimal", "varchar", "timestamp", "date", "varbinary"),
}
_SQL_NAMES: dict[str, Family] = {
    **dict.fromkeys(("bigint", "integer", "int", "smallint", "tinyint", "long"), "integer"),
    **dict.fromkeys(("double", "real", "float"), "double"),
    **dict.fromkeys(("varchar", "text", "string", "char"), "text"),
    "decimal": "decimal",
    "timestamp": "timestamp",
    "date": "date",
    "boolean": "boolean",
    "varbinary": "binary",
}


@dataclass(frozen=True)
class ColumnType:
    """One column's type.

    Attributes:
        database_type: as the database writes it.
        family: how values travel.
        sql_type: its name in statements.
        arrow_type: of read batches.
        characters: most characters of a value, None = no limit known.
        octets: most bytes of a value, None = no limit known.
        fraction: digits kept after the second (time and timestamp) or after the point (decimal).
        members: of an enum or a set.
    """

    database_type: str
    family: Family
    sql_type: str
    arrow_type: Any
    characters: int | None = None
    octets: int | None = None
    fraction: int = 0
    members: tuple[str, ...] = ()


def from_database(dialect: Dialect, type_text: str) -> ColumnType:
    """The type behind a database's own text for it, such as ``bigint(20) unsigned`` or ``character varying(40)``. Never fails."""
    match = _SHAPE.fullmatch(type_text)
    name = match[1].strip().lower() if match else type_text.strip().lower()
    inside = (match[2] or "") if match else ""
    rest = (match[3] or "").strip().lower() if match else ""
    numbers = tuple(int(part) for part in inside.split(",")) if re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)?", inside) else ()
    if dialect == "sqlite":
        return _make(type_text, _sqlite_family(name, numbers), numbers, fraction=6)
    if dialect == "postgresql":
        full = f"{name} {rest}".strip()
        array = type_text.rstrip().endswith("[]")
        family: Family = "opaque" if array else _POSTGRESQL.get(full, _POSTGRESQL.get(name, "opaque"))
        return _make(type_text, family, numbers, fraction=numbers[0] if family == "timestamp" and numbers else 6, bare="number")
    words = name.split()
    name = words[0] if words else ""
    family = _MYSQL.get(name, "binary")
    if name == "bigint" and "unsigned" in rest.split() + words[1:]:
        family = "unsigned"
    members = tuple(part.replace("''", "'") for part in _MEMBER.findall(inside)) if family in {"enum", "set"} else ()
    fraction = numbers[0] if family in {"timestamp", "time"} and numbers else 0
    return _make(type_text, family, numbers, fraction=fraction, octets=_BYTES.get(name), members=members)


def _sqlite_family(name: str, numbers: tuple[int, ...]) -> Family:
    """SQLite's rules of affinity, after the names that mean a date, a time or a decimal to everybody else."""
    if name in {"datetime", "timestamp"}:
        return "timestamp"
    if name == "date":
        return "date"
    if name in {"decimal", "numeric"} and numbers:
        return "decimal"
    if "int" in name or name in {"boolean", "bool"}:
        return "integer"
    if any(word in name for word in ("char", "clob", "text")):
        return "text"
    if not name:
        return "any"
    if "blob" in name or "binary" in name:
        return "binary"
    if any(word in name for word in ("real", "floa", "doub")):
        return "double"
    return "text" if name in {"json", "time", "uuid"} else "number"


def _make(
    text: str,
    family: Family,
    numbers: tuple[int, ...],
    *,
    fraction: int,
    octets: int | None = None,
    members: tuple[str, ...] = (),
    bare: Family = "decimal",
) -> ColumnType:
    if family == "decimal":
        precision, scale = (*numbers, 0)[:2] if numbers else (10, 0) if bare == "decimal" else (39, 0)
        if precision > 38 or scale > precision:
            return ColumnType(text, "number" if not numbers else "huge", "double", pa.float64(), fraction=scale)
        return ColumnType(text, "decimal", f"decimal({precision},{scale})", pa.decimal128(precision, scale), fraction=scale)
    if family == "unsigned":
        return ColumnType(text, family, "decimal(20,0)", pa.decimal128(20, 0))
    if family in {"text", "enum", "set", "json", "time", "opaque", "any"}:
        limit = numbers[0] if family == "text" and numbers else None
        return ColumnType(text, family, "varchar", pa.string(), limit, octets, fraction, members)
    if family in {"binary", "bit"}:
        length = numbers[0] if numbers else (1 if family == "bit" else octets)
        return ColumnType(text, family, "varbinary", pa.binary(), octets=(length + 7) // 8 if family == "bit" and length else length)
    if family == "timestamp":
        return ColumnType(text, family, "timestamp", pa.timestamp("us"), fraction=fraction)
    if family == "date":
        return ColumnType(text, family, "date", pa.date32())
    if family == "boolean":
        return ColumnType(text, family, "boolean", pa.bool_())
    if family == "integer":
        return ColumnType(text, family, "bigint", pa.int64())
    return ColumnType(text, family, "double", pa.float64())


def from_sql_name(name: str) -> ColumnType | None:
    """The type of a column declared in SQL (``bigint``, ``varchar(20)``, ``decimal(10,2)``), None when there is none of that name."""
    match = _SHAPE.fullmatch(name)
    if match is None or match[3] or match[1].strip().lower() not in _SQL_NAMES:
        return None
    numbers = tuple(int(part) for part in (match[2] or "").split(",") if part.strip().isdigit())
    family = _SQL_NAMES[match[1].strip().lower()]
    return _make(name, family, numbers if family == "decimal" else (), fraction=6)


def sql_type_of(arrow_type: Any) -> str:
    """The SQL type that an Arrow type stands for, as messages write it; an Arrow type without one is named as Arrow does."""
    types = pa.types
    if types.is_dictionary(arrow_type):
        return sql_type_of(arrow_type.value_type)
    if types.is_decimal(arrow_type):
        return f"decimal({arrow_type.precision},{arrow_type.scale})"
    for test, name in (
        (types.is_boolean, "boolean"),
        (types.is_integer, "bigint"),
        (types.is_floating, "double"),
        (_is_text, "varchar"),
        (_is_bytes, "varbinary"),
        (types.is_timestamp, "timestamp"),
        (types.is_date, "date"),
        (types.is_null, "unknown"),
    ):
        if test(arrow_type):
            return name
    return str(arrow_type)


def _is_text(arrow_type: Any) -> bool:
    return bool(pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type) or arrow_type == pa.string_view())


def _is_bytes(arrow_type: Any) -> bool:
    types = pa.types
    return bool(
        types.is_binary(arrow_type)
        or types.is_large_binary(arrow_type)
        or types.is_fixed_size_binary(arrow_type)
        or arrow_type == pa.binary_view()
    )


def accepts(target: ColumnType, arrow_type: Any) -> bool:
    """Whether values of an Arrow type may be written into a column of the type; each value is still checked when it is written."""
    allowed = _ACCEPTS[target.family]
    if pa.types.is_null(arrow_type):
        return True
    if pa.types.is_dictionary(arrow_type):
        return accepts(target, arrow_type.value_type)
    name = sql_type_of(arrow_type)
    if name.startswith("decimal("):
        return "decimal" in allowed or ("integral" in allowed and arrow_type.scale == 0)
    return name in allowed
