"""The prelude's functions in Python, on Arrow columns. NULL in any argument gives NULL."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import urllib.parse
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

__all__ = ["PRELUDE"]


def _on_columns(function: Callable[..., Any], arrow_type: Any, *columns: Any) -> Any:
    """Row by row over Arrow columns; each distinct argument is worked on once per batch."""
    import pyarrow as pa

    known: dict[tuple[Any, ...], Any] = {}
    out: list[Any] = []
    for row in zip(*(column.to_pylist() for column in columns), strict=True):
        if row not in known:
            known[row] = None if any(value is None for value in row) else function(*row)
        out.append(known[row])
    return pa.array(out, arrow_type)


def _present(connection: Any, name: str) -> bool:
    [(count,)] = connection.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name = ?", [name]).fetchall()
    return bool(count)


def _installer(name: str, function: Callable[..., Any], params: tuple[str, ...], result: str) -> Callable[[Any], None]:
    def install(connection: Any) -> None:
        import pyarrow as pa

        if _present(connection, name):
            return
        arrow = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_(), "BLOB": pa.binary(), "DOUBLE": pa.float64(),
                 "VARCHAR[]": pa.list_(pa.string()), "MAP(DOUBLE, DOUBLE)": pa.map_(pa.float64(), pa.float64())}[result]  # fmt: skip
        # The engine counts the parameters of what it is given.
        calls: dict[int, Callable[..., Any]] = {
            1: lambda a: _on_columns(function, arrow, a),
            2: lambda a, b: _on_columns(function, arrow, a, b),
            3: lambda a, b, c: _on_columns(function, arrow, a, b, c),
        }
        connection.create_function(name, calls[len(params)], list(params), result, type="arrow", null_handling="special")

    return install


def _from_base(text: str, radix: int) -> int:
    try:
        return int(text, radix)
    except ValueError as error:
        raise ValueError(f"'{text}' is no number of radix {radix}") from error


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern))


def _extract(text: str, pattern: str, group: int) -> str | None:
    found = _compiled(pattern).search(text)
    return found[group] if found else None


def _extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    return [found[group] for found in _compiled(pattern).finditer(text)]


def _replace(text: str, pattern: str, replacement: str) -> str:
    written = re.sub(r"\$(\d)", r"\\g<\1>", replacement.replace("\\", "\\\\"))
    return _compiled(pattern).sub(written, text)


def _split(text: str, pattern: str) -> list[str]:
    out, at = [], 0
    for found in _compiled(pattern).finditer(text):
        out.append(text[at : found.start()])
        at = found.end()
    return [*out, text[at:]]


def _percent(text: str) -> str:
    quoted = urllib.parse.quote_plus(text, safe="*-._")
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)


def _network(cidr: str) -> Any:
    try:
        return ipaddress.ip_network(cidr, strict=False)
    except ValueError as error:
        raise ValueError(f"'{cidr}' is no network such as 192.168.0.0/24") from error


def _domain(address: str) -> str | None:
    try:
        return "intranet" if ipaddress.ip_address(address).is_private else "internet"
    except ValueError:
        return None


def _subnet(cidr: str, inner: str) -> bool:
    outer, other = _network(cidr), _network(inner)
    return outer.version == other.version and bool(other.subnet_of(outer))


def _numeric_histogram(points: list[dict[str, float]], buckets: int) -> dict[float, float]:
    """Centre → weight of at most ``buckets`` buckets: the nearest neighbours are merged until they fit (Ben-Haim and Tom-Tov)."""
    merged: list[list[float]] = []
    for value, weight in sorted((point["v"], point["w"]) for point in points):
        if merged and merged[-1][0] == value:
            merged[-1][1] += weight
        else:
            merged.append([value, weight])
    while len(merged) > buckets:
        at = min(range(len(merged) - 1), key=lambda place: merged[place + 1][0] - merged[place][0])
        (low, one), (high, other) = merged[at], merged.pop(at + 1)
        merged[at] = [(low * one + high * other) / (one + other), one + other]
    return {value: weight for value, weight in merged}  # noqa: C416


def _xxhash64(data: bytes) -> bytes:
    """XXH64 with seed 0, big-endian."""
    mask = 2**64 - 1
    p1, p2, p3, p4, p5 = 11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261

    def turn(value: int, bits: int) -> int:
        return ((value << bits) | (value >> (64 - bits))) & mask

    def mix(lane: int, word: int) -> int:
        return turn((lane + word * p2) & mask, 31) * p1 & mask

    at, size = 0, len(data)
    if size >= 32:
        lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        while at + 32 <= size:
            for place in range(4):
                lanes[place] = mix(lanes[place], int.from_bytes(data[at : at + 8], "little"))
                at += 8
        out = sum(turn(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & mask
        for lane in lanes:
            out = ((out ^ mix(0, lane)) * p1 + p4) & mask
    else:
        out = p5
    out = (out + size) & mask
    while at + 8 <= size:
        out = (turn(out ^ mix(0, int.from_bytes(data[at : at + 8], "little")), 27) * p1 + p4) & mask
        at += 8
    if at + 4 <= size:
        out = (turn(out ^ (int.from_bytes(data[at : at + 4], "little") * p1 & mask), 23) * p2 + p3) & mask
        at += 4
    for byte in data[at:]:
        out = turn(out ^ (byte * p5 & mask), 11) * p1 & mask
    out = (out ^ (out >> 33)) * p2 & mask
    out = (out ^ (out >> 29)) * p3 & mask
    return (out ^ (out >> 32)).to_bytes(8, "big")


def _macro(text: str) -> Callable[[Any], None]:
    def install(connection: Any) -> None:
        connection.execute(text)

    return install


_S, _L, _B = "VARCHAR", "BIGINT", "BLOB"
_DECLARED: tuple[tuple[str, Callable[..., Any], tuple[str, ...], str], ...] = (
    ("from_base", _from_base, (_S, _L), _L),
    ("python_regexp_like", lambda text, pattern: _compiled(pattern).search(text) is not None, (_S, _S), "BOOLEAN"),
    ("python_regexp_extract", _extract, (_S, _S, _L), _S),
    ("python_regexp_extract_all", _extract_all, (_S, _S, _L), "VARCHAR[]"),
    ("python_regexp_replace", _replace, (_S, _S, _S), _S),
    ("python_regexp_split", _split, (_S, _S), "VARCHAR[]"),
    ("python_regexp_count", lambda text, pattern: sum(1 for _ in _compiled(pattern).finditer(text)), (_S, _S), _L),
    ("lower_percent_encode", _percent, (_S,), _S),
    ("ip_to_domain", _domain, (_S,), _S),
    ("ip_prefix", lambda address, bits: str(_network(f"{address}/{bits}")), (_S, _L), _S),
    ("ip_subnet_min", lambda cidr: str(_network(cidr)[0]), (_S,), _S),
    ("ip_subnet_max", lambda cidr: str(_network(cidr)[-1]), (_S,), _S),
    ("is_subnet_of", _subnet, (_S, _S), "BOOLEAN"),
    ("sha512_bytes", lambda data: hashlib.sha512(data).digest(), (_B,), _B),
    ("crc32_bytes", zlib.crc32, (_B,), _L),
    ("xxhash64_bytes", _xxhash64, (_B,), _B),
    *(
        (f"hmac_{name}_bytes", lambda data, key, name=name: hmac.new(key, data, name).digest(), (_B, _B), _B)
        for name in ("md5", "sha1", "sha256", "sha512")
    ),
)

PRELUDE: dict[str, Callable[[Any], None]] = {
    name: _installer(name, function, params, result) for name, function, params, result in _DECLARED
}
"""Name → what puts that function on a DuckDB connection."""

PRELUDE["weighted_percentile"] = _macro(
    "CREATE OR REPLACE TEMP MACRO weighted_percentile(points, share) AS (SELECT arg_min(v, c) FROM (SELECT v, sum(w) OVER (ORDER BY v) AS c, "
    "sum(w) OVER () AS total FROM (SELECT UNNEST(points, recursive := true)) WHERE v IS NOT NULL AND w IS NOT NULL) WHERE c >= share * total)"
)


def _install_histogram(connection: Any) -> None:
    if _present(connection, "numeric_histogram"):
        return
    import pyarrow as pa

    def compute(points: Any, buckets: Any) -> Any:
        pairs = zip(points.to_pylist(), buckets.to_pylist(), strict=True)
        rows = [None if listed is None else list(_numeric_histogram(listed, count).items()) for listed, count in pairs]
        return pa.array(rows, pa.map_(pa.float64(), pa.float64()))

    connection.create_function(
        "numeric_histogram",
        compute,
        ["STRUCT(v DOUBLE, w DOUBLE)[]", "BIGINT"],
        "MAP(DOUBLE, DOUBLE)",
        type="arrow",
        null_handling="special",
    )


PRELUDE["numeric_histogram"] = _install_histogram
