"""Parts of URLs."""

from __future__ import annotations

from transforms.sql.functions.model import Function, scalar

__all__ = ["FUNCTIONS"]

_URL = r"^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://(?:[^/?#@]*@)?([^/?#:]*|\[[^\]]*\])(?::(\d+))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$"


def _group(number: int) -> str:
    return f"regexp_extract(_1, '{_URL}', {number})"


FUNCTIONS: tuple[Function, ...] = (
    scalar("url_extract_protocol(varchar) -> varchar", _group(1)),
    scalar("url_extract_host(varchar) -> varchar", _group(2)),
    scalar("url_extract_port(varchar) -> bigint", f"TRY_CAST({_group(3)} AS BIGINT)"),
    scalar("url_extract_path(varchar) -> varchar", _group(4)),
    scalar("url_extract_query(varchar) -> varchar", _group(5)),
    scalar("url_extract_fragment(varchar) -> varchar", _group(6)),
    scalar(
        "url_extract_parameter(varchar, varchar) -> varchar",
        "url_decode(replace(substr(list_extract(list_filter(string_split("
        + _group(5)
        + ", '&'), lambda p: starts_with(p || '=', _2 || '=')), 1), length(_2) + 2), '+', ' '))",
    ),
    scalar("url_encode(varchar) -> varchar", "lower_percent_encode(_1)", uses=("lower_percent_encode",)),
    scalar("url_decode(varchar) -> varchar", "url_decode(replace(_1, '+', ' '))"),
)
