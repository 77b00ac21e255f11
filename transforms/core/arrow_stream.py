"""Arrow tables as single PCollection elements: one IPC stream of bytes, cheap to size, to shuffle and to broadcast."""

from __future__ import annotations

from typing import Any

__all__ = ["from_stream", "to_stream"]


def to_stream(table: Any) -> bytes:
    """An Arrow table (or record batch reader) as an Arrow IPC stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table if isinstance(table, pa.RecordBatchReader) else table.to_batches():
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def from_stream(data: bytes) -> Any:
    """The Arrow table of an IPC stream; its buffers are the stream's own bytes."""
    import pyarrow as pa

    with pa.ipc.open_stream(pa.BufferReader(data)) as reader:
        return reader.read_all()
