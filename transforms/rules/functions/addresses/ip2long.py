"""ip2long"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.addresses._networks import address_of
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "addresses",
    parameters={
        "ip": "An IPv4 address.",
        "default": "What to give for what cannot be read.",
    },
    examples=[
        Example('ip2long(v("ip"))', {"ip": "10.0.0.0"}, 167772160),
        Example('ip2long(v("ip"))', {"ip": "333.1.1.1"}, 0),
        Example('ip2long(v("ip"), "none")', {"ip": "::1"}, "none"),
        Example("ip2long()", {}, error="ip"),
    ],
)
def ip2long(ip: AnyValue, default: AnyValue = 0) -> Any:
    """Turns an IPv4 address into a number.

    What is no IPv4 address gives the default.
    """
    address = address_of(ip)
    return default if address is None or address[0] != 4 else address[1]


@ip2long.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.addresses._address_columns import v4_numbers

    return call.completed(*v4_numbers(call.column("ip")))
