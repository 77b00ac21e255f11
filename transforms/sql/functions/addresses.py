"""IP addresses and networks in CIDR notation: pure arithmetic, no database."""

from __future__ import annotations

from transforms.sql.functions.model import Function, scalar

__all__ = ["FUNCTIONS"]

FUNCTIONS: tuple[Function, ...] = (
    scalar("ip_to_domain(varchar) -> varchar", "ip_to_domain(_1)", uses=("ip_to_domain",)),
    scalar("ip_prefix(varchar, bigint) -> varchar", "ip_prefix(_1, _2)", uses=("ip_prefix",)),
    scalar("ip_subnet_min(varchar) -> varchar", "ip_subnet_min(_1)", uses=("ip_subnet_min",)),
    scalar("ip_subnet_max(varchar) -> varchar", "ip_subnet_max(_1)", uses=("ip_subnet_max",)),
    scalar(
        "ip_subnet_range(varchar) -> array(varchar)",
        "CASE WHEN _1 IS NOT NULL THEN [ip_subnet_min(_1), ip_subnet_max(_1)] END",
        uses=("ip_subnet_min", "ip_subnet_max"),
    ),
    scalar("is_subnet_of(varchar, varchar) -> boolean", "is_subnet_of(_1, _2)", uses=("is_subnet_of",)),
    scalar("is_prefix_subnet_of(varchar, varchar) -> boolean", "is_subnet_of(_1, _2)", uses=("is_subnet_of",)),
)
