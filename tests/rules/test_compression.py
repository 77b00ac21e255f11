"""Functions that compress: what their examples cannot say."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest

from tests.rules.evaluation import scalar
from transforms.rules.event import EventFailed
from transforms.rules.limits import MOST_CHARACTERS


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("form", ["gzip", "zlib"])
@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("written", ["base64", "hex"])
def test_what_is_compressed_comes_out_again(form: str, level: int, written: str) -> None:
    text = "žluťoučký 🙂 " * 100
    rule = f'{form}_decompress({form}_compress(v("a"), {level}, "{written}", "utf-16"), "{written}", "utf-16")'
    assert scalar(rule, {"a": text}) == text


def test_equal_texts_are_compressed_equally() -> None:
    assert scalar('gzip_compress(v("a"))', {"a": "x"}) == scalar('gzip_compress("x")', {})


def test_a_bomb_does_not_go_off() -> None:
    whole = "x" * MOST_CHARACTERS
    for form, compress in (("gzip", gzip.compress), ("zlib", zlib.compress)):
        assert scalar(f'{form}_decompress(v("a"))', {"a": _base64(compress(whole.encode()))}) == whole
        with pytest.raises(EventFailed, match="more than 10,000,000 bytes come out"):
            scalar(f'{form}_decompress(v("a"))', {"a": _base64(compress(bytes(50_000_000 if form == "zlib" else MOST_CHARACTERS + 1)))})


def test_members_of_gzip_data_are_put_together_up_to_a_number() -> None:
    parts = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two") + bytes(100)
    assert scalar('gzip_decompress(v("a"))', {"a": _base64(parts)}) == "one two"
    with pytest.raises(EventFailed, match="1,000 members"):
        scalar('gzip_decompress(v("a"))', {"a": _base64(gzip.compress(b"") * 2_000)})
    with pytest.raises(EventFailed, match="this is no gzip data"):
        scalar('gzip_decompress(v("a"))', {"a": _base64(gzip.compress(b"one") + b"rest")})
    with pytest.raises(EventFailed, match="followed by something else"):
        scalar('zlib_decompress(v("a"))', {"a": _base64(zlib.compress(b"one") + zlib.compress(b"two"))})


@pytest.mark.parametrize(("form", "compress"), [("gzip", gzip.compress), ("zlib", zlib.compress)])
def test_damaged_data_fails(form: str, compress: object) -> None:
    assert callable(compress)
    good = bytearray(compress(b"some text that is long enough"))
    good[-5 if form == "gzip" else -1] ^= 1  # in the check sum
    with pytest.raises(EventFailed, match="check"):
        scalar(f'{form}_decompress(v("a"))', {"a": _base64(bytes(good))})
    for cut in (0, 1, 5, 11):
        with pytest.raises(EventFailed):
            scalar(f'{form}_decompress(v("a"))', {"a": _base64(bytes(compress(b"text"))[:cut])})
    with pytest.raises(EventFailed, match="codec can't decode"):
        scalar(f'{form}_decompress(v("a"))', {"a": _base64(compress(b"\xff"))})
