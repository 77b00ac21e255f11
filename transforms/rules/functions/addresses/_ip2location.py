"""The .BIN format of IP2Location: rows sorted by first address, with pointers to texts.

The format's own library reads from paths only and keeps state between look-ups; rules have bytes.
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["BinFile"]

_COLUMNS: dict[str, tuple[int, ...]] = {
    "region": (0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3),
    "city": (0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4),
    "isp": (0, 0, 3, 0, 5, 0, 7, 5, 7, 0, 8, 0, 9, 0, 9, 0, 9, 0, 9, 7, 9, 0, 9, 7, 9, 9, 9),
    "latitude": (0, 0, 0, 0, 0, 5, 5, 0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5),
    "longitude": (0, 0, 0, 0, 0, 6, 6, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6),
    "domain": (0, 0, 0, 0, 0, 0, 0, 6, 8, 0, 9, 0, 10, 0, 10, 0, 10, 0, 10, 8, 10, 0, 10, 8, 10, 10, 10),
    "zipcode": (0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7, 0, 7, 7, 7, 0, 7, 0, 7, 7, 7, 0, 7, 7, 7),
    "timezone": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 7, 8, 8, 8, 7, 8, 0, 8, 8, 8, 0, 8, 8, 8),
    "netspeed": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 11, 0, 11, 8, 11, 0, 11, 0, 11, 0, 11, 11, 11),
    "idd_code": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 12, 0, 12, 0, 12, 9, 12, 0, 12, 12, 12),
    "area_code": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 13, 0, 13, 0, 13, 10, 13, 0, 13, 13, 13),
    "weather_code": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 14, 0, 14, 0, 14, 0, 14, 14, 14),
    "weather_name": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 15, 0, 15, 0, 15, 0, 15, 15, 15),
    "mcc": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 16, 0, 16, 9, 16, 16, 16),
    "mnc": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 17, 0, 17, 10, 17, 17, 17),
    "mobile_brand": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 18, 0, 18, 11, 18, 18, 18),
    "elevation": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 19, 0, 19, 19, 19),
    "usage_type": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 20, 20, 20),
    "address_type": (0,) * 25 + (21, 21),
    "category": (0,) * 25 + (22, 22),
    "district": (0,) * 26 + (23,),
    "asn": (0,) * 26 + (24,),
    "as_name": (0,) * 26 + (25,),
    "as_domain": (0,) * 26 + (26,),
    "as_usagetype": (0,) * 26 + (27,),
    "as_cidr": (0,) * 26 + (28,),
}
"""Name → its column in each of the 26 kinds of database, from 1; 0 = not in it. Column 1 is the address, column 2 the country."""

_V6_AS_V4 = (
    (0x2002 << 112, 0x2003 << 112, 80, False),
    (0x20010000 << 96, 0x20010001 << 96, 0, True),
    (0xFFFF << 32, 0x10000 << 32, 0, False),
)
"""First and next address of 6to4, Teredo and mapped addresses; where the IPv4 address in them is and whether its bits are inverted."""


class BinFile:
    """A database in memory. Raises ValueError for bytes that are none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            self._kind, self._columns, year, _, _, *places, product = struct.unpack_from("<5B6IB", data)
        except struct.error:
            raise ValueError("the bytes are no IP2Location .BIN database") from None
        if not 1 <= self._kind <= 26 or not 2 <= self._columns <= 64 or (product != 1 and (year > 20 or product)):
            raise ValueError("the bytes are no IP2Location .BIN database")
        v4_rows, v4_start, v6_rows, v6_start, v4_index, v6_index = places
        self._tables = {4: (v4_rows, v4_start, v4_index), 6: (v6_rows, v6_start, v6_index)}

    def find(self, version: int, number: int) -> dict[str, Any] | None:
        """What the database knows of an address; None if it does not have it."""
        for first, end, shift, inverted in _V6_AS_V4:
            if version == 6 and first <= number < end:
                version, number = 4, (~number if inverted else number >> shift) & 0xFFFFFFFF
        rows, start, index = self._tables[version]
        if not rows:
            return None
        try:
            row = self._row(version, number, rows, start, index)
            return None if row is None else self._record(row)
        except struct.error:
            raise ValueError("the IP2Location .BIN database is damaged or cut off") from None

    def _row(self, version: int, number: int, rows: int, start: int, index: int) -> int | None:
        """Where the columns after the address begin, for the row that holds an address."""
        bits, width = (32, 4) if version == 4 else (128, 16)
        number = min(number, (1 << bits) - 2)
        size = width + 4 * (self._columns - 1)
        low, high = 0, rows
        if index:
            low, high = struct.unpack_from("<II", self._data, index - 1 + (number >> (bits - 16)) * 8)
        while low <= high:
            middle = (low + high) // 2
            place = start - 1 + middle * size
            if number < self._address(place, width):
                high = middle - 1
            elif number >= self._address(place + size, width):
                low = middle + 1
            else:
                return int(place + width)
        return None

    def _address(self, place: int, width: int) -> int:
        if place + width > len(self._data):
            raise struct.error
        return int.from_bytes(self._data[place : place + width], "little")

    def _record(self, place: int) -> dict[str, Any]:
        (country,) = struct.unpack_from("<I", self._data, place)
        found: dict[str, Any] = {"country_short": self._text(country), "country_long": self._text(country + 3)}
        for name, columns in _COLUMNS.items():
            column = columns[self._kind]
            if not column:
                continue
            if name in ("latitude", "longitude"):
                found[name] = round(struct.unpack_from("<f", self._data, place + 4 * (column - 2))[0], 6)
            else:
                found[name] = self._text(struct.unpack_from("<I", self._data, place + 4 * (column - 2))[0])
        found["country"] = found["country_long"]
        if "region" in found:
            found["province"] = found["region"]
        return found

    def _text(self, place: int) -> str:
        (length,) = struct.unpack_from("B", self._data, place)
        return self._data[place + 1 : place + 1 + length].decode("latin-1")
