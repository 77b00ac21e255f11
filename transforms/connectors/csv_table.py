"""ExternalStores in CSV files: `csv` (one local file) and `oss` (objects of a bucket, or files of a folder). Read-only.

The first line is a header and no data; columns are declared and map by position. A field that is not a value of its column's type
is NULL, so is an empty field of a column that is no text. Files ending in ``.gz`` are unpacked while they are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.fs as pa_fs

from transforms.connectors.sql_database_decode import decode_text
from transforms.connectors.sql_types import ColumnType, from_sql_name
from transforms.core.errors import ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.core.suggest import suggestion
from transforms.stores.external_store import CheckReport, Column, Condition, ExternalStoreDescriptor, TableSize
from transforms.stores.table_commit import TableCommit, TableCommitted

__all__ = ["CsvTableStore", "open_csv_table"]

_SMALL_BYTES = 20 * 2**20
_BLOCK = 4 * 2**20
_TYPES = ("varchar", "bigint", "double", "decimal(10,2)", "timestamp", "date", "boolean")


def open_csv_table(descriptor: ExternalStoreDescriptor) -> CsvTableStore:
    """The store behind a descriptor of kind ``csv`` or ``oss``. Files are opened when they are read."""
    return CsvTableStore(descriptor)


class CsvTableStore:
    """CSV files as one table."""

    def __init__(self, descriptor: ExternalStoreDescriptor) -> None:
        self.descriptor = descriptor
        self._types: tuple[tuple[str, ColumnType], ...] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (open_csv_table, (self.descriptor,))

    def columns(self) -> tuple[Column, ...]:
        """The declared columns; where none are declared, the header's names as texts."""
        return tuple(Column(name, kind.database_type, kind.sql_type, kind.arrow_type) for name, kind in self._columns())

    def size(self) -> TableSize:
        """Bytes of all files; rows are not known without reading."""
        system, paths = self._files()
        with self._reading(", ".join(paths)):
            return TableSize(None, sum(info.size or 0 for info in system.get_file_info(paths)))

    def read(self, columns: Sequence[str], conditions: Sequence[Condition] = ()) -> Iterator[Any]:
        """Stream the files one after the other. Conditions are left to the statement."""
        declared = self._columns()
        names = [name for name, _ in declared]
        for name in [*columns, *(condition.column for condition in conditions)]:
            if name not in names:
                raise ParameterInvalid(
                    f"ExternalStore {self.descriptor.name!r} has no column {name!r}", hint=suggestion(name, names, "column")
                )
        system, paths = self._files()
        return self._stream(system, paths, [(name, dict(declared)[name]) for name in columns], names)

    def write(self, batches: Iterable[Any]) -> int:  # noqa: ARG002
        """Refused: a CSV store is replaced by an update of the store."""
        raise self._read_only()

    def commit_rows(self, batches: Iterable[Any], commit: TableCommit) -> TableCommitted:  # noqa: ARG002
        """Refused, as `write`."""
        raise self._read_only()

    def _read_only(self) -> StoreRejected:
        return StoreRejected(
            f"ExternalStore {self.descriptor.name!r} is made of CSV files and cannot be written",
            hint="write into a store of type rds-vpc, postgresql or sqlite",
        )

    def check(self) -> CheckReport:
        """Look at the files' sizes and header."""
        columns = self.columns()
        system, paths = self._files()
        warnings = []
        for path in paths:
            header = self._header(system, path)
            if len(header) != len(columns):
                warnings.append(f"{path} has {len(header)} columns in its first line, the store {len(columns)}: what is missing is NULL")
        size = self.size()
        if size.bytes is not None and size.bytes > _SMALL_BYTES:
            warnings.append(f"the files have {size.bytes / 2**20:.0f} MB and are read whole by each query: joins are made for up to 20 MB")
        return CheckReport(
            self.descriptor.name, f"CSV files: {', '.join(paths)}", ("read",), "utf-8", "none: times are read as they are written", columns,
            size, tuple(warnings),
        )  # fmt: skip

    def close(self) -> None:
        """Nothing stays open between reads."""

    def _columns(self) -> tuple[tuple[str, ColumnType], ...]:
        if self._types is None:
            declared = self.descriptor.parameter.get("columns")
            if declared:
                pairs = [(column["name"], column["type"]) for column in json.loads(declared)]
            else:
                system, paths = self._files()
                pairs = [(name, "varchar") for name in self._header(system, paths[0])]
            self._types = tuple((name, self._type(name, type_name)) for name, type_name in pairs)
            names = [name.casefold() for name, _ in self._types]
            for name in names:
                if names.count(name) > 1:
                    raise ParameterInvalid(f"ExternalStore {self.descriptor.name!r} has two columns {name!r}", hint="rename one of them")
        return self._types

    def _type(self, name: str, type_name: str) -> ColumnType:
        kind = from_sql_name(type_name)
        if kind is None or kind.arrow_type == pa.binary():
            raise ParameterInvalid(
                f"ExternalStore {self.descriptor.name!r}: column {name!r} has the unknown type {type_name!r}",
                hint=suggestion(type_name, _TYPES, "type"),
            )
        return kind

    def _files(self) -> tuple[Any, list[str]]:
        """The file system and the paths in it."""
        parameter = self.descriptor.parameter
        if self.descriptor.kind == "csv":
            return pa_fs.LocalFileSystem(), [str(Path(parameter["path"]).expanduser())]
        endpoint, bucket, objects = parameter["endpoint"], parameter.get("bucket", ""), json.loads(parameter["objects"])
        if endpoint.startswith(("http://", "https://", "s3://")):
            scheme, _, host = endpoint.rpartition("://")
            if not bucket:
                raise ParameterInvalid(f"ExternalStore {self.descriptor.name!r} has no bucket", hint="set the parameter bucket")
            where: dict[str, Any] = (
                {} if scheme == "s3" and not host else {"endpoint_override": host, "scheme": "http" if scheme == "http" else "https"}
            )
            # This service refuses buckets in the path and takes them in the host's name only.
            where |= {"force_virtual_addressing": True} if host.endswith(".aliyuncs.com") else {}
            key, secret = parameter.get("accessid", ""), self.descriptor.password.reveal()
            system = pa_fs.S3FileSystem(**where, **({"access_key": key, "secret_key": secret} if key else {"anonymous": True}))
            return system, [f"{bucket}/{name}" for name in objects]
        root = Path(endpoint.removeprefix("file://")).expanduser()
        if not root.is_dir():
            raise StoreUnavailable(
                f"ExternalStore {self.descriptor.name!r}: the endpoint {endpoint!r} is neither a folder nor an address that can be opened",
                hint="give a folder, or an address such as https://host of a store that speaks S3",
            )
        folder = (root / bucket).resolve()
        paths = [(folder / name).resolve() for name in objects]
        for name, path in zip(objects, paths, strict=True):
            if not path.is_relative_to(folder):
                raise ParameterInvalid(f"ExternalStore {self.descriptor.name!r}: the object {name!r} lies outside of the bucket")
        return pa_fs.LocalFileSystem(), [str(path) for path in paths]

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise StoreUnavailable(
                f"ExternalStore {self.descriptor.name!r}: there is no file {path}", hint="check the store's path, bucket and objects"
            ) from None
        except pa.ArrowInvalid as error:
            raise StoreRejected(f"ExternalStore {self.descriptor.name!r}: {path} cannot be read as CSV: {_short(error)}") from None
        except OSError as error:
            raise StoreUnavailable(
                f"ExternalStore {self.descriptor.name!r}: {path} cannot be read: {_short(error)}",
                hint="check the address, the access key and the network",
            ) from None

    def _open(self, system: Any, path: str) -> Any:
        return system.open_input_stream(path, compression="gzip" if path.endswith(".gz") else None)

    def _header(self, system: Any, path: str) -> list[str]:
        """The first line's names; of an empty file none."""
        with self._reading(path), self._open(system, path) as stream:
            try:
                return list(pa_csv.open_csv(stream, read_options=pa_csv.ReadOptions(use_threads=False)).schema.names)
            except pa.ArrowInvalid as error:
                if "Empty CSV file" in str(error):
                    return []
                raise

    def _stream(self, system: Any, paths: Sequence[str], columns: Sequence[tuple[str, ColumnType]], names: Sequence[str]) -> Iterator[Any]:
        schema = pa.schema([pa.field(name, kind.arrow_type) for name, kind in columns])
        for path in paths:
            width = len(self._header(system, path))
            if width == 0:
                continue
            places = [f"c{i}" for i in range(width)]
            with self._reading(path), self._open(system, path) as stream:
                reader = pa_csv.open_csv(
                    stream,
                    read_options=pa_csv.ReadOptions(column_names=places, skip_rows_after_names=1, block_size=_BLOCK, use_threads=False),
                    parse_options=pa_csv.ParseOptions(newlines_in_values=True),
                    convert_options=pa_csv.ConvertOptions(
                        column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=False, check_utf8=True
                    ),
                )
                for batch in reader:
                    if not columns:
                        yield pa.RecordBatch.from_struct_array(pa.array([{}] * batch.num_rows, pa.struct([])))
                        continue
                    arrays = []
                    for name, kind in columns:
                        at = names.index(name)
                        arrays.append(_convert(batch.column(at), kind) if at < width else pa.nulls(batch.num_rows, kind.arrow_type))
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _convert(texts: Any, kind: ColumnType) -> Any:
    if kind.arrow_type == pa.string():
        return texts
    trimmed = pc.utf8_trim_whitespace(texts)
    try:
        return trimmed.cast(kind.arrow_type)
    except pa.ArrowInvalid:
        return decode_text(trimmed.to_pylist(), kind)


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + "…"
