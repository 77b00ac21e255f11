"""Addresses and networks as texts write them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from transforms.rules.values import as_text

__all__ = ["Network", "address_of", "bits_of_mask", "dotted", "network_of", "v4_number"]

_BITS = {4: 32, 6: 128}


@dataclass(frozen=True)
class Network:
    """Addresses ``first`` to ``last`` (numbers) of IP ``version``. ``prefix`` is None for a range that is no block."""

    version: int
    first: int
    last: int
    prefix: int | None

    @property
    def text(self) -> str:
        """``net/prefix``; only for blocks."""
        return f"{dotted(self.version, self.first)}/{self.prefix}"


def v4_number(text: str) -> int | None:
    """The number of four decimal parts without leading zeros; None for all else."""
    parts = text.split(".")
    if len(parts) != 4:
        return None
    number = 0
    for part in parts:
        if not (part.isascii() and part.isdigit() and len(part) <= 3) or (part[0] == "0" and len(part) > 1) or (octet := int(part)) > 255:
            return None
        number = number << 8 | octet
    return number


def address_of(value: Any) -> tuple[int, int] | None:
    """Version and number of an address, or None for what is no address."""
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else as_text(value).strip()
    if ":" not in text:
        number = v4_number(text)
        return None if number is None else (4, number)
    try:
        return 6, int(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def network_of(value: Any) -> Network | None:
    """A network from ``net/prefix``, ``net/mask``, ``first-last`` or one address; host bits are cleared. None for what is no network."""
    return None if value is None else _network(value if isinstance(value, str) else as_text(value))


@lru_cache(maxsize=4096)
def _network(text: str) -> Network | None:
    left, slash, right = text.partition("/")
    if slash:
        address = address_of(left)
        prefix = None if address is None else bits_of_mask(address[0], right.strip())
        return None if address is None or prefix is None else _block(*address, prefix)
    left, dash, right = text.partition("-")
    first = address_of(left)
    if first is None:
        return None
    if not dash:
        return _block(*first, _BITS[first[0]])
    last = address_of(right)
    if last is None or first[0] != last[0] or first[1] > last[1]:
        return None
    size = last[1] - first[1] + 1
    whole = not size & (size - 1) and not first[1] % size
    return Network(first[0], first[1], last[1], _BITS[first[0]] - size.bit_length() + 1 if whole else None)


def _block(version: int, number: int, prefix: int) -> Network:
    size = 1 << (_BITS[version] - prefix)
    first = number & -size
    return Network(version, first, first + size - 1, prefix)


def bits_of_mask(version: int, text: str) -> int | None:
    """Length of a prefix from ``24``, ``255.255.255.0`` or ``ffff::``; None for what is no mask."""
    if text.isascii() and text.isdigit() and len(text) <= 3:
        return int(text) if int(text) <= _BITS[version] else None
    mask = address_of(text)
    if mask is None or mask[0] != version:
        return None
    hosts = (1 << _BITS[version]) - 1 - mask[1]
    return None if hosts & (hosts + 1) else _BITS[version] - hosts.bit_length()


def dotted(version: int, number: int) -> str:
    """An address as text, IPv6 in its short form."""
    return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))
