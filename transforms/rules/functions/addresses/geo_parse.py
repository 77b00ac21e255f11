"""geo_parse"""

from __future__ import annotations

import struct
from typing import Annotated, Any

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.addresses._databases import PROVIDERS, Database, opened
from transforms.rules.functions.addresses._networks import address_of
from transforms.rules.kinds import AnyValue, Kind, Text, choice_of
from transforms.rules.values import as_text, kind_of


def _database(value: Any) -> str | bytes:
    if isinstance(value, str | bytes):
        return value
    raise TypeError(f'ip_db is the name of a database or its bytes, as res_oss_file(…, format="binary") gives them, not {kind_of(value)}')


def _keep(value: Any) -> tuple[tuple[str, str], ...]:
    """(key, new name) pairs."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        raise TypeError(f"keep_fields is a list of keys or of (key, new name) pairs, not {kind_of(value)}")
    pairs: list[tuple[str, str]] = []
    for item in value:
        if isinstance(item, list | tuple):
            if len(item) != 2:
                raise ValueError("keep_fields takes keys or pairs of a key and its new name")
            pairs.append((as_text(item[0]), as_text(item[1])))
        else:
            pairs.append((as_text(item).strip(), as_text(item).strip()))
    return tuple(pairs)


DatabaseSource = Annotated[Any, Kind("the name of a database, or its bytes", _database)]
KeptFields = Annotated[tuple[tuple[str, str], ...], Kind("a list of keys or of (key, new name) pairs", _keep)]
Provider = Annotated[str, choice_of("provider", tuple(PROVIDERS))]
_ABOUT = b'{"ip_version":1,"node_count":2,"languages":{"CN":0},"fields":["country_name","city_name"]}'
_TREE = (0, 1, 10, 1, 0, 0)  # two nodes of two branches each, and a gap: all addresses but the very last lead to the entry
_ENTRY = b"Norway\tBergen"
_SMALL = {
    "ip_database": {
        "SLS-GeoIP": struct.pack(">I", len(_ABOUT)) + _ABOUT + struct.pack(">6I", *_TREE) + struct.pack(">H", len(_ENTRY)) + _ENTRY,
    }
}


@expression(
    "addresses",
    parameters={
        "ip": "The address, or several of them.",
        "ip_db": "The name of a database that the job has, or the bytes of one.",
        "keep_fields": "Which keys to keep, as a list; a pair (key, new name) renames one.",
        "provider": "Whose format the database has: ipip (.ipdb), ip2location (.BIN) or maxmind (.mmdb).",
        "ip_sep": "What separates several addresses; the result then has an entry for each.",
    },
    examples=[
        Example('geo_parse(v("ip"))', {"ip": "200.1.1.1"}, {"country": "Norway", "city": "Bergen"}, resources=_SMALL),
        Example(
            'geo_parse(v("ip"), keep_fields=(("city", "town"), "isp"), ip_sep=",")',
            {"ip": "200.1.1.1, 255.255.255.255,here"},
            {"200.1.1.1": {"town": "Bergen"}, "255.255.255.255": None, "here": None},
            resources=_SMALL,
        ),
        Example('geo_parse("unknown")', {}, None, resources=_SMALL),
        Example('geo_parse(v("ip"), ip_db="mine")', {"ip": "200.1.1.1"}, error="mine"),
        Example('geo_parse(v("ip"), provider="map")', {"ip": "200.1.1.1"}, error="provider is one of"),
    ],
)
def geo_parse(
    context: Context,
    ip: AnyValue,
    ip_db: DatabaseSource = "SLS-GeoIP",
    keep_fields: KeptFields | None = None,
    provider: Provider = "ipip",
    ip_sep: Text | None = None,
) -> dict[str, Any] | None:
    """Tells where an address is.

    The result is a dictionary with what the database has, such as ``country``, ``province``, ``city`` (``country_en`` … in English), ``isp``,
    ``lat`` and ``lon``; databases of IP2Location have their own names besides. An address that is unknown or cannot be read gives None.
    Without ``provider`` the format is found out. No database is shipped: name a file in the job, or load one with ``res_oss_file``.
    """
    database = opened(context.resources.ip_database(ip_db) if isinstance(ip_db, str) else ip_db, provider)
    if ip_sep is None:
        return _place(database, ip, keep_fields)
    if not ip_sep:
        raise ValueError("ip_sep is empty")
    addresses = [part.strip() for part in as_text(ip).split(ip_sep)]
    return {address: _place(database, address, keep_fields) for address in addresses if address}


def _place(database: Database, ip: Any, keep: tuple[tuple[str, str], ...] | None) -> dict[str, Any] | None:
    address = address_of(ip)
    found = None if address is None else database.find(*address)
    if found is None or keep is None:
        return found
    return {name: found[key] for key, name in keep if key in found}
