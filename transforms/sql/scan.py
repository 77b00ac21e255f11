"""From data files to the relation ``"~log"``: typed columns under the names SQL uses, filtered by time and search.

Two layers. The **raw** layer reads files: text columns as stored, and for each number that a statement needs a column
``field~~kind`` — the stored typed twin where a file has it, the same value computed from the text where the file is older
than the index. The **log** layer names and filters. Filters on stored columns reach Parquet's statistics through both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.core.field_columns import OVERFLOW, RECEIVE_TIME, TIME, TIME_NS, column_of, typed_column
from transforms.core.interval import Interval
from transforms.stores.index import DOUBLE_TEXT, LONG_TEXT
from transforms.stores.logstore import DataFile, FileAccess
from transforms.stores.metricstore import PAIR, SEPARATOR

__all__ = ["LOG", "LogScan", "RawColumns", "ScanColumn", "literal", "quoted"]

LOG = "~log"
"""The relation's name inside the engine."""

_NUMBER = {"long": ("bigint", LONG_TEXT), "double": ("double", DOUBLE_TEXT)}


_PATTERN = re.compile(r"[*?[]")
"""Characters that the engine would read as a pattern of paths; in brackets they are themselves."""


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


class RawColumns:
    """Expressions over the raw layer, and a record of what they need. Serves the search compiler and the log layer.

    Args:
        fields: fields that have a column in the store.
        has_overflow: some logs keep rare fields in the overflow column.
    """

    def __init__(self, fields: Iterable[str], has_overflow: bool) -> None:
        self._fields = tuple(fields)
        self._known = frozenset(self._fields)
        self._has_overflow = has_overflow
        self.physical: dict[str, str] = {}
        self.typed: dict[tuple[str, str], None] = {}

    def fields(self) -> Sequence[str]:
        """Names of the stored fields."""
        return self._fields

    def text(self, field: str) -> str:
        """The field's text, NULL when a log does not have it."""
        column = column_of(field)
        self.physical[column] = "varchar"
        if not self._has_overflow:
            return quoted(column)
        self.physical[OVERFLOW] = "varchar"
        rare = f"json_extract_string({quoted(OVERFLOW)}, {literal(_json_path([field]))})"
        return f"coalesce({quoted(column)}, {rare})" if field in self._known else rare

    def number(self, field: str, kind: str) -> str:
        """The field's value as ``long`` or ``double``, NULL when its text is none."""
        self.typed[(field, kind)] = None
        return quoted(typed_column(field, kind))

    def leaf(self, field: str, path: str) -> str:
        """The text of a leaf ``a.b`` of a JSON field; NULL when the text is no JSON or has no such leaf."""
        text = self.text(field)
        return f"(case when json_valid({text}) then json_extract_string({text}, {literal(_json_path(path.split('.')))}) end)"

    def labels(self, field: str) -> str:
        """The labels of a sample, text ``k1#$#v1|k2#$#v2``, as a map."""
        text = self.text(field)
        pairs = f"list_filter(string_split({text}, '{SEPARATOR}'), lambda p: contains(p, '{PAIR}'))"
        pair = f"{{'k': substr(p, 1, instr(p, '{PAIR}') - 1), 'v': substr(p, instr(p, '{PAIR}') + {len(PAIR)})}}"
        return f"(case when {text} is not null then map_from_entries(list_transform({pairs}, lambda p: {pair})) end)"

    def label(self, field: str, key: str) -> str:
        """The value of one label of such a text, NULL when a sample does not have it."""
        text, start = self.text(field), f"(^|[{SEPARATOR}]){key}{PAIR.replace('$', '[$]')}"
        return f"(case when regexp_matches({text}, '{start}') then regexp_extract({text}, '{start}([^{SEPARATOR}]*)', 2) end)"

    def time(self) -> str:
        """The event time, whole seconds."""
        self.physical[TIME] = "bigint"
        return quoted(TIME)

    def time_ns(self) -> str:
        """The event time's sub-second part, nanoseconds."""
        self.physical[TIME_NS] = "integer"
        return quoted(TIME_NS)

    def receive_time(self) -> str:
        """The receive time, whole seconds."""
        self.physical[RECEIVE_TIME] = "bigint"
        return f"({quoted(RECEIVE_TIME)} // 1000000)"

    def overflow(self) -> str | None:
        """The rare fields as JSON text, None when the store has none."""
        if not self._has_overflow:
            return None
        self.physical[OVERFLOW] = "varchar"
        return quoted(OVERFLOW)


@dataclass(frozen=True)
class ScanColumn:
    """One column of ``"~log"``: its name there and its expression over the raw layer."""

    name: str
    expression: str


