"""ip_to_format"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.addresses._networks import Network, dotted, network_of
from transforms.rules.kinds import AnyValue, Kind
from transforms.rules.values import as_integer


def _with_mask(network: Network) -> str:
    bits = 32 if network.version == 4 else 128
    mask = (1 << bits) - (1 << (bits - (network.prefix or 0)))
    return f"{dotted(network.version, network.first)}/{dotted(network.version, mask)}"


_FORMATS: dict[int, Callable[[Network], str]] = {
    1: lambda network: network.text,
    2: _with_mask,
    3: lambda network: f"{dotted(network.version, network.first)}-{dotted(network.version, network.last)}",
}


def _format(value: Any) -> int:
    number = as_integer(value)
    if number not in (0, *_FORMATS):
        raise ValueError(f"want_prefix_len is 0 (as it is), 1 (net/prefix), 2 (net/mask) or 3 (first-last), not {value}")
    return number


Wanted = Annotated[int, Kind("0, 1, 2 or 3", _format)]


@expression(
    "addresses",
    parameters={
        "cidr_subnet": "The network: net/prefix, net/mask, a range first-last or one address.",
        "want_prefix_len": "How to write it: 0 as it is, 1 net/prefix, 2 net/mask, 3 first-last.",
        "default": "What to give for what cannot be read.",
    },
    examples=[
        Example('ip_to_format(v("net"))', {"net": "192.168.1.0/24"}, "192.168.1.0/24"),
        Example('ip_to_format(v("net"), 2)', {"net": "192.168.1.0/24"}, "192.168.1.0/255.255.255.0"),
        Example('ip_to_format(v("net"), 3)', {"net": "192.168.1.0/24"}, "192.168.1.0-192.168.1.255"),
        Example('ip_to_format(v("net"), 1)', {"net": "2001:db8::/ffff:ffff::"}, "2001:db8::/32"),
        Example('ip_to_format(v("net"), 1, "none")', {"net": "here"}, "none"),
        Example('ip_to_format(v("net"), 4)', {"net": "192.168.1.0/24"}, error="want_prefix_len is 0"),
    ],
)
def ip_to_format(cidr_subnet: AnyValue, want_prefix_len: Wanted = 0, default: AnyValue = "") -> Any:
    """Writes a network in another form.

    A range that is no single block can be written as ``first-last`` only.
    """
    network = network_of(cidr_subnet)
    if network is None or (want_prefix_len in (1, 2) and network.prefix is None):
        return default
    return cidr_subnet if want_prefix_len == 0 else _FORMATS[want_prefix_len](network)
