"""Writing Arrow batches: everything that a database might silently cut, round or replace is refused before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn
from transforms.connectors.sql_types import accepts, sql_type_of
from transforms.core.errors import ParameterInvalid, StoreRejected

__all__ = ["Refusal", "check_schema", "driver_values", "insert_rows", "same_schema"]


def check_schema(store: str, columns: Sequence[RemoteColumn], schema: Any) -> None:
    """ParameterInvalid when rows of the schema cannot go into the columns by position: both sides are listed."""
    given = ", ".join(f"{field.name} {sql_type_of(field.type)}" for field in schema)
    wanted = ", ".join(f"{column.name} {column.type.sql_type}" for column in columns)
    both = f"the table has ({wanted}), the rows have ({given})"
    if len(schema) != len(columns):
        raise ParameterInvalid(
            f"ExternalStore {store!r} has {_count(len(columns))}, the rows to write have {len(schema)}",
            hint=f"{both}; columns go by position, and none may be left out",
        )
    for position, (column, field) in enumerate(zip(columns, schema, strict=True), 1):
        if not accepts(column.type, field.type):
            raise ParameterInvalid(
                f"ExternalStore {store!r}: column {position}, {column.name} {column.type.database_type}, "
                f"cannot take {field.name} of type {sql_type_of(field.type)}",
                hint=f"write cast({field.name} as {column.type.sql_type}); {both}",
            )


def _count(number: int) -> str:
    return "1 column" if number == 1 else f"{number} columns"


def insert_rows(
    dialect: DatabaseDialect,
    connection: sa.Connection,
    columns: Sequence[RemoteColumn],
    first: Any,
    more: Iterable[Any],
    constants: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Insert all batches in the connection's open transaction; returns the number of rows. ``constants`` are further columns with one
    value for all rows."""
    names = [*(column.name for column in columns), *constants]
    compiled = sa.insert(dialect.table(names)).values({name: sa.bindparam(f"v{i}") for i, name in enumerate(names)}).compile(connection)
    order: list[int] | None = [int(name[1:]) for name in compiled.positiontup or ()] if compiled.positional else None
    cursor: Any = connection.connection.cursor()
    written = 0
    try:
        for batch in same_schema(dialect.descriptor.name, first, more):
            for start in range(0, batch.num_rows, dialect.rows_per_insert):
                piece = batch.slice(start, dialect.rows_per_insert)
                if dialect.longest_row is not None and piece.nbytes > dialect.longest_row:
                    _check_sizes(dialect, piece, dialect.longest_row)
                values = [driver_values(dialect, column, piece.column(i)) for i, column in enumerate(columns)]
                values += [[constant] * piece.num_rows for constant in constants.values()]
                if order is not None:
                    rows: list[Any] = list(zip(*(values[i] for i in order), strict=True))
                else:
                    rows = [{f"v{i}": value for i, value in enumerate(row)} for row in zip(*values, strict=True)]
                cursor.executemany(compiled.string, rows)
                written += len(rows)
    finally:
        cursor.close()
    return written


def _check_sizes(dialect: DatabaseDialect, piece: Any, longest: int) -> None:
    """StoreRejected for a row that the server would answer by hanging up."""
    sizes: Any = None
    for array in piece.columns:
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if sql_type_of(array.type) in {"varchar", "varbinary"}:
            lengths = pc.fill_null(pc.binary_length(array.cast(pa.large_binary())), 0)
            sizes = lengths if sizes is None else pc.add(sizes, lengths)
    largest = 0 if sizes is None else pc.max(sizes).as_py()
    if largest > longest:
        raise StoreRejected(
            f"ExternalStore {dialect.descriptor.name!r}: a row has {largest} bytes, the server takes {longest} at once",
            hint="nothing was written; shorten the row's texts or raise the server's max_allowed_packet",
        )


def same_schema(store: str, first: Any, more: Iterable[Any]) -> Iterator[Any]:
    """All batches; ParameterInvalid at one whose types are not those of the first."""
    yield first
    for batch in more:
        if batch.schema.types != first.schema.types:
            raise ParameterInvalid(f"ExternalStore {store!r}: the rows to write change their types between batches; nothing was written")
        yield batch


def driver_values(dialect: DatabaseDialect, column: RemoteColumn, array: Any) -> list[Any]:
    """One column's values as the driver takes them, after all checks."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    refuse = Refusal(dialect.descriptor.name, column)
    if array.null_count and not column.nullable and not column.fills_null:
        raise refuse("NULL", "the column must not be NULL: use coalesce(…)")
    family = column.type.family
    if pa.types.is_decimal(array.type):
        return _decimals(dialect, column, array, refuse)
    if pa.types.is_floating(array.type):
        return _floats(dialect, array.cast(pa.float64()), refuse)
    if pa.types.is_integer(array.type) and column.type.arrow_type == pa.float64():
        _exactly(array, pa.float64(), refuse, "a double holds whole numbers exactly up to 2^53")
    if pa.types.is_timestamp(array.type):
        return _timestamps(dialect, column, array, refuse)
    if pa.types.is_date(array.type):
        texts: list[Any] = array.cast(pa.date32()).cast(pa.string()).to_pylist()
        return texts
    if family in {"text", "enum", "set", "json", "time"} and not pa.types.is_null(array.type):
        _check_text(column, array.cast(pa.string()), refuse)
    if family == "binary" and column.type.octets is not None and not pa.types.is_null(array.type):
        _longest(array, pc.binary_length(array.cast(pa.binary())), column.type.octets, refuse, "bytes")
    values: list[Any] = array.to_pylist()
    return values


class Refusal:
    """Makes the error for one column's value."""

    def __init__(self, store: str, column: RemoteColumn) -> None:
        self._store = store
        self._column = column

    def __call__(self, value: object, why: str) -> StoreRejected:
        shown = repr(value) if isinstance(value, bytes) else str(value)
        shown = shown if len(shown) <= 60 else shown[:60] + "…"
        return StoreRejected(
            f"ExternalStore {self._store!r}: {shown} does not fit column {self._column.name} {self._column.type.database_type}",
            hint=f"nothing was written; {why}",
        )


