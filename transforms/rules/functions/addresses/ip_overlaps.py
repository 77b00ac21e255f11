"""ip_overlaps"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.addresses._networks import network_of
from transforms.rules.kinds import AnyValue


@expression(
    "addresses",
    parameters={
        "cidr1": "The first network: net/prefix, net/mask, a range first-last or one address.",
        "cidr2": "The second network.",
        "default": "What to give for what cannot be read.",
    },
    examples=[
        Example('ip_overlaps(v("a"), v("b"))', {"a": "192.168.0.0/23", "b": "192.168.2.0/24"}, 0),
        Example('ip_overlaps(v("a"), v("b"))', {"a": "192.168.1.0/24", "b": "192.168.0.0/23"}, -1),
        Example('ip_overlaps(v("a"), v("b"))', {"a": "192.168.0.0/23", "b": "192.168.1.0/24"}, 1),
        Example('ip_overlaps(v("a"), "::/0")', {"a": "0.0.0.0/0"}, 0, title="Different versions have nothing in common"),
        Example('ip_overlaps(v("a"), v("b"), "none")', {"a": "192.168.0.0/33", "b": "192.168.1.0/24"}, "none"),
        Example('ip_overlaps(v("a"))', {"a": "192.168.0.0/23"}, error="cidr2"),
    ],
)
def ip_overlaps(cidr1: AnyValue, cidr2: AnyValue, default: AnyValue = "") -> Any:
    """Tells whether two networks overlap.

    The result is 0 if they do not, 1 if the second begins within the first, and -1 if the first begins within the second.
    """
    first, second = network_of(cidr1), network_of(cidr2)
    if first is None or second is None:
        return default
    if first.version != second.version:
        return 0
    if first.first <= second.first <= first.last:
        return 1
    return -1 if second.first <= first.first <= second.last else 0
