"""Data files that the engine cannot open by itself, as an Arrow dataset: it takes the columns and filters that the engine pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from transforms.core.errors import StoreUnavailable
from transforms.core.field_columns import RECEIVE_TIME

__all__ = ["dataset"]

_ASKED_AT_ONCE = 16
_TYPES = {"varchar": "large_string", "bigint": "int64", "integer": "int32", "double": "float64"}


def dataset(file_system: Any, files: Sequence[tuple[str, int | None]], columns: Mapping[str, str]) -> Any:
    """A dataset that may be read many times, each time as a stream.

    Args:
        file_system: Arrow's.
        files: path there and receive time (microseconds), None where the file has it as a column.
        columns: name → SQL type; a file without one gives NULL.

    Raises StoreUnavailable for a file that is not there any more.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    _require(file_system, [path for path, _ in files])
    # Each reading waits for an answer over the network, so what is wanted of a row group is fetched together.
    parquet = ds.ParquetFileFormat(default_fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=True))
    fragments = [
        # What is known of a whole file stands in for its column.
        parquet.make_fragment(
            path, filesystem=file_system, partition_expression=None if received is None else pc.field(RECEIVE_TIME) == received
        )
        for path, received in files
    ]
    schema = pa.schema([(name, pa.type_for_alias(_TYPES[sql_type])) for name, sql_type in columns.items()])
    return ds.FileSystemDataset(fragments, schema, parquet, file_system)


def _require(file_system: Any, paths: Sequence[str]) -> None:
    """Look whether the files are there before a scan begins: Arrow may wait for ever when the first opening fails while it starts one,
    since the error belongs to Python and whoever starts the scan holds Python's lock."""
    import pyarrow.fs as fs

    with ThreadPoolExecutor(min(_ASKED_AT_ONCE, max(1, len(paths)))) as pool:
        try:
            found = list(pool.map(file_system.get_file_info, paths))
        except OSError as error:
            raise StoreUnavailable(f"the data files cannot be read: {error}", hint="check the storage options and the network") from error
    for path, info in zip(paths, found, strict=True):
        if info.type == fs.FileType.NotFound:
            raise StoreUnavailable(
                f"a data file cannot be read: {path} is gone", hint="was the Logstore vacuumed while the statement ran? try again"
            )
