"""Data files that the engine cannot open by itself, as an Arrow dataset: it takes the columns and filters that the engine pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transforms.core.field_columns import RECEIVE_TIME

__all__ = ["dataset"]

_TYPES = {"varchar": "large_string", "bigint": "int64", "integer": "int32", "double": "float64"}


def dataset(file_system: Any, files: Sequence[tuple[str, int | None]], columns: Mapping[str, str]) -> Any:
    """A dataset that may be read many times, each time as a stream.

    Args:
        file_system: Arrow's.
        files: path there and receive time (microseconds), None where the file has it as a column.
        columns: name → SQL type; a file without one gives NULL.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

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
