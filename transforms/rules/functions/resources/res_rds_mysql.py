"""res_rds_mysql"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.resources._kinds import PulledFields, Seconds, TextOnly, not_text, text_argument
from transforms.rules.functions.resources._tables import filtered, made_once, only, with_asked
from transforms.rules.kinds import Flag, Names, QueryString, Text, choice_of
from transforms.rules.query import Query
from transforms.rules.table import Table, columns_of
from transforms.stores.rule_resources import SqlRequest, TableData

if TYPE_CHECKING:
    import polars as pl

_ROWS = [
    {"id": "1", "name": "Ann", "state": "on", "gone": "0"},
    {"id": "2", "name": "Bob", "state": "off", "gone": "0"},
    {"id": "3", "name": "Cid", "state": "on", "gone": "true"},
]
_GIVEN = {"res_rds_mysql": [{"database": "crm", "table": "people", "rows": _ROWS}]}
_PEOPLE = 'res_rds_mysql("db:3306", "reader", "env:DB_PASSWORD", "crm", "people"'
_SELECT = re.compile(r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/|\()*(?:select|with)\b", re.IGNORECASE | re.DOTALL)


@expression(
    "resources",
    parameters={
        "address": "The server as HOST or HOST:PORT, or ``sqlite:PATH`` for a SQLite file.",
        "username": "The user's name.",
        "password": "The password; a reference such as ``env:NAME`` or ``file:PATH``, or a parameter of the job.",
        "database": "The database.",
        "table": "The table to load.",
        "sql": "A SELECT to load instead; ``table`` and ``fields`` have no effect then.",
        "fields": "The columns to load, as names or pairs (column, name here); all without it.",
        "fetch_include_data": "A query; only rows that it finds are taken.",
        "fetch_exclude_data": "A query; rows that it finds are left out.",
        "refresh_interval": "Seconds between two loads; 0: loaded once.",
        "base_retry_back_off": "Seconds before a load that failed is tried again; they double each time.",
        "max_retry_back_off": "The most seconds between two tries.",
        "primary_keys": "One or several columns that tell rows apart: of rows with the same key the last is kept.",
        "use_ssl": "Whether the connection is encrypted.",
        "update_time_key": "A column that grows with each change; with ``primary_keys`` a refresh loads only what has changed.",
        "deleted_flag_key": "A column that says that a row is deleted: true, a time, a number other than 0, or one of 1, true, t, yes, y.",
        "connector": "``mysql`` or ``pgsql``.",
    },
    examples=[
        Example(f'tab_to_dict({_PEOPLE}), "id", "name")', {}, {"1": "Ann", "2": "Bob", "3": "Cid"}, resources=_GIVEN),
        Example(
            f'tab_to_dict({_PEOPLE}, fields=[("id", "key"), "name"], fetch_include_data="state: on", deleted_flag_key="gone"), "key", "name")',
            {},
            {"1": "Ann"},
            title="Some columns of some rows",
            resources=_GIVEN,
        ),
        Example('res_rds_mysql("db", "reader", "env:P", "crm")', {}, error="When sql is not set, table must be set"),
        Example('res_rds_mysql("db", 5, "env:P", "crm", "people")', {}, error="username not a string type"),
        Example('res_rds_mysql("db", "reader", "env:P", "crm", sql="delete from people")', {}, error="sql must be a SELECT"),
        Example(f'tab_to_dict({_PEOPLE}, fetch_exclude_data="a >"), "id", "name")', {}, error="invalid query"),
    ],
    aliases={"primary_key": "primary_keys"},
)
def res_rds_mysql(
    context: Context,
    address: TextOnly,
    username: TextOnly,
    password: TextOnly,
    database: TextOnly,
    table: Text | None = None,
    sql: Text | None = None,
    fields: PulledFields | None = None,
    fetch_include_data: QueryString | None = None,
    fetch_exclude_data: QueryString | None = None,
    refresh_interval: Seconds = 0,
    base_retry_back_off: Seconds = 1,
    max_retry_back_off: Seconds = 60,
    primary_keys: Names | None = None,
    use_ssl: Flag = False,
    update_time_key: Text | None = None,
    deleted_flag_key: Text | None = None,
    connector: Annotated[str, choice_of("connector", ("mysql", "pgsql"))] = "mysql",
) -> Table:
    """Gives a table of a database.

    It is loaded once for the whole job and shared by all events. With ``refresh_interval`` it is loaded anew between two batches of events;
    while that fails the last one stays. All cells are text, times are in UTC, and letters' case matters when rows are looked up. Queries
    see the columns by their names here, and such columns of the database as are not in ``fields``; a NULL is to them a field that is
    missing.

    With ``primary_keys`` and ``update_time_key`` a refresh asks only for rows whose key is not smaller than the greatest one there was: the
    column should have an index, and a row that is removed from the database stays here, so mark it with ``deleted_flag_key`` instead. Rows
    that come later with just the greatest key are seen too, unless more than 10,000 rows have it.

    The address ``sqlite:PATH`` is a SQLite file; a relative path is seen from the folder of the job's files. The user, the password and the
    database do not matter then.
    """
    if table is None and sql is None:
        raise ValueError("When sql is not set, table must be set")
    if sql is not None and not _SELECT.match(sql):
        raise ValueError("sql must be a SELECT")
    chosen = fields if sql is None else None
    request = SqlRequest(
        address=text_argument("address", address),
        username=text_argument("username", username),
        password=text_argument("password", password),
        database=text_argument("database", database),
        table=table,
        sql=sql,
        fields=None if chosen is None else with_asked(chosen, (fetch_include_data, fetch_exclude_data), deleted_flag_key),
        refresh_interval=refresh_interval,
        base_retry_back_off=base_retry_back_off,
        max_retry_back_off=max_retry_back_off,
        primary_keys=primary_keys or (),
        use_ssl=use_ssl,
        update_time_key=update_time_key,
        deleted_flag_key=deleted_flag_key,
        connector=connector,
    )
    data = context.resources.sql_table(request)
    what = (request, chosen, *(query and query.text for query in (fetch_include_data, fetch_exclude_data)))
    return made_once(data, what, lambda rows: _made(rows, request, chosen, fetch_include_data, fetch_exclude_data))


def _made(
    data: TableData, request: SqlRequest, fields: tuple[tuple[str, str], ...] | None, include: Query | None, exclude: Query | None
) -> Table:
    columns = columns_of(data)
    rows = filtered(columns, include, exclude)
    flags = columns.get(request.deleted_flag_key) if request.deleted_flag_key is not None else None
    deleted = None if flags is None else _deleted(flags)
    if deleted is not None:
        rows = rows | deleted  # a row that is deleted takes the rows before it with the same key along
    columns = only(columns, rows)
    keyed = Table(columns, case_insensitive=False, primary_keys=request.primary_keys)
    names = [name for _, name in fields] if fields is not None else keyed.names()
    columns = {name: cells for name in keyed.names() if (cells := keyed.column(name)) is not None}
    if request.deleted_flag_key is not None and request.deleted_flag_key in columns:
        alive = ~_deleted(columns[request.deleted_flag_key])
        columns = only(columns, alive)
    return Table({name: columns[name] for name in names if name in columns}, case_insensitive=False)


def _deleted(flags: pl.Series) -> pl.Series:
    """Which rows their flag calls deleted (Boolean)."""
    number = r"^\s*[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?\s*$"
    words = flags.str.strip_chars().str.to_lowercase().is_in(["true", "t", "yes", "y"])
    numbers = flags.str.contains(number) & flags.str.contains(r"^[^eE]*[1-9]")
    times = flags.str.contains(r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}")
    return (words | numbers | times).fill_null(False)


@res_rds_mysql.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if "sql" in known and "table" in known and known["sql"] is None and known["table"] is None:
        yield "When sql is not set, table must be set", "table"
    if known.get("sql") is not None and not _SELECT.match(known["sql"]):
        yield "sql must be a SELECT", "sql"
    yield from not_text(known, ("address", "username", "password", "database"))
    if known.get("fields") and known.get("primary_keys"):
        names = [name for _, name in known["fields"]]
        for key in known["primary_keys"]:
            if key not in names:
                yield f"the primary key {key} is not among the fields", "primary_keys"