@dataclass(frozen=True)
class LogScan:
    """How to make ``"~log"`` from any set of a Logstore's files. A value: travels to workers.

    Attributes:
        columns: the columns the statement uses.
        physical: (column, SQL type) pairs to take from the files as they are; files without one give NULL.
        typed: (field, kind) pairs of numbers to take or compute.
        predicate: the search as SQL over the raw layer; empty for all logs.
        times: the interval of ``__time__``.
        has_overflow: numbers of rare fields come from the overflow column.
        known: fields that have a column.
        access: how the files are opened; None when the engine opens their paths by itself.
    """

    columns: tuple[ScanColumn, ...]
    physical: tuple[tuple[str, str], ...]
    typed: tuple[tuple[str, str], ...]
    predicate: str
    times: Interval
    has_overflow: bool
    known: frozenset[str]
    access: FileAccess | None = None

    def tables(self, files: Sequence[DataFile]) -> dict[str, Any]:
        """Arrow datasets that `relation` reads by name: the files that the engine cannot open by itself. Empty when it can."""
        if self.access is None or not files:
            return {}
        from transforms.sql.remote_files import dataset

        file_system = self.access.file_system()
        return {
            _table_name(number): dataset(
                file_system, [(self.access.relative(file), file.receive_time) for file in members], self._needed(stored)[0]
            )
            for number, (stored, members) in enumerate(self._groups(files))
        }

    def relation(self, files: Sequence[DataFile]) -> str:
        """The SELECT whose rows are ``"~log"`` when just these files are read."""
        columns = ", ".join(f"{column.expression} as {quoted(column.name)}" for column in self.columns) or '1 as "~row"'
        where = " and ".join(self._filters())
        return f"select {columns} from ({self._raw(files)})" + (f" where {where}" if where else "")

    def _filters(self) -> list[str]:
        out = []
        if self.times.has_start:
            out.append(f"{quoted(TIME)} >= {self.times.start}")
        if self.times.has_end:
            out.append(f"{quoted(TIME)} < {self.times.end}")
        if self.predicate:
            out.append(f"({self.predicate})")
        return out

    def _raw(self, files: Sequence[DataFile]) -> str:
        groups = self._groups(files)
        if not groups:
            return self._group(0, (), frozenset(self.typed))
        return " union all by name ".join(self._group(number, members, stored) for number, (stored, members) in enumerate(groups))

    def _groups(self, files: Sequence[DataFile]) -> list[tuple[frozenset[tuple[str, str]], list[DataFile]]]:
        """Files that agree on which of the needed typed columns they have."""
        groups: dict[frozenset[tuple[str, str]], list[DataFile]] = {}
        for file in files:
            groups.setdefault(frozenset(self.typed) & frozenset(file.typed), []).append(file)
        return list(groups.items())

    def _needed(self, stored: frozenset[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
        """Columns (name → SQL type) to take from files with these typed columns, and the raw layer's expressions over them."""
        needed = dict(self.physical)
        # The time is always read: a file without columns of the statement still has its rows.
        needed.setdefault(TIME, "bigint")
        items = [quoted(column) for column in needed if column != RECEIVE_TIME]
        source = RawColumns(self.known, self.has_overflow)
        for field, kind in self.typed:
            column = quoted(typed_column(field, kind))
            items.append(column if (field, kind) in stored else f"{_parsed(source.text(field), kind)} as {column}")
        for column, sql_type in source.physical.items():
            needed.setdefault(column, sql_type)
        for field, kind in stored:
            needed[typed_column(field, kind)] = _NUMBER[kind][0]
        return needed, items

    def _group(self, number: int, files: Sequence[DataFile], stored: frozenset[tuple[str, str]]) -> str:
        needed, items = self._needed(stored)
        received = RECEIVE_TIME in needed
        if self.access is not None and files:
            # A dataset has all columns that are needed, and knows the receive time of each file.
            items += [quoted(RECEIVE_TIME)] if received else []
            return f"select {', '.join(items)} from {quoted(_table_name(number))}"
        # An empty table of all columns stands beside the files: a column that none of them has would be an error otherwise.
        empty = ", ".join(f"cast(null as {sql_type}) as {quoted(column)}" for column, sql_type in needed.items())
        if received:
            empty += ', cast(null as varchar) as "~path"'
        relation = f"select * from (select {empty}) where false"
        if files:
            paths = ", ".join(literal(_PATTERN.sub(r"[\g<0>]", file.path)) for file in files)
            option = ", filename = '~path'" if received else ""
            relation = f"select * from read_parquet([{paths}], union_by_name = true{option}) union all by name {relation}"
        if not received:
            return f"select {', '.join(items)} from ({relation})"
        # A file of one commit does not carry its receive time: the table's log does.
        known = ", ".join(f"({literal(f.path)}, {f.receive_time})" for f in files if f.receive_time is not None)
        items.append(f'coalesce({quoted(RECEIVE_TIME)}, "~commit".received) as {quoted(RECEIVE_TIME)}')
        commits = f"(values {known})" if known else "(select null::varchar, null::bigint where false)"
        join = f'left join {commits} as "~commit"(path, received) on "~path" = "~commit".path'
        return f"select {', '.join(items)} from ({relation}) {join}"


def _table_name(number: int) -> str:
    return f"~files:{number}"


def _parsed(text: str, kind: str) -> str:
    sql_type, pattern = _NUMBER[kind]
    return f"(case when regexp_full_match({text}, {literal(pattern.removeprefix('^').removesuffix('$'))}) then try_cast({text} as {sql_type}) end)"


def _json_path(names: Sequence[str]) -> str:
    """A JSON path of quoted names, so that dots and blanks inside a name are no syntax."""
    return "$" + "".join('."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)
