"""A table in DuckDB made of logs, for the tests of the search part: one text column a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import duckdb

from transforms.sql.search import SearchPredicate, compile_search, parse_search
from transforms.sql.statement import split_statement
from transforms.stores.index import DOUBLE_TEXT, LONG_TEXT, Index


def _name(field: str) -> str:
    return '"f:' + field.encode().hex() + '"'


class PlainColumns:
    """Columns named by the fields' bytes; numbers and leaves are worked out from the text."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = tuple(fields)

    def text(self, field: str) -> str:
        assert field in self._fields, field
        return _name(field)

    def number(self, field: str, kind: Literal["long", "double"]) -> str:
        pattern, sql_type = (LONG_TEXT, "BIGINT") if kind == "long" else (DOUBLE_TEXT, "DOUBLE")
        return f"(CASE WHEN regexp_matches({self.text(field)}, '{pattern}') THEN try_cast({self.text(field)} AS {sql_type}) END)"

    def leaf(self, field: str, path: str) -> str:
        text = self.text(field)
        return f"(CASE WHEN json_valid({text}) THEN json_extract_string({text}, '$.{path}') END)"

    def fields(self) -> Sequence[str]:
        return self._fields


class SearchTable:
    """Logs (``id`` is a handle, no field) that can be searched."""

    def __init__(self, logs: Sequence[Mapping[str, Any]]) -> None:
        fields = dict.fromkeys(name for log in logs for name in log if name not in ("id", "__time__"))
        self.columns = PlainColumns(list(fields))
        self.connection = duckdb.connect()
        names = ["id", "__time__", *fields]
        columns = ", ".join(['"id" VARCHAR', '"__time__" BIGINT', *(f"{_name(field)} VARCHAR" for field in fields)])
        self.connection.execute(f"CREATE TABLE logs ({columns})")
        rows = [[log.get(name) for name in names] for log in logs]
        if rows:
            self.connection.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * len(names))})", rows)

    def compiled(self, statement: str, index: Index | None) -> SearchPredicate:
        return compile_search(parse_search(split_statement(statement)), index, self.columns)

    def find(self, statement: str, index: Index | None, start: int | None = None, end: int | None = None) -> list[str]:
        """The ids of the logs found, in order."""
        sql = self.compiled(statement, index).sql
        window = "".join([f" AND __time__ >= {start}" if start is not None else "", f" AND __time__ < {end}" if end is not None else ""])
        found = self.connection.execute(f"SELECT id FROM logs WHERE ({sql}){window} ORDER BY id").fetchall()
        inverse = self.connection.execute(f"SELECT count(*) FROM logs WHERE NOT coalesce(({sql}), false)").fetchone()
        total = self.connection.execute("SELECT count(*) FROM logs").fetchone()
        assert inverse and total
        assert window or len(found) + inverse[0] == total[0]
        return [row[0] for row in found]
