"""ip_cidrmatch"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.addresses._networks import address_of, network_of
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "addresses",
    parameters={
        "cidr_subnet": "The network: net/prefix, net/mask, a range first-last or one address.",
        "ip": "The address.",
        "default": "What to give for what cannot be read.",
    },
    examples=[
        Example('ip_cidrmatch("192.168.1.0/24", v("ip"))', {"ip": "192.168.1.100"}, True),
        Example('ip_cidrmatch("203.0.113.1/25", v("ip"))', {"ip": "203.0.113.200"}, False, title="Host bits of the network do not count"),
        Example('ip_cidrmatch("2001:db8::/32", v("ip"))', {"ip": "2001:DB8::1"}, True),
        Example('ip_cidrmatch("10.0.0.0/8", "::1")', {}, False, title="Another version"),
        Example('ip_cidrmatch("10.0.0.0/8", v("ip"), default="?")', {"ip": "10.0.0.256"}, "?"),
        Example('ip_cidrmatch("10.0.0.0/8")', {}, error="ip"),
    ],
)
def ip_cidrmatch(cidr_subnet: AnyValue, ip: AnyValue, default: AnyValue = "") -> Any:
    """Tells whether an address belongs to a network.

    The network comes first. The default is given if one of them cannot be read, or is missing.
    """
    network, address = network_of(cidr_subnet), address_of(ip)
    if network is None or address is None:
        return default
    return address[0] == network.version and network.first <= address[1] <= network.last


@ip_cidrmatch.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.addresses._address_columns import v4_numbers

    network = network_of(call.fixed("cidr_subnet"))
    if network is None or network.version != 4:
        raise Decline
    numbers, covered = v4_numbers(call.column("ip"))
    return call.completed(numbers.is_between(network.first, network.last), covered)
