"""SQL types: what they are called, how they widen, and what DuckDB calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "BIGINT", "BOOLEAN", "DATE", "DOUBLE", "INTERVAL", "JSON", "NUMERIC", "TIME", "TIMESTAMP", "UNKNOWN", "VARBINARY", "VARCHAR",
    "Type", "array_of", "common_type", "common_type_of", "map_of", "parse_type", "widens",
]  # fmt: skip


@dataclass(frozen=True)
class Type:
    """A SQL type.

    Attributes:
        name: ``bigint``, ``array``, … in lower case.
        args: of an array its element, of a map its key and value, of a row its fields.
        names: of a row its field names, ``""`` where a field has none.
        zone: of a timestamp that does not show the session's zone, the zone it shows.
    """

    name: str
    args: tuple[Type, ...] = ()
    names: tuple[str, ...] = ()
    zone: str | None = None

    def __str__(self) -> str:
        if not self.args:
            return "timestamp with time zone" if self.zone else self.name
        if self.name == "row":
            inner = ", ".join(f"{name} {arg}" if name else str(arg) for name, arg in zip(self.names, self.args, strict=True))
        else:
            inner = ", ".join(map(str, self.args))
        return f"{self.name}({inner})"

    @property
    def numeric(self) -> bool:
        return self.name in NUMERIC

    def duckdb(self) -> str:
        """The DuckDB type text."""
        if self.name == "array":
            return f"{self.args[0].duckdb()}[]"
        if self.name == "map":
            return f"MAP({self.args[0].duckdb()}, {self.args[1].duckdb()})"
        if self.name == "row":
            fields = (
                f'"{name or _field(place)}" {arg.duckdb()}' for place, (name, arg) in enumerate(zip(self.names, self.args, strict=True))
            )
            return f"STRUCT({', '.join(fields)})"
        return _DUCKDB.get(self.name, self.name.upper())


def _field(place: int) -> str:
    return f"field{place}"


NUMERIC = ("bigint", "decimal", "double")
BIGINT, DOUBLE, VARCHAR, BOOLEAN = Type("bigint"), Type("double"), Type("varchar"), Type("boolean")
TIMESTAMP, DATE, TIME, INTERVAL = Type("timestamp"), Type("date"), Type("time"), Type("interval")
JSON, VARBINARY, UNKNOWN = Type("json"), Type("varbinary"), Type("unknown")

_DUCKDB = {"varbinary": "BLOB", "decimal": "DECIMAL(38, 9)", "unknown": "VARCHAR", "ipaddress": "VARCHAR", "ipprefix": "VARCHAR"}
_SYNONYMS = {
    "tinyint": "bigint", "smallint": "bigint", "integer": "bigint", "int": "bigint", "long": "bigint", "real": "double", "float": "double",
    "char": "varchar", "text": "varchar", "string": "varchar", "bool": "boolean", "numeric": "decimal", "datetime": "timestamp",
    "blob": "varbinary", "bytes": "varbinary",
}  # fmt: skip
_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z_0-9]*|[0-9]+|[(),\[\]<>])")


def array_of(element: Type) -> Type:
    return Type("array", (element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


@lru_cache(maxsize=512)
def parse_type(text: str) -> Type:
    """From text such as ``varchar``, ``array(bigint)``, ``map(varchar, double)``. Lengths and precisions are dropped."""
    tokens = _TOKEN.findall(text)
    found, rest = _parse(tokens)
    while rest[:1] == ["["]:
        found, rest = array_of(found), rest[2:]
    return found


def _parse(tokens: list[str]) -> tuple[Type, list[str]]:
    name, rest = tokens[0].casefold(), tokens[1:]
    name = _SYNONYMS.get(name, name)
    args: list[Type] = []
    if rest[:1] == ["("]:
        rest = rest[1:]
        while rest and rest[0] != ")":
            if rest[0] == "," or rest[0].isdigit():
                rest = rest[1:]
            else:
                arg, rest = _parse(rest)
                args.append(arg)
        rest = rest[1:]
    if name == "row":
        return Type(name, tuple(args), ("",) * len(args)), rest
    return Type(name, tuple(args)), rest


def widens(source: Type, target: Type) -> bool:
    """Whether a value of ``source`` may stand where ``target`` is wanted without a cast."""
    if source == target or source.name == "unknown" or target.name == "unknown":
        return True
    if source.numeric and target.numeric:
        return NUMERIC.index(source.name) <= NUMERIC.index(target.name)
    if source.name == "date" and target.name == "timestamp":
        return True
    if source.name != target.name:
        return False
    if len(source.args) != len(target.args):
        return not source.args or not target.args
    return all(widens(one, other) for one, other in zip(source.args, target.args, strict=True))


def common_type(one: Type, other: Type) -> Type | None:
    """The narrowest type both widen to, or None."""
    if widens(one, other):
        return one if other.name == "unknown" else other
    if widens(other, one):
        return one
    if one.name == other.name and len(one.args) == len(other.args) and one.args:
        args = [common_type(a, b) for a, b in zip(one.args, other.args, strict=True)]
        if all(arg is not None for arg in args):
            return Type(one.name, tuple(arg for arg in args if arg is not None), one.names)
    if one.name == other.name == "timestamp":
        return TIMESTAMP
    return None


def common_type_of(types: list[Type]) -> Type | None:
    """`common_type` of any number of types."""
    found: Type | None = UNKNOWN
    for each in types:
        found = common_type(found, each) if found is not None else None
    return found
