"""The rows of many windows over one scan are the rows of single runs, whatever the statement is."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.query import run_in_process
from pipelines.schedule.backfill_plan import BackfillPlan, plan_backfill_turn
from pipelines.schedule.instance_plan import plan_window
from tests.pipelines.schedule_world import START, make_destination, make_source, make_task
from transforms.connectors.external_tables import load_external_table
from transforms.core.errors import QueryFailed, StatementError
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.schedule.failure import failure_of
from transforms.schedule.ledger import BackfillTurn
from transforms.sql import window_chunks
from transforms.sql.values import plain_rows
from transforms.sql.window_engine import WindowEngine
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

MINUTES = 10
_START, _END, _AT = "{{__TASK_SQL_START_TS__}}", "{{__TASK_SQL_END_TS__}}", "{{__TASK_SCHEDULED_TS__}}"
STATEMENTS = {
    "group": "* | select status, count(1) as c, sum(size) as s, avg(size) as a group by status",
    "one row, even of no logs": "* | select count(1) as c, max(size) as m, min(n) as l",
    "no column at all": "* | select 1 as one",
    "no logs read": "* | select 1 as one, 'x' as x from (values (1), (2)) as t(a)",
    "raw rows": "* | select __time__, n, status",
    "star": "* | select *",
    "search": "status: 200 and size > 101 | select n, size",
    "no such log": "status: 999 | select n, size",
    "order and limit": "* | select n, size from log order by size desc, n limit 2",
    "limit with offset": "* | select n from log order by n limit 1, 2",
    "having": "* | select status, count(1) as c group by status having count(1) > 1",
    "distinct": "* | select distinct status",
    "window function": "* | select n, row_number() over (partition by status order by n, __time__) as r, lag(size) over (order by __time__, n) as before",
    "with": "* | with t as (select status, sum(size) as s from log group by status) select status, s, s * 100.0 / (select sum(s) from t) as share from t",
    "subquery": "* | select n from log where size = (select max(size) from log)",
    "self join": "* | select a.n as n, b.n as m from log a join log b on a.status = b.status where a.n < b.n",
    "union": "* | select n as v from log union select size as v from log",
    "approx_distinct": "* | select approx_distinct(status) as s, approx_distinct(n) as n",
    "percentile": "* | select approx_percentile(size, 0.5) as p",
    "grouping sets": "* | select status, n, count(1) as c group by rollup(status, n)",
    "arrays": "* | select status, array_agg(n order by n) as all_of_them, map_agg(n, size) as m group by status",
    "times": "* | select date_format(__time__, '%H:%i') as t, date_trunc('hour', __time__) as h, count(1) as c group by 1, 2",
    "series": "* | select time_series(__time__, '20s', '%H:%i:%s', '0') as t, count(1) as c group by t order by t",
    "json": "* | select json_extract_scalar(detail, '$.k') as k, count(1) as c group by 1",
    "join": "* | select u.owner as owner, count(1) as c, sum(l.size) as s from log l join owners u on l.status = u.status group by u.owner",
    "left join": "* | select l.n as n, u.owner as owner from log l left join owners u on l.status = u.status and u.level > 1",
    "outer join": "* | select u.owner as owner, count(l.n) as c from log l right join owners u on l.status = u.status group by u.owner",
    "join with a condition": "* | select l.n as n from log l join owners u on l.status = u.status where u.level = 2",
    "variables": f"* | select {_START} as f, {_END} as t, {_AT} as s, count(1) as c",
    "variables in text": f"* | select '{_START}-{_END}' as w, date_format({_AT}, '%H:%i') as at, n",
    "variables in the search": f"n > 2 and __time__ >= {_START} | select n, __time__ - {_START} as since",
    "variables in a join": f"* | select l.n as n, u.owner as owner from log l join owners u on l.status = u.status and u.since < {_START}",
    "variables in a series": f"* | select time_series(__time__, '30s', '%s', 'last') as t, max({_END} - __time__) as c group by t order by t",
    "fails in some": "* | select n, 10 / (size - 104) as x",
    # The same text in every row: of several bad rows a parallel engine names the one it meets first.
    "fails in all": "* | select cast(replace(status, status, 'x') as bigint) as x",
    "does not always parse": f"* | select n where 1 = ({_START} / 60 % 2) limit {_START}",
}


@dataclass(frozen=True)
class Windows:
    """How windows lie: their ends, how often, and the first and last schedule time (minutes after START)."""

    start: str = "@m-1m"
    end: str = "@m"
    interval: str = "1m"
    within: tuple[int, int] = (5, 8)
    chunk: int = window_chunks.CHUNK_ROWS
    names: tuple[str, ...] = field(default=tuple(STATEMENTS))


IN_ORDER = ("order and limit", "limit with offset", "series", "variables in a series")
SOME = ("group", "one row, even of no logs", "raw rows", "window function", "join", "series", "variables", "fails in some")
LAYOUTS = {
    "touching": Windows(),
    "overlapping": Windows("@m-3m", "@m", "1m", names=SOME),
    "with holes": Windows("@m-1m", "@m", "3m", names=SOME),
    "of odd seconds": Windows("-100s", "-17s", "77s", names=SOME),
    "in many chunks": Windows(chunk=15, names=SOME),
    "each alone": Windows(chunk=1, names=SOME),
    "wider than a chunk": Windows("@m-5m", "@m", "1m", chunk=10, names=SOME),
}


def make_world(home: Home, folder: Path) -> None:
    make_source(home, MINUTES)
    index = Index(fields={"status": FieldIndex("text"), "size": FieldIndex("long"), "n": FieldIndex("long"), "detail": FieldIndex("text")})
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "mixed", "", even_shards(2), index))
    store = home.open_logstore(DEFAULT_PROJECT, "mixed")
    # Files over several minutes, logs out of order, logs without some field, and a minute without any.
    for part in range(3):
        numbers = [n for n in range(part, 90, 3) if n // 9 != 5]
        logs = [
            {"status": str(200 + n % 4), "size": str(100 + n % 7), "n": str(n), **({"detail": f'{{"k": {n % 2}}}'} if n % 5 else {})}
            for n in numbers
        ]
        store.append([LogGroup.from_logs(logs[::-1], [START + n * 20 // 3 for n in numbers][::-1])])
    with closing(sqlite3.connect(folder / "owners.sqlite")) as connection:
        connection.execute("create table owners (status text, owner text, level int, since int)")
        rows = [
            ("200", "ada", 1, START),
            ("404", "ben", 2, START + 240),
            ("201", "cy", 2, 0),
            ("203", "ada", 3, START + 60),
            (None, "dee", 1, 0),
        ]
        connection.executemany("insert into owners values (?, ?, ?, ?)", rows)
        connection.commit()
    parameter = {"db": str(folder / "owners.sqlite"), "table": "owners"}
    home.catalogue().create_external_store(DEFAULT_PROJECT, ExternalStoreDescriptor("owners", "sqlite", parameter))
    make_destination(home, "log2log", folder)


def claim(home: Home, statement: str, layout: Windows, source: str) -> BackfillTurn:
    """A backfill turn with all windows; the schedule itself has nothing to do yet."""
    ledger = home.schedule_ledger()
    fields: dict[str, Any] = {
        "script": statement,
        "sourceLogstore": source,
        "fromTimeExpr": layout.start,
        "toTimeExpr": layout.end,
        "toTime": 0,
    }
    task = make_task(home, "log2log", fromTime=START + 86_400 * 5_000, **fields)
    within = Interval(*(START + 60 * minute for minute in layout.within))
    ledger.create_backfill(DEFAULT_PROJECT, task.name, within, again=False, reason="test")
    turn = ledger.claim_backfill(DEFAULT_PROJECT, task.name, 1, 1_440, "test", 600)
    assert isinstance(turn, BackfillTurn)
    return turn


def together(plan: BackfillPlan) -> Iterator[tuple[int, Any]]:
    engine: WindowEngine | None = None
    for before, chunk in zip((None, *plan.chunks), plan.chunks, strict=False):
        if engine is None or before is None or before.plan != chunk.plan:
            external = {read.descriptor.name: load_external_table(read.descriptor, read.columns, read.conditions) for read in plan.external}
            engine = WindowEngine(chunk.plan, external)
        yield from engine.results(chunk)


def singly(home: Home, turn: BackfillTurn, schedule_time: int, window: Interval) -> Any:
    try:
        plan = plan_window(home, turn.entry.task, schedule_time, window, turn.began_us)
        rows = run_in_process(plan, now_seconds=turn.began_us // 1_000_000).rows
        names = [column.name for column in plan.output]
        return names, list(rows.plain())
    except (QueryFailed, StatementError) as error:
        return error


def comparable(name: str, rows: Sequence[Sequence[Any]]) -> list[Any]:
    plain = [[round(value, 9) if isinstance(value, float) and math.isfinite(value) else value for value in row] for row in rows]
    return plain if name in IN_ORDER else sorted(plain, key=repr)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_rows_of_many_windows_are_those_of_single_runs(home: Home, tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(home, tmp_path, LAYOUTS[layout], LAYOUTS[layout].names, "mixed", monkeypatch)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("source", ["web", "mixed"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_and_for_all_statements_and_windows(home: Home, tmp_path: Path, layout: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name, text in STATEMENTS.items() if source == "mixed" or "detail" not in text]
    compare(home, tmp_path, replace(LAYOUTS[layout], within=(-1, MINUTES + 3)), names, source, monkeypatch)


def compare(home: Home, tmp_path: Path, layout: Windows, names: Sequence[str], source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_world(home, tmp_path)
    monkeypatch.setattr(window_chunks, "CHUNK_ROWS", layout.chunk)
    rows_seen = failed = 0
    for name in names:
        turn = claim(home, STATEMENTS[name], layout, source)
        found: dict[int, Any] = {}
        while rest := tuple(one for one in turn.windows if one.schedule_time not in found):
            plan = plan_backfill_turn(home, replace(turn, windows=rest))
            found |= {**dict(together(plan)), **plan.failures}
            # Windows that are left for the next turn come when there are many small chunks only.
            assert len(found) == len(turn.windows) - plan.left and (plan.left == 0 or layout.chunk < 100), name
            one_chunk_will_do = not plan.chunks or not plan.chunks[0].plan.reads_log or "variables" in name or len(rest) < len(turn.windows)
            assert (len(plan.chunks) > 1) == (layout.chunk < 100) or one_chunk_will_do, name
        for one in turn.windows:
            got, alone = found[one.schedule_time], singly(home, turn, one.schedule_time, one.window)
            if isinstance(alone, Exception):
                failed += 1
                assert (failure_of(got) if isinstance(got, Exception) else got) == failure_of(alone), name
                continue
            columns, rows = alone
            assert got.schema.names == columns, name
            assert comparable(name, list(plain_rows(got))) == comparable(name, rows), (name, one.window)
            rows_seen += len(rows)
        home.schedule_ledger().finish_backfill_turn(turn, ())
        home.schedule_ledger().delete_task(DEFAULT_PROJECT, turn.entry.task.name)
    assert rows_seen > 20 and failed, "the comparison compared something"


def test_a_plan_depends_on_its_times_only_where_it_says_so(home: Home, tmp_path: Path) -> None:
    make_world(home, tmp_path)
    task = make_task(home, "log2log", sourceLogstore="mixed")
    windows = [Interval(START, START + 60), Interval(START + 60, START + 120), Interval(START - 9_999, START + 7)]
    for name, text in STATEMENTS.items():
        if "{{" in text:
            continue
        plans = [plan_window(home, replace(task, script=text), window.end, window, 0) for window in windows]
        shared = [window_chunks.shared_plan(plan) for plan in plans]
        same = len({plan.sql for plan in plans}) == 1 and shared[0] == shared[1] == shared[2]
        assert same == (not plans[0].fills_times) == ("time_series" not in text), name
