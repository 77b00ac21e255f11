"""Small databases of places of addresses, written here byte by byte in the formats of their makers."""

from __future__ import annotations

import ipaddress
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _tree(networks: Mapping[str, int]) -> list[list[int | None]]:
    """A binary tree over 128 bits: child = a node's number, a leaf as -1 - value, or None."""
    nodes: list[list[int | None]] = [[None, None]]
    for text, value in networks.items():
        network = ipaddress.ip_network(text)
        number, bits = int(network.network_address), network.prefixlen
        if network.version == 4:
            number, bits = number | 0xFFFF << 32, bits + 96
        node = 0
        for place in range(bits):
            bit = number >> (127 - place) & 1
            if place == bits - 1:
                nodes[node][bit] = -1 - value
                break
            if nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = len(nodes) - 1
            node = nodes[node][bit]  # type: ignore[assignment]
    return nodes


def ipdb(networks: Mapping[str, Sequence[str]], fields: Sequence[str], languages: Sequence[str] = ("CN",)) -> bytes:
    """.ipdb: network → the texts of all languages, one language after the other."""
    places: dict[str, int] = {}
    body = bytearray(8)
    for network, texts in networks.items():
        places[network] = len(body)
        entry = "\t".join(texts).encode()
        body += struct.pack(">H", len(entry)) + entry
    nodes = _tree(places)
    count = len(nodes)
    tree = b"".join(
        struct.pack(">I", count if child is None else child if child >= 0 else count - 1 - child) for node in nodes for child in node
    )
    about = json.dumps({
        "build": 1, "ip_version": 3, "node_count": count, "total_size": len(tree) + len(body), "fields": list(fields),
        "languages": {name: number * len(fields) for number, name in enumerate(languages)},
    }).encode()  # fmt: skip
    return struct.pack(">I", len(about)) + about + tree + body


def bin_file(
    v4: Sequence[tuple[str, Sequence[Any]]], v6: Sequence[tuple[str, Sequence[Any]]] = (), kind: int = 26, index: bool = False
) -> bytes:
    """.BIN: rows of (first address, columns), where a column is a text, a pair (country) or a float."""
    columns = 1 + len(v4[0][1])
    header = 64
    indices = 2 * 65_536 * 8 if index else 0
    v4_start = header + indices + 1
    v6_start = v4_start + (len(v4) + 1) * 4 * columns
    texts_start = v6_start - 1 + (len(v6) + 1) * (16 + 4 * (columns - 1)) + 64
    texts = bytearray()

    def column(value: Any) -> bytes:
        if isinstance(value, float):
            return struct.pack("<f", value)
        place = texts_start + len(texts)
        for part in value if isinstance(value, tuple) else (value,):
            encoded = part.encode("latin-1")
            texts.extend(bytes([len(encoded)]) + encoded)
        return struct.pack("<I", place)

    def table(rows: Sequence[tuple[str, Sequence[Any]]], width: int) -> bytes:
        made = b"".join(
            int(ipaddress.ip_address(first)).to_bytes(width, "little") + b"".join(map(column, values)) for first, values in rows
        )
        return made + b"\xff" * width + bytes(4 * (columns - 1))

    v4_table, v6_table = table(v4, 4), table(v6, 16)
    start = struct.pack(
        "<5B6IB",
        kind,
        columns,
        24,
        1,
        1,
        len(v4),
        v4_start,
        len(v6),
        v6_start,
        header + 1 if index else 0,
        header + 1 + indices // 2 if index else 0,
        1,
    )
    jumps = (
        b"".join(_jumps([int(ipaddress.ip_address(first)) for first, _ in rows], bits) for rows, bits in ((v4, 32), (v6, 128)))
        if index
        else b""
    )
    return start.ljust(header, b"\0") + jumps + v4_table + v6_table + bytes(64) + bytes(texts) + bytes(300)


def _jumps(firsts: Sequence[int], bits: int) -> bytes:
    """For each first 16 bits the rows to search."""
    found = bytearray()
    for high in range(65_536):
        low_address, high_address = high << (bits - 16), ((high + 1) << (bits - 16)) - 1
        low = max((row for row, first in enumerate(firsts) if first <= low_address), default=0)
        last = max((row for row, first in enumerate(firsts) if first <= high_address), default=0)
        found += struct.pack("<II", low, last)
    return bytes(found)


def mmdb(networks: Mapping[str, Any]) -> bytes:
    """.mmdb: network → record, as MaxMind's format describes it, with records of 32 bits."""
    data = bytearray()
    places: dict[str, int] = {}
    for network, record in networks.items():
        places[network] = len(data)
        data += _mmdb_value(record)
    # IPv4 lies at ::/96 there.
    nodes = _tree({
        (f"::{network.partition('/')[0]}/{int(network.partition('/')[2]) + 96}" if "." in network else network): place
        for network, place in places.items()
    })  # fmt: skip
    count = len(nodes)
    tree = b"".join(
        struct.pack(">I", count if child is None else child if child >= 0 else count + 15 - child) for node in nodes for child in node
    )
    about = {
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "database_type": "Test", "description": {"en": "t"},
        "ip_version": 6, "languages": ["en"], "node_count": count, "record_size": 32,
    }  # fmt: skip
    return tree + bytes(16) + bytes(data) + b"\xab\xcd\xefMaxMind.com" + _mmdb_value(about)


def _mmdb_value(value: Any) -> bytes:
    if isinstance(value, str):
        return _mmdb_control(2, len(value.encode())) + value.encode()
    if isinstance(value, float):
        return _mmdb_control(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        encoded = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _mmdb_control(6, len(encoded)) + encoded
    if isinstance(value, list):
        return _mmdb_control(11, len(value)) + b"".join(map(_mmdb_value, value))
    return _mmdb_control(7, len(value)) + b"".join(_mmdb_value(key) + _mmdb_value(item) for key, item in value.items())


def _mmdb_control(kind: int, size: int) -> bytes:
    first = (kind << 5 if kind < 8 else 0) | min(size, 29)
    return bytes([first]) + (bytes([kind - 7]) if kind >= 8 else b"") + (bytes([size - 29]) if size >= 29 else b"")
