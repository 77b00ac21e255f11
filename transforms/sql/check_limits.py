"""LIMIT: how many rows a query may ask for, and how many it gets when it does not ask."""

from __future__ import annotations

from sqlglot import exp

from transforms.sql.translate_context import Context, span_of

__all__ = ["MOST_PAGED", "MOST_ROWS", "limit_of"]

MOST_ROWS = 1_000_000
"""LIMIT n, the offset of LIMIT offset, n, and both together."""
MOST_PAGED = 10_000
"""The n of LIMIT offset, n."""


def limit_of(context: Context, node: exp.Expr, top: bool) -> tuple[int | None, int]:
    """Rows and offset of a query; None rows where nothing limits it."""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if limit is None:
        return (context.scope.default_limit if top else None), 0
    if not isinstance(limit, exp.Limit):
        raise context.error(limit, "FETCH is not supported", "NotSupported", "write limit 10")
    count = _whole(context, limit.expression)
    if offset is None:
        if count > MOST_ROWS:
            raise context.error(
                limit.expression, f"LIMIT {count} is too large", "LimitOutOfRange", f"at most {MOST_ROWS} rows can be asked for"
            )
        return count, 0
    skipped = _whole(context, offset.expression)
    where = _both(limit, offset)
    if not top:
        raise context.error(where, "LIMIT offset, count is not possible in a subquery", "LimitOffsetInSubquery", "write limit count")
    if count > MOST_PAGED:
        raise context.error(
            limit.expression, f"the count of LIMIT {skipped},{count} is too large", "LimitOutOfRange", f"at most {MOST_PAGED} rows a page"
        )
    if skipped > MOST_ROWS or skipped + count > MOST_ROWS:
        raise context.error(
            where, f"LIMIT {skipped},{count} reaches too far", "LimitOutOfRange", f"offset and count together are at most {MOST_ROWS}"
        )
    return count, skipped


def _whole(context: Context, node: exp.Expr) -> int:
    if isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit():
        return int(node.this)
    raise context.error(node, "LIMIT takes whole numbers", "SyntaxError", "write limit 10 or limit 20, 10")


def _both(limit: exp.Expr, offset: exp.Expr) -> tuple[int, int] | None:
    one, other = span_of(limit), span_of(offset)
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])
