"""Inputs as streams of plain bytes: gzip and zstd are told by their first bytes, whatever the name says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from transforms.core.errors import LogsluiceError, NotFound, ParameterInvalid, StoreRejected
from transforms.formats.records import Chunk

__all__ = [
    "CHUNK_BYTES",
    "Compression",
    "Continued",
    "compression_of",
    "count_line_ends",
    "damaged",
    "open_bytes",
    "open_file",
    "read_chunks",
    "skip_bytes",
]

Compression = Literal["", "gzip", "zstd"]
CHUNK_BYTES = 16 * 1024 * 1024
_BLOCK = 1024 * 1024
_PIECE = 256 * 1024
_PACKED_BLOCK = 64 * 1024


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
        hint="what lies before was taken; mend the file (a cut-off copy?) and take the rest",
        code="InputDamaged",
    )


def skip_bytes(stream: Any, count: int, name: str) -> None:
    """Go on ``count`` bytes further in an input: jump in a plain file, read and forget what lies before in any other stream."""
    left = count - getattr(stream, "consumed", 0)
    if isinstance(stream, io.BufferedReader) and stream.seekable():
        here = stream.tell()
        passed = min(left, stream.seek(0, io.SEEK_END) - here)
        stream.seek(here + passed)
        left -= passed
    while left:
        try:
            block = stream.read(min(left, _BLOCK))
        except OSError as error:
            raise damaged(name, count - left, error) from error
        if not block:
            raise ParameterInvalid(
                f"{name} ends at byte {count - left}, this import had come to byte {count} of it",
                hint="give the same input again, or --again to import anew",
            )
        left -= len(block)


def count_line_ends(data: bytes | bytearray) -> int:
    """How many ``\\n`` there are; for large data several times as fast as ``bytes.count``."""
    import numpy as np

    view = np.frombuffer(data, np.uint8)
    return sum(int(np.count_nonzero(view[begin : begin + _PIECE] == 0x0A)) for begin in range(0, len(view), _PIECE))


def read_chunks(
    stream: Any, name: str, *, max_line_bytes: int, offset: int = 0, line: int = 1, stop: int | None = None, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """Whole lines, about ``chunk_bytes`` at a time; the last line may have no end.

    ``offset`` and ``line`` tell where the stream stands; at ``stop`` (an offset) it counts as ended. A stream that sets ``paused``
    has nothing more for now: what there is comes out, however little. A line that exceeds the limit comes alone, only its beginning kept:
    memory is bounded by the chunk and the limit whatever the input holds.
    """
    carry = b""
    while True:
        wanted = max(chunk_bytes, len(carry) + 1)
        while True:
            data, ended, failure = _fill(stream, carry, wanted if stop is None else min(wanted, stop - offset))
            ended = ended or (stop is not None and offset + len(data) >= stop)
            cut = len(data) if ended else data.rfind(b"\n") + 1
            if failure is not None or cut or len(data) > max_line_bytes or len(data) < wanted:
                break
            carry, wanted = bytes(data), 2 * wanted
        carry = bytes(memoryview(data)[cut:])
        if cut:
            del data[cut:]
            lines = count_line_ends(data)
            yield Chunk(data, offset, line, line_ends=lines)
            line += lines
            offset += cut
        if failure is not None:
            raise damaged(name, offset, failure) from failure
        if ended:
            return
        if len(carry) > max_line_bytes:
            whole, rest = _pass_line(stream, name, offset, len(carry), stop)
            yield Chunk(carry[:max_line_bytes], offset, line, too_long=whole)
            offset, line, carry = offset + whole, line + 1, rest


def _fill(stream: Any, carry: bytes, size: int) -> tuple[bytearray, bool, OSError | None]:
    """``carry`` and what follows it in the stream, ``size`` bytes in all or fewer if it pauses; whether it has ended; what broke it."""
    data = bytearray(max(size, len(carry)))
    data[: len(carry)] = carry
    have = len(carry)
    ended = False
    failure: OSError | None = None
    # Read into place where the stream can: a copy of every byte less.
    readinto = getattr(stream, "readinto", None)
    # A packed stream that breaks loses all that one read asked for: so each asks for little.
    step = size if isinstance(stream, io.BufferedReader) else _PACKED_BLOCK
    with memoryview(data) as view:
        while have < size and not ended:
            try:
                if readinto is not None:
                    count = readinto(view[have : min(size, have + step)])
                else:
                    block = stream.read(min(_BLOCK, size - have))
                    count = len(block)
                    view[have : have + count] = block
            except OSError as error:  # pyarrow's and zlib's complaints are OSErrors
                failure = error  # what came before is good and is not thrown away
                break
            ended = not count
            have += count
            if count and getattr(stream, "paused", False):
                break
    del data[have:]
    return data, ended, failure


def _pass_line(stream: Any, name: str, offset: int, read: int, stop: int | None) -> tuple[int, bytes]:
    """Read on to the end of a line that is too long: its length with the line end, and what was read beyond."""
    while True:
        block = _read(stream, name, offset + read, _BLOCK if stop is None else min(_BLOCK, stop - offset - read))
        end = block.find(b"\n") + 1
        if end or not block:
            return read + end, block[end:]
        read += len(block)


def _read(stream: Any, name: str, offset: int, count: int) -> bytes:
    try:
        return bytes(stream.read(count))
    except OSError as error:  # pyarrow's and zlib's complaints are OSErrors
        raise damaged(name, offset, error) from error
