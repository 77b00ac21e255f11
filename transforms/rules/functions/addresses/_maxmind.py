"""The .mmdb format of MaxMind, read by its own package."""

from __future__ import annotations

import io
from typing import Any

from transforms.rules.functions.addresses._networks import dotted

__all__ = ["MmdbFile"]

MARK = b"\xab\xcd\xefMaxMind.com"
"""Stands before the description at the end of a file."""


class MmdbFile:
    """A database in memory. Raises ValueError for bytes that are none."""

    def __init__(self, data: bytes) -> None:
        from maxminddb import MODE_FD, InvalidDatabaseError
        from maxminddb.reader import Reader

        self._damaged = InvalidDatabaseError
        try:
            self._reader = Reader(io.BytesIO(data), MODE_FD)
        except (InvalidDatabaseError, ValueError, TypeError, LookupError) as error:
            raise ValueError(f"the bytes are no .mmdb database: {error}") from None

    def find(self, version: int, number: int) -> dict[str, Any] | None:
        """What the database knows of an address; None if it does not have it."""
        if version == 6 and self._reader.metadata().ip_version == 4:
            return None
        try:
            found = self._reader.get(dotted(version, number))
        except self._damaged as error:
            raise ValueError(f"the .mmdb database is damaged: {error}") from None
        return _record(found) if isinstance(found, dict) else None


def _record(found: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    divisions = found.get("subdivisions") or [None]
    for key, place in (("city", found.get("city")), ("province", divisions[0]), ("country", found.get("country"))):
        names = place.get("names") if isinstance(place, dict) else None
        if isinstance(names, dict) and names:
            english = names.get("en") or next(iter(names.values()))
            record[key] = names.get("zh-CN") or english
            record[f"{key}_en"] = english
    for key in ("isp", "autonomous_system_organization"):
        if key in found:
            record.setdefault("isp", found[key])
    location = found.get("location")
    if isinstance(location, dict) and "latitude" in location and "longitude" in location:
        record["lat"], record["lon"] = location["latitude"], location["longitude"]
    return record
