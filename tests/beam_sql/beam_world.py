"""A Logstore and two database tables full of what engines disagree about: NULLs, other alphabets, signs, ties, keys without a partner."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.query import plan_statement
from transforms.connectors.external_tables import load_external_table
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.sql.execute import PlanEngine
from transforms.sql.plan import QueryPlan
from transforms.sql.planner import PlanOptions
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.index import Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["FROM", "HOUR", "embedded", "make_world", "plan_of"]

FROM = 1_700_000_000
HOUR = Interval(FROM, FROM + 3_600)
_WORDS = ["apple", "Zürich", "straße", "日本", "😀x", "\ufffdlast", "", "o'neil", "a%b_c", "tab\there", None]
_INDEX = {
    "status": "long", "bytes": "long", "userid": "long", "rt": "double", "method": "text", "word": "text", "digits": "text", "body": "json",
}  # fmt: skip


def _log(at: int) -> dict[str, Any]:
    log = {
        "__source__": "10.0.0.1", "status": str([200, 404, 500][at % 3]), "rt": str(at * 0.25 - 2),
        "method": ["GET", "POST", "get"][at % 3 if at % 7 else 1], "word": _WORDS[at % len(_WORDS)], "userid": str(at % 5),
        "bytes": str((at * 37) % 11 - 5), "digits": str(at * 3) if at % 4 else f"x{at}", "body": f'{{"n": {at}, "s": "v{at % 2}"}}',
    }  # fmt: skip
    for field, every in (("bytes", 6), ("userid", 9), ("rt", 11), ("status", 13)):
        if at % every == 0:
            del log[field]
    return {key: value for key, value in log.items() if value is not None}


def make_world(folder: Path) -> Home:
    """A home with the Logstore ``web`` in three files (one of them before the hour) and the tables ``users``, ``orders``, ``nobody``."""
    home = Home.create(folder / "home")
    keys = {name: {"type": kind} for name, kind in _INDEX.items()}
    store = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(1), Index.from_json({"keys": keys})))
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "quiet", "", even_shards(1), Index.from_json({"keys": keys})))
    for part in (range(20), range(20, 44), range(44, 66)):
        store.append([LogGroup.from_logs([_log(at) for at in part], [FROM + at * 60 - 120 for at in part])])
    path = folder / "shop.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table users (uid integer, name text, age integer, score double)")
        rows = [(1, "ann", 20, 1.5), (2, None, 31, None), (3, "日本", None, -0.5), (9, "Zoe", 44, 2.0), (None, "ghost", 50, 3.0)]
        connection.executemany("insert into users values (?, ?, ?, ?)", rows)
        connection.execute("create table orders (id integer, uid integer, item text)")
        connection.executemany("insert into orders values (?, ?, ?)", [(1, 1, "pen"), (2, 1, "ink"), (3, 3, None), (4, 8, "pen")])
        connection.execute("create table nobody (uid integer, name text)")
    connection.close()
    for table in ("users", "orders", "nobody"):
        home.catalogue().create_external_store(DEFAULT_PROJECT, ExternalStoreDescriptor(table, "sqlite", {"db": str(path), "table": table}))
    return home


def plan_of(home: Home, statement: str, engine: Any = "embedded", times: Interval = HOUR, logstore: str = "web") -> QueryPlan:
    options = PlanOptions(now_us=FROM * 1_000_000, least_tasks=3, engine=engine)
    return plan_statement(home, DEFAULT_PROJECT, logstore, statement, times, options)


def embedded(plan: QueryPlan) -> Any:
    """The embedded engine's result, an Arrow table."""
    external = {read.descriptor.name: load_external_table(read.descriptor, read.columns, read.conditions) for read in plan.external}
    with closing(PlanEngine(plan, external)) as engine:
        table = engine.run(plan.files, plan.sql)
    return table.rename_columns([column.name for column in plan.output])
