"""Databases of places of addresses, in the formats that providers sell."""

from __future__ import annotations

from typing import Any, Protocol

from transforms.rules.functions.addresses._ip2location import BinFile
from transforms.rules.functions.addresses._ipdb import IpdbFile
from transforms.rules.functions.addresses._maxmind import MARK, MmdbFile

__all__ = ["PROVIDERS", "Database", "opened"]

PROVIDERS: dict[str, type[IpdbFile] | type[BinFile] | type[MmdbFile]] = {"ipip": IpdbFile, "ip2location": BinFile, "maxmind": MmdbFile}
"""Who makes the file → its reader."""
_KEPT = 8
_open: list[tuple[bytes, str, Database]] = []


class Database(Protocol):
    """Finds what is known of an address."""

    def find(self, version: int, number: int) -> dict[str, Any] | None:
        """A record, or None. Raises ValueError if the file is damaged."""
        ...


def opened(data: bytes, provider: str) -> Database:
    """The database that bytes hold; the same bytes object is read once. The default provider stands for any whose format it is."""
    found, database = next(((found, ready) for known, found, ready in _open if known is data), (_provider_of(data), None))
    if provider not in ("ipip", found):
        raise ValueError(f"the database has the format of {found}, not of {provider}")
    if database is None:
        database = PROVIDERS[found](data)
        _open.append((data, found, database))
        del _open[:-_KEPT]
    return database


def _provider_of(data: bytes) -> str:
    if data.rfind(MARK, max(0, len(data) - 131_072)) >= 0:
        return "maxmind"
    return "ipip" if data[4:5] == b"{" else "ip2location"
