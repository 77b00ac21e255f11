"""The .ipdb format: a binary tree over the bits of addresses, leaves with fields between tabs."""

from __future__ import annotations

import json
import struct
from typing import Any

__all__ = ["IpdbFile"]

_NAMES = {
    "country_name": "country",
    "region_name": "province",
    "city_name": "city",
    "isp_domain": "isp",
    "latitude": "lat",
    "longitude": "lon",
}
"""Names of fields in the file → names in results; others keep theirs."""


class IpdbFile:
    """A database in memory. Raises ValueError for bytes that are none."""

    def __init__(self, data: bytes) -> None:
        try:
            (length,) = struct.unpack_from(">I", data)
            about: dict[str, Any] = json.loads(data[4 : 4 + length])
            self._nodes = int(about["node_count"])
            self._fields = [str(field) for field in about["fields"]]
            self._languages = {str(name).upper(): int(offset) for name, offset in about["languages"].items()}
            self._versions = int(about["ip_version"])
        except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the bytes are no .ipdb database: {error!r}") from None
        self._data = memoryview(data)[4 + length :]
        if not self._languages or self._nodes < 1 or len(self._data) < self._nodes * 8:
            raise ValueError("the .ipdb database is cut off")
        self._v4_root = self._below_mapped()

    def find(self, version: int, number: int) -> dict[str, Any] | None:
        """What the database knows of an address; None if it does not have it."""
        if not self._versions & (1 if version == 4 else 2):
            return None
        node, bits = (self._v4_root, 32) if version == 4 else (0, 128)
        for place in range(bits - 1, -1, -1):
            if node >= self._nodes:
                break
            node = self._child(node, number >> place & 1)
        return self._named(self._leaf(node)) if node > self._nodes else None

    def _below_mapped(self) -> int:
        """The node of ::ffff:0:0/96, where IPv4 addresses begin."""
        node = 0
        for place in range(96):
            if node >= self._nodes:
                break
            node = self._child(node, 1 if place >= 80 else 0)
        return node

    def _child(self, node: int, bit: int) -> int:
        return int(struct.unpack_from(">I", self._data, node * 8 + bit * 4)[0])

    def _leaf(self, node: int) -> list[str]:
        place = node - self._nodes + self._nodes * 8
        try:
            (size,) = struct.unpack_from(">H", self._data, place)
        except struct.error:
            raise ValueError("the .ipdb database is damaged: an entry lies outside of it") from None
        return bytes(self._data[place + 2 : place + 2 + size]).decode("utf-8", "replace").split("\t")

    def _named(self, values: list[str]) -> dict[str, Any]:
        """The first language without a suffix, English beside it with ``_en``."""
        main = "CN" if "CN" in self._languages else next(iter(self._languages))
        found: dict[str, Any] = {}
        for language in dict.fromkeys((main, *(("EN",) if "EN" in self._languages else ()))):
            offset = self._languages[language]
            for name, value in zip(self._fields, values[offset : offset + len(self._fields)], strict=False):
                key = _NAMES.get(name, name)
                if language == main:
                    found[key] = _number(value) if key in ("lat", "lon") else value
                elif key in ("country", "province", "city"):
                    found[f"{key}_en"] = value
        return found


def _number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value
