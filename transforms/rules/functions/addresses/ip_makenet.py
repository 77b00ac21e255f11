"""ip_makenet"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.addresses._networks import address_of, bits_of_mask, network_of
from transforms.rules.kinds import AnyValue
from transforms.rules.values import as_text


@expression(
    "addresses",
    parameters={
        "ip": "An address; without a mask also net/mask, net/prefix or a range first-last.",
        "subnet_mask": "The mask, such as 255.255.255.0, or the length of the prefix.",
        "default": "What to give for what cannot be read.",
    },
    examples=[
        Example('ip_makenet(v("ip"), "255.255.255.0")', {"ip": "192.168.1.7"}, "192.168.1.0/24"),
        Example('ip_makenet(v("ip"))', {"ip": "192.168.1.0-192.168.1.255"}, "192.168.1.0/24"),
        Example('ip_makenet(v("ip"))', {"ip": "192.168.1.0/255.255.255.0"}, "192.168.1.0/24"),
        Example(
            'ip_makenet(v("ip"), default="none")', {"ip": "192.168.1.1-192.168.1.255"}, "none", title="A range that is no single block"
        ),
        Example('ip_makenet(v("ip"), "255.0.255.0")', {"ip": "192.168.1.7"}, ""),
        Example("ip_makenet()", {}, error="ip"),
    ],
)
def ip_makenet(ip: AnyValue, subnet_mask: AnyValue = None, default: AnyValue = "") -> Any:
    """Makes a network of an address.

    The result is ``net/prefix``; host bits are cleared.
    """
    if subnet_mask is None:
        network = network_of(ip)
    else:
        address = address_of(ip)
        prefix = None if address is None else bits_of_mask(address[0], as_text(subnet_mask).strip())
        network = None if prefix is None else network_of(f"{as_text(ip).strip()}/{prefix}")
    return default if network is None or network.prefix is None else network.text
