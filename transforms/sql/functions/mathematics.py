"""Numbers: arithmetic, rounding, trigonometry, bits, bases."""

from __future__ import annotations

from sqlglot import exp

from transforms.sql.functions.model import Call, Function, fill, scalar
from transforms.sql.translate_context import NOT_CONSTANT

__all__ = ["FUNCTIONS"]


def _width(call: Call) -> None:
    bits = call.args[1].constant
    if isinstance(bits, int) and not 2 <= bits <= 64:
        raise call.error(1, f"the number of bits must be between 2 and 64, not {bits}")


def _radix(call: Call) -> None:
    radix = call.args[1].constant
    if isinstance(radix, int) and not 2 <= radix <= 36:
        raise call.error(1, f"a radix must be between 2 and 36, not {radix}")


def _random_below(call: Call) -> exp.Expr:
    return call.sql("CAST(floor(random() * _1) AS BIGINT)")


def _round(call: Call) -> exp.Expr:
    whole = call.args[0].type.name == "bigint"
    if call.args[1].constant is NOT_CONSTANT:
        rounded = call.sql("round(_1 * pow(1e1, _2)) / pow(1e1, _2)")
    else:
        rounded = call.sql("round(CAST(_1 AS DECIMAL(38, 0)), CAST(_2 AS INTEGER))" if whole else "round(_1, CAST(_2 AS INTEGER))")
    return fill("CAST(_1 AS BIGINT)", [rounded]) if whole else rounded


_SAME = (
    "cbrt",
    "sqrt",
    "exp",
    "ln",
    "log2",
    "log10",
    "degrees",
    "radians",
    "acos",
    "asin",
    "atan",
    "cos",
    "sin",
    "tan",
    "cosh",
    "sinh",
    "tanh",
)

FUNCTIONS: tuple[Function, ...] = (
    *(scalar(f"{name}(double) -> double", f"{name}(_1)") for name in _SAME),
    scalar("abs(bigint) -> bigint", "abs(_1)"),
    scalar("abs(decimal) -> decimal", "abs(_1)"),
    scalar("abs(double) -> double", "abs(_1)"),
    scalar("sign(bigint) -> bigint", "CAST(sign(_1) AS BIGINT)"),
    scalar("sign(double) -> double", "CAST(sign(_1) AS DOUBLE)"),
    scalar("pi() -> double", "pi()"),
    scalar("e() -> double", "exp(1e0)"),
    scalar("log(double, double) -> double", "log(_2, _1)"),
    scalar("pow(double, double) -> double", "pow(_1, _2)", "power"),
    scalar("round(bigint) -> bigint", "_1"),
    scalar("round(double) -> double", "round(_1)"),
    scalar("round(decimal) -> decimal", "round(_1)"),
    scalar("round(bigint, bigint) -> bigint", _round),
    scalar("round(double, bigint) -> double", _round),
    scalar("floor(bigint) -> bigint", "_1"),
    scalar("floor(double) -> double", "floor(_1)"),
    scalar("ceiling(bigint) -> bigint", "_1", "ceil"),
    scalar("ceiling(double) -> double", "ceil(_1)", "ceil"),
    scalar("truncate(bigint) -> bigint", "_1"),
    scalar("truncate(double) -> double", "trunc(_1)"),
    scalar("truncate(double, bigint) -> double", "trunc(_1 * pow(1e1, _2)) / pow(1e1, _2)"),
    scalar("mod(bigint, bigint) -> bigint", "_1 % _2"),
    scalar("mod(double, double) -> double", "_1 % _2"),
    scalar("rand() -> double", "random()", "random"),
    scalar("random(bigint) -> bigint", _random_below, "rand"),
    scalar("random(bigint, bigint) -> bigint", "_1 + CAST(floor(random() * (_2 - _1)) AS BIGINT)", "rand"),
    scalar("atan2(double, double) -> double", "atan2(_1, _2)"),
    scalar("infinity() -> double", "CAST('inf' AS DOUBLE)"),
    scalar("nan() -> double", "CAST('nan' AS DOUBLE)"),
    scalar("is_nan(double) -> boolean", "isnan(_1)"),
    scalar("is_finite(double) -> boolean", "isfinite(_1)"),
    scalar("is_infinite(double) -> boolean", "isinf(_1)"),
    scalar("to_base(bigint, bigint) -> varchar",
           "CASE WHEN _1 < 0 THEN concat('-', lower(to_base(-_1, CAST(_2 AS INTEGER)))) ELSE lower(to_base(_1, CAST(_2 AS INTEGER))) END", check=_radix),
    scalar("from_base(varchar, bigint) -> bigint", "from_base(_1, _2)", check=_radix, uses=("from_base",)),
    scalar("width_bucket(double, double, double, bigint) -> bigint",
           "CASE WHEN _1 < _2 THEN 0 WHEN _1 >= _3 THEN _4 + 1 ELSE CAST(floor((_1 - _2) / (_3 - _2) * _4) AS BIGINT) + 1 END"),
    scalar("cosine_similarity(map(varchar, double), map(varchar, double)) -> double",
           "coalesce(list_sum(list_transform(map_keys(_1), lambda k: map_extract_value(_1, k) * map_extract_value(_2, k))), 0e0)"
           " / (sqrt(list_sum(list_transform(map_values(_1), lambda v: v * v))) * sqrt(list_sum(list_transform(map_values(_2), lambda v: v * v))))"),
    scalar("bit_count(bigint, bigint) -> bigint",
           "CAST(bit_count(CASE WHEN _2 >= 64 THEN _1 ELSE _1 & ((CAST(1 AS BIGINT) << CAST(_2 AS INTEGER)) - 1) END) AS BIGINT)", check=_width),
    scalar("bitwise_and(bigint, bigint) -> bigint", "_1 & _2"),
    scalar("bitwise_or(bigint, bigint) -> bigint", "_1 | _2"),
    scalar("bitwise_xor(bigint, bigint) -> bigint", "xor(_1, _2)"),
    scalar("bitwise_not(bigint) -> bigint", "-1 - _1"),
)  # fmt: skip
