"""Chunks of lines from any input: whole, in order, bounded, resumable at any place."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.errors import NotFound, ParameterInvalid
from transforms.formats.byte_source import Continued, compression_of, open_bytes, read_chunks, skip_bytes
from transforms.formats.records import Chunk

LIMIT = 20


def chunks_of(data: bytes, *, offset: int = 0, line: int = 1, stop: int | None = None, chunk_bytes: int = 8) -> list[Chunk]:
    stream = io.BytesIO(data)
    skip_bytes(stream, offset, "x")
    return list(read_chunks(stream, "x", max_line_bytes=LIMIT, offset=offset, line=line, stop=stop, chunk_bytes=chunk_bytes))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=45).map(lambda line: line.replace(b"\n", b"")), max_size=12), st.booleans(), st.integers(1, 40))
def test_chunks_are_the_input(lines: list[bytes], ended: bool, chunk_bytes: int) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    chunks = chunks_of(data, chunk_bytes=chunk_bytes)
    at, number = 0, 1
    for chunk in chunks:
        assert (chunk.offset, chunk.line) == (at, number)
        size = chunk.too_long or len(chunk.data)
        whole = data[at : at + size]
        assert whole.startswith(chunk.data)
        if not chunk.too_long:
            assert whole == chunk.data
        at, number = at + size, number + whole.count(b"\n")
        assert at == len(data) or whole.endswith(b"\n")
    assert at == len(data)
    for i, chunk in enumerate(chunks):  # what an earlier run had read up to any chunk, and what is left
        rest = chunks_of(data, offset=chunk.offset, line=chunk.line, chunk_bytes=chunk_bytes)
        head = chunks_of(data, stop=chunk.offset, chunk_bytes=7)
        assert b"\n".join(filter(None, lines_of(rest))) == b"\n".join(filter(None, lines_of(chunks[i:])))
        assert b"\n".join(filter(None, lines_of(head))) == b"\n".join(filter(None, lines_of(chunks[:i])))


def lines_of(chunks: list[Chunk]) -> list[bytes]:
    """Every line that is not too long, however the chunks were cut."""
    found = []
    for chunk in chunks:
        if not chunk.too_long:
            found += [line for line in bytes(chunk.data).split(b"\n") if len(line) <= LIMIT]
    return found


def test_a_line_without_end_is_not_held() -> None:
    class Endless:
        """A line of 200 MB, then a short one."""

        left = 200_000_000

        def read(self, size: int) -> bytes:
            count = min(size, self.left)
            self.left -= count
            return b"x" * count if count else self.tail()

        def tail(self) -> bytes:
            self.read = lambda size: b""  # type: ignore[method-assign]
            return b"\nshort\n"

    long, short = read_chunks(Endless(), "x", max_line_bytes=1_000_000)
    assert (long.too_long, len(long.data)) == (200_000_001, 1_000_000)
    assert (short.data, short.offset, short.line) == (b"short\n", 200_000_001, 2)


def test_magic_bytes() -> None:
    assert compression_of(gzip.compress(b"")[:4]) == "gzip"
    assert compression_of(zstandard.compress(b"")[:4]) == "zstd"
    assert compression_of(b"\x50\x2a\x4d\x18") == "zstd"
    assert compression_of(b"{}") == compression_of(b"") == ""


def test_a_pipe_in_two_goes() -> None:
    data = gzip.compress(b"".join(b"%d\n" % i for i in range(1_000)))
    pipe = Continued(io.BufferedReader(io.BytesIO(data)), "x")
    first = list(read_chunks(pipe, "x", max_line_bytes=LIMIT, stop=1_890))
    assert pipe.consumed == 1_890
    skip_bytes(pipe, 1_890, "x")
    second = list(read_chunks(pipe, "x", max_line_bytes=LIMIT, offset=1_890, line=501))
    assert b"".join(bytes(chunk.data) for chunk in first + second) == gzip.decompress(data)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_bytes(tmp_path / "none", "none")
    with pytest.raises(ParameterInvalid, match="ends at byte 3"):
        chunks_of(b"abc", offset=5)
