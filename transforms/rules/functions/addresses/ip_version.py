"""ip_version"""

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
        Example('ip_version(v("ip"))', {"ip": "192.168.1.100"}, "IPv4"),
        Example('ip_version(v("ip"))', {"ip": "::1"}, "IPv6"),
        Example('ip_version(v("ip"), default="none")', {"ip": "localhost"}, "none"),
        Example("ip_version()", {}, error="ip"),
    ],
)
def ip_version(ip: AnyValue, default: AnyValue = "") -> Any:
    """Tells which version of IP an address belongs to.

    The result is ``IPv4`` or ``IPv6``, and the default for what is no address.
    """
    network = network_of(ip)
    return default if network is None else f"IPv{network.version}"
