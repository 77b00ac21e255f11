"""A column as text is what its values are as text, one by one."""

from __future__ import annotations

import datetime as dt
import math
import random
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sql.value_texts import texts_of
from transforms.sql.values import cell_text, plain_value

ZONES = ("+08:00", "UTC", "Asia/Shanghai", "America/New_York", "-03:30")
MAP = pa.map_(pa.string(), pa.int64())
ROW = pa.struct([("a", pa.int64()), ("b", pa.string())])


def expected(column: Any) -> list[str | None]:
    return [None if value is None else cell_text(plain_value(value)) for value in column.to_pylist()]


def or_null(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | values, max_size=6)


def times(**bounds: Any) -> st.SearchStrategy[dt.datetime]:
    return st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), **bounds)


GENERATED: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "bigint": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "unsigned": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "integer": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "double": (pa.float64(), st.floats()),
    "real": (pa.float32(), st.floats(width=32)),
    "hugeint": (pa.decimal128(38, 0), st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal)),
    "decimal": (pa.decimal128(18, 4), st.integers(-(10**17), 10**17).map(lambda n: Decimal(n).scaleb(-4))),
    "boolean": (pa.bool_(), st.booleans()),
    "varchar": (pa.string(), st.text(st.characters(codec="utf-8"), max_size=8)),
    "long text": (pa.large_string(), st.text(st.characters(codec="utf-8"), max_size=8)),
    "varbinary": (pa.binary(), st.binary(max_size=8)),
    "date": (pa.date32(), st.dates()),
    "time": (pa.time64("us"), st.times()),
    "timestamp": (pa.timestamp("us"), times()),
    "timestamp in ms": (pa.timestamp("ms"), times().map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))),
    "timestamp in s": (pa.timestamp("s"), times().map(lambda moment: moment.replace(microsecond=0))),
    "array": (pa.list_(pa.float64()), st.lists(st.none() | st.floats(), max_size=3)),
    "array of arrays": (pa.list_(pa.list_(pa.string())), st.lists(st.lists(st.text(max_size=3), max_size=2), max_size=2)),
    "map": (MAP, st.dictionaries(st.text(max_size=3), st.integers(-9, 9), max_size=2).map(lambda pairs: list(pairs.items()))),
    "row": (ROW, st.fixed_dictionaries({"a": st.none() | st.integers(-9, 9), "b": st.text(max_size=3)})),
    "null": (pa.null(), st.nothing()),
    "word": (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["a", "b"])),
}


@pytest.mark.parametrize("kind", GENERATED)
@settings(deadline=None)
@given(data=st.data())
def test_a_column_is_its_values(kind: str, data: st.DataObject) -> None:
    type_, values = GENERATED[kind]
    given_ = data.draw(or_null(values))
    flat = pa.array(given_, type_.value_type).cast(type_) if pa.types.is_dictionary(type_) else pa.array(given_, type_)
    texts = texts_of(flat)
    assert texts.type == pa.string()
    assert texts.to_pylist() == expected(flat)
    assert texts_of(pa.chunked_array([flat.slice(0, 2), flat.slice(2)], type_)).to_pylist() == expected(flat)


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None)
@given(data=st.data())
def test_moments_are_shown_in_their_zone(zone: str, data: st.DataObject) -> None:
    moments = data.draw(or_null(st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1))))
    column = pa.array(moments, pa.timestamp("us")).cast(pa.timestamp("us", zone))
    assert texts_of(column).to_pylist() == expected(column)


def test_many_doubles() -> None:
    chance = random.Random(7)
    values = [struct.unpack("d", struct.pack("Q", chance.getrandbits(64)))[0] for _ in range(20_000)]
    values += [chance.uniform(1, 10) * 10.0 ** chance.randint(-6, 18) for _ in range(20_000)]
    values += [0.0, -0.0, 1e15, 1e16, 1e20, -1e20, 1e-4, 1e-5, 5e-324, math.inf, -math.inf, math.nan, 1.7976931348623157e308]
    values += [math.nextafter(bound, towards) for bound in (1e-4, 1e16) for towards in (0.0, math.inf)]
    column = pa.array([*values, None])
    assert texts_of(column).to_pylist() == expected(column)


def test_nanoseconds_are_cut_to_milliseconds() -> None:
    column = pa.array([1_700_000_000_123_999_999, -1, None], pa.timestamp("ns"))
    assert texts_of(column).to_pylist() == ["2023-11-14 22:13:20.123", "1969-12-31 23:59:59.999", None]
