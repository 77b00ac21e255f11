"""Inputs as streams of plain bytes: gzip and zstd are told by their first bytes, whatever the name says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from transforms.core.errors import LogsluiceError, NotFound, ParameterInvalid, StoreRejected
from transforms.formats.records import Chunk

__all__ = ["CHUNK_BYTES", "Compression", "Continued", "compression_of", "damaged", "open_bytes", "open_file", "read_chunks", "skip_bytes"]

Compression = Literal["", "gzip", "zstd"]
CHUNK_BYTES = 16 * 1024 * 1024
_BLOCK = 1024 * 1024


def compression_of(first_bytes: bytes) -> Compression:
    """What the first four bytes of an input say."""
    if first_bytes[:2] == b"\x1f\x8b":
        return "gzip"
    # A zstd file may begin with a skippable frame, 0x184D2A50 to 0x184D2A5F.
    if first_bytes[:4] == b"\x28\xb5\x2f\xfd" or (first_bytes[1:4] == b"\x2a\x4d\x18" and first_bytes[0] & 0xF0 == 0x50):
        return "zstd"
    return ""


def open_file(path: Path, name: str) -> io.BufferedReader:
    """A file as it is. Raises NotFound, or StoreRejected when it may not be read."""
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"{name} does not exist", code="FileNotExist") from error
    except OSError as error:
        raise StoreRejected(f"{name} cannot be read: {error.strerror}", hint="check its permissions") from error


def open_bytes(source: Path | BinaryIO | Continued, name: str) -> Any:
    """A readable stream (``read(n)``, ``close()``) of an input's bytes, decompressed; several members follow one another.

    ``source`` is a path or an open binary stream that can ``peek``. Raises NotFound, or StoreRejected when it may not be read.
    """
    import pyarrow as pa

    opened: Any
    if isinstance(source, Continued):
        return source
    if isinstance(source, Path):
        opened = open_file(source, name)
    else:
        opened = source if hasattr(source, "peek") else io.BufferedReader(source)
    kind = compression_of(opened.peek(4)[:4])
    return pa.CompressedInputStream(pa.PythonFile(opened, mode="r"), kind) if kind else opened


class Continued:
    """A pipe that is read in several goes: opened (and unpacked) once, it remembers how much was ``consumed``."""

    def __init__(self, source: Any, name: str) -> None:
        self._stream = open_bytes(source, name)
        self.consumed = 0

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        block = bytes(self._stream.read(size))
        self.consumed += len(block)
        return block

    @property
    def paused(self) -> bool:
        """Whether the writer has nothing more for now."""
        return bool(getattr(self._stream, "paused", False))

    def close(self) -> None:
        """The pipe stays open for the next go."""


def damaged(name: str, offset: int, error: Exception) -> LogsluiceError:
    """What to raise when a stream fails while it is read."""
    return ParameterInvalid(
        f"{name} cannot be read beyond byte {offset} of its contents: {error}",
        hint="what lies before is imported; mend the file (a cut-off copy?) and import the rest",
        code="InputDamaged",
    )


def skip_bytes(stream: Any, count: int, name: str) -> None:
    """Go on at byte ``count`` of an input, where an earlier run stopped: read and forget what lies before."""
    left = count - getattr(stream, "consumed", 0)
    while left:
        try:
            block = stream.read(min(left, _BLOCK))
        except OSError as error:
            raise damaged(name, count - left, error) from error
        if not block:
            raise ParameterInvalid(
                f"{name} ends at byte {count - left}, an earlier run of this import had read {count} bytes of it",
                hint="give the same input again, or --again to import anew",
            )
        left -= len(block)


def read_chunks(
    stream: Any, name: str, *, max_line_bytes: int, offset: int = 0, line: int = 1, stop: int | None = None, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """Whole lines, about ``chunk_bytes`` at a time; the last line may have no end.

    ``offset`` and ``line`` tell where the stream stands; at ``stop`` (an offset) it counts as ended. A stream that sets ``paused``
    has nothing more for now: what there is comes out, however little. A line that exceeds the limit comes alone, only its beginning kept:
    memory is bounded by the chunk and the limit whatever the input holds.
    """
    carry = b""
    block_bytes = min(_BLOCK, chunk_bytes)
    while True:
        blocks = [carry] if carry else []
        size = len(carry)
        ended = False
        while size < chunk_bytes or (blocks and b"\n" not in blocks[-1] and size <= max(chunk_bytes, max_line_bytes)):
            block = _read(stream, name, offset + size, block_bytes if stop is None else min(block_bytes, stop - offset - size))
            if not block:
                ended = True
                break
            blocks.append(block)
            size += len(block)
            if getattr(stream, "paused", False):
                break
        data = b"".join(blocks)
        cut = len(data) if ended else data.rfind(b"\n") + 1
        if cut:
            yield Chunk(data[:cut] if cut < len(data) else data, offset, line)
            line += data.count(b"\n", 0, cut)
            offset += cut
        carry = data[cut:]
        if ended:
            return
        if len(carry) > max_line_bytes:
            whole, rest = _pass_line(stream, name, offset, len(carry))
            yield Chunk(carry[:max_line_bytes], offset, line, too_long=whole)
            offset, line, carry = offset + whole, line + 1, rest


def _pass_line(stream: Any, name: str, offset: int, read: int) -> tuple[int, bytes]:
    """Read on to the end of a line that is too long: its length with the line end, and what was read beyond."""
    while True:
        block = _read(stream, name, offset + read, _BLOCK)
        end = block.find(b"\n") + 1
        if end or not block:
            return read + end, block[end:]
        read += len(block)


def _read(stream: Any, name: str, offset: int, count: int) -> bytes:
    try:
        return bytes(stream.read(count))
    except OSError as error:  # pyarrow's and zlib's complaints are OSErrors
        raise damaged(name, offset, error) from error
