"""ip_type"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.addresses._networks import network_of
from transforms.rules.kinds import AnyValue


@expression(
    "addresses",
    parameters={
        "ip": "An address or a network.",
        "default": "What to give for what cannot be read.",
    },
    examples=[
        Example('ip_type(v("ip"))', {"ip": "127.0.0.1"}, "loopback"),
        Example('ip_type(v("ip"))', {"ip": "195.185.1.2"}, "public"),
        Example('ip_type(v("ip"))', {"ip": "169.254.1.1"}, "private"),
        Example('ip_type(v("ip"))', {"ip": "100.64.0.1"}, "carrier_grade_nat"),
        Example('ip_type(v("ip"))', {"ip": "2001:658:22a:cafe:200::1"}, "allocated ripe ncc"),
        Example('ip_type(v("ip"), default="none")', {"ip": "1.2.3"}, "none"),
        Example("ip_type()", {}, error="ip"),
    ],
)
def ip_type(ip: AnyValue, default: AnyValue = "") -> Any:
    """Tells what kind of address it is.

    For IPv4 ``public``, ``private`` (0/8 and 169.254/16 too), ``loopback``, ``carrier_grade_nat`` or ``reserved`` (multicast too); for IPv6
    such as ``loopback``, ``linklocal``, ``documentation``, ``ipv4map`` or the registry that hands the address out.
    The tables are those of the package IPy.
    """
    network = network_of(ip)
    if network is None:
        return default
    from IPy import IP

    return str(IP(network.first, ipversion=network.version).iptype()).lower()
