"""Functions that only work with OVER."""

from __future__ import annotations

from transforms.sql.functions.model import Function, window

__all__ = ["FUNCTIONS"]

FUNCTIONS: tuple[Function, ...] = (
    window("row_number() -> bigint", "row_number()"),
    window("rank() -> bigint", "rank()"),
    window("dense_rank() -> bigint", "dense_rank()"),
    window("cume_dist() -> double", "cume_dist()"),
    window("percent_rank() -> double", "percent_rank()"),
    window("ntile(bigint) -> bigint", "ntile(_1)"),
    window("first_value(T) -> T", "first_value(_1)"),
    window("last_value(T) -> T", "last_value(_1)"),
    window("nth_value(T, bigint) -> T", "nth_value(_1, _2)"),
    window("lag(T) -> T", "lag(_1)"),
    window("lag(T, bigint) -> T", "lag(_1, _2)"),
    window("lag(T, bigint, T) -> T", "lag(_1, _2, _3)"),
    window("lead(T) -> T", "lead(_1)"),
    window("lead(T, bigint) -> T", "lead(_1, _2)"),
    window("lead(T, bigint, T) -> T", "lead(_1, _2, _3)"),
)