def _first(array: Any, mask: Any) -> Any:
    return array.filter(mask)[0].as_py()


def _exactly(array: Any, target: Any, refuse: Refusal, why: str) -> Any:
    """The array cast to another type, every value unchanged."""
    try:
        return array.cast(target)
    except pa.ArrowInvalid:
        for value in array:
            try:
                pa.array([value.as_py()], array.type).cast(target)
            except pa.ArrowInvalid:
                raise refuse(value.as_py(), why) from None
        raise


def _decimals(dialect: DatabaseDialect, column: RemoteColumn, array: Any, refuse: Refusal) -> list[Any]:
    kind = column.type
    if kind.family == "decimal":
        array = _exactly(array, kind.arrow_type, refuse, f"the column holds {kind.sql_type}: round it, or widen the column")
    elif kind.family == "huge" and array.type.scale > kind.fraction:
        _exactly(array, pa.decimal128(38, kind.fraction), refuse, f"round it: the column keeps {kind.fraction} digits after the point")
    values: list[Any] = array.to_pylist()
    if dialect.name != "sqlite" or kind.family == "any":
        return values if dialect.name != "sqlite" else [None if value is None else str(value) for value in values]
    if kind.family == "integer":
        whole: list[Any] = _exactly(array, pa.int64(), refuse, "SQLite holds whole numbers up to 2^63").to_pylist()
        return whole
    # SQLite has no decimals: a number that a double does not hold would come back changed.
    doubles = array.cast(pa.float64())
    changed = pc.fill_null(pc.not_equal(doubles.cast(array.type, safe=False), array), False)
    if pc.any(changed).as_py():
        raise refuse(str(_first(array, changed)), "SQLite keeps about 15 digits of a number: use a text column")
    numbers: list[Any] = doubles.to_pylist()
    return numbers


def _floats(dialect: DatabaseDialect, array: Any, refuse: Refusal) -> list[Any]:
    """NaN and infinity: MySQL has neither, SQLite turns NaN into NULL."""
    if dialect.name != "postgresql":
        odd = pc.fill_null(pc.is_nan(array) if dialect.name == "sqlite" else pc.invert(pc.is_finite(array)), False)
        if pc.any(odd).as_py():
            raise refuse(str(_first(array, odd)), "the database has no such number: use nullif or case")
    values: list[Any] = array.to_pylist()
    return values


def _timestamps(dialect: DatabaseDialect, column: RemoteColumn, array: Any, refuse: Refusal) -> list[Any]:
    """Wall-clock text in the store's time zone, with no more digits than the column keeps."""
    if array.type.tz is not None:
        zone = dialect.descriptor.parameter.get("timezone") or "UTC"
        array = pc.local_timestamp(array.cast(pa.timestamp(array.type.unit, zone)))
    array = _exactly(array, pa.timestamp("us"), refuse, "the database keeps microseconds")
    step = 10 ** (6 - min(6, column.type.fraction))
    if step > 1:
        numbers = array.cast(pa.int64())
        rest = pc.subtract(numbers, pc.multiply(pc.divide(numbers, step), step))
        cut = pc.fill_null(pc.not_equal(rest, 0), False)
        if pc.any(cut).as_py():
            raise refuse(str(_first(array, cut)), "the column keeps fewer digits of a second: use date_trunc('second', …)")
    values: list[Any] = pc.if_else(
        _whole_seconds(array), array.cast(pa.timestamp("s"), safe=False).cast(pa.string()), array.cast(pa.string())
    ).to_pylist()
    return values


def _whole_seconds(array: Any) -> Any:
    numbers = array.cast(pa.int64())
    return pc.equal(pc.multiply(pc.divide(numbers, 1_000_000), 1_000_000), numbers)


def _check_text(column: RemoteColumn, array: Any, refuse: Refusal) -> None:
    """Databases cut trailing blanks and digits of a second, and take an unknown enum member that looks like a number for a position."""
    kind = column.type
    if kind.characters is not None:
        _longest(array, pc.utf8_length(array), kind.characters, refuse, "characters")
    if kind.octets is not None:
        _longest(array, pc.binary_length(array), kind.octets, refuse, "bytes")
    if kind.family in {"enum", "set"}:
        members = {member.casefold() for member in kind.members}
        for value in pc.unique(array.drop_null()).to_pylist():
            parts = [part for part in value.split(",") if part] if kind.family == "set" else [value]
            if any(part.casefold() not in members for part in parts):
                raise refuse(value, f"the column takes only {', '.join(kind.members)}")
    if kind.family == "time":
        cut = pc.fill_null(pc.match_substring_regex(array, rf"\.[0-9]{{{kind.fraction}}}[0-9]*[1-9]"), False)
        if pc.any(cut).as_py():
            raise refuse(_first(array, cut), "the column keeps fewer digits of a second")


def _longest(array: Any, lengths: Any, limit: int, refuse: Refusal, unit: str) -> None:
    long = pc.fill_null(pc.greater(lengths, limit), False)
    if pc.any(long).as_py():
        raise refuse(
            _first(array, long), f"it has {pc.max(lengths).as_py()} {unit}, the column holds {limit}: shorten it or widen the column"
        )
