"""Queries against DuckDB alone on typed Parquet files of the same rows: cold processes, alternating, one run.

    python -m tests.benchmarks.query_vs_duckdb [--folder DIR] [--logs 20000000] [--users 500000] [--rounds 5]

The data is made once per folder. Ratios are what counts: absolute times belong to the machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.demo_data import GAME_INDEX, game_columns, users
from pipelines.home import Home
from tests.benchmarks.timing import alternate, python
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.log_group import LogGroup
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

FIRST, DAY, FILES = 1_767_196_800, 86_400, 16
HOUR = (FIRST + 10 * 3_600, FIRST + 11 * 3_600)

# name: (search | SQL, DuckDB's SQL, time range)
QUERIES = {
    "roll-up by minute and status": (
        "* | select __time__ - __time__ % 60 as minute, status, count(1) as pv, sum(bytes) as bytes, avg(latency) as latency group by minute, status limit 1000000",
        "select __time__ - __time__ % 60 as minute, status, count(1) as pv, sum(bytes) as bytes, avg(latency) as latency from log {where} group by 1, 2",
        None,
    ),
    "the same with approx_distinct": (
        "* | select __time__ - __time__ % 60 as minute, status, count(1) as pv, sum(bytes) as bytes, avg(latency) as latency, approx_distinct(userid) as uv group by minute, status limit 1000000",
        "select __time__ - __time__ % 60 as minute, status, count(1) as pv, sum(bytes) as bytes, avg(latency) as latency, approx_count_distinct(userid) as uv from log {where} group by 1, 2",
        None,
    ),
    "the same, one hour of 24": (
        "* | select __time__ - __time__ % 60 as minute, status, count(1) as pv, sum(bytes) as bytes, avg(latency) as latency, approx_distinct(userid) as uv group by minute, status limit 1000000",
        "select __time__ - __time__ % 60 as minute, status, count(1) as pv, sum(bytes) as bytes, avg(latency) as latency, approx_count_distinct(userid) as uv from log {where} group by 1, 2",
        HOUR,
    ),
    "join: pv by province": (
        "* | select u.province, count(1) as pv from log l join chiji_user u on l.userid = u.uid group by u.province order by pv desc",
        "select u.province, count(1) as pv from log l join users u on l.userid = u.uid {where} group by u.province order by pv desc",
        None,
    ),
    "join: money by gender": (
        "* | select u.gender, sum(l.money) as money from log l join chiji_user u on l.userid = u.uid group by u.gender",
        "select u.gender, sum(l.money) as money from log l join users u on l.userid = u.uid {where} group by u.gender",
        None,
    ),
}


def make_data(folder: Path, logs: int, user_count: int) -> None:
    """The Logstore, the user table in SQLite, and both as typed Parquet for DuckDB."""
    import numpy as np
    import polars as pl
    import pyarrow as pa

    if (folder / "done").exists():
        return
    (folder / "parquet").mkdir(parents=True, exist_ok=True)
    home = Home.create(folder / "home")
    store = home.create_logstore(LogstoreDescriptor("default", "game_log", "", even_shards(1), GAME_INDEX))
    each = logs // FILES
    for number in range(FILES):
        columns = game_columns(number, each, FIRST + number * DAY // FILES, DAY // FILES, user_count)
        arrays = {
            name: pa.array(np.ma.getdata(values), mask=np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None)
            for name, values in columns.items()
        }
        typed = pa.table(arrays)
        pl.from_arrow(typed).write_parquet(folder / "parquet" / f"{number:02}.parquet", compression="zstd", row_group_size=131_072)  # type: ignore[union-attr]
        text = {TIME: arrays[TIME].cast(pa.int64()), TIME_NS: pa.array(np.zeros(each, np.int32))}
        text |= {column_of(name): array.cast(pa.string()) for name, array in arrays.items() if name != TIME}
        store.append([LogGroup(pa.table(text))], app=AppTransaction("benchmark", number + 1))
        sys.stderr.write(f"\r{(number + 1) * each:,} logs")
    sys.stderr.write("\n")
    _make_users(folder, home, user_count)
    home.close()
    (folder / "done").touch()


def _make_users(folder: Path, home: Home, count: int) -> None:
    import sqlite3

    import polars as pl

    rows = list(users(count))
    with sqlite3.connect(folder / "users.sqlite") as connection:
        connection.execute(
            "create table chiji_user (uid int primary key, user_nick text, gender tinyint(1), age int, balance float, province text)"
        )
        connection.executemany("insert into chiji_user values (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    names = ["uid", "user_nick", "gender", "age", "balance", "province"]
    pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).write_parquet(folder / "users.parquet", compression="zstd")
    descriptor = ExternalStoreDescriptor("chiji_user", "sqlite", {"db": str(folder / "users.sqlite"), "table": "chiji_user"})
    home.catalogue().create_external_store("default", descriptor)


def commands(folder: Path, name: str) -> dict[str, list[str]]:
    """The competing processes of one query."""
    statement, sql, times = QUERIES[name]
    where = "" if times is None else f"where __time__ >= {times[0]} and __time__ < {times[1]}"
    script = (
        "import duckdb; c = duckdb.connect()\n"
        f"c.execute(\"create view log as select * from read_parquet('{folder}/parquet/*.parquet')\")\n"
        f"c.execute(\"create view users as select * from read_parquet('{folder}/users.parquet')\")\n"
        f"rows = c.execute({sql.format(where=where)!r}).fetchall()\n"
        "import json, sys; json.dump(rows, sys.stdout)"
    )
    window = [] if times is None else ["--from", str(times[0]), "--to", str(times[1])]
    home = ["--home", str(folder / "home")]
    return {
        "duckdb": [python(), "-c", script],
        "logsluice query": [python(), "-m", "pipelines", *home, "query", "game_log", statement, *window, "--format", "jsonl"],
        "Beam pipeline": [python(), "-m", "pipelines.association_query", *home, "--runner", "DirectRunner", "--logstore", "game_log",
                          "--statement", statement, *window, "--format", "jsonl"],
    }  # fmt: skip


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/logsluice-benchmark"))
    parser.add_argument("--logs", type=int, default=20_000_000)
    parser.add_argument("--users", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    make_data(arguments.folder, arguments.logs, arguments.users)
    out = sys.stdout.write
    out("| query | DuckDB | logsluice query | Beam pipeline | targets |\n|---|---:|---:|---:|---|\n")
    for name in QUERIES:
        if arguments.only not in name:
            continue
        got = alternate(commands(arguments.folder, name), arguments.rounds)
        duck, ours, beam = got["duckdb"], got["logsluice query"], got["Beam pipeline"]
        met = [
            ours.seconds <= 1.3 * duck.seconds + 0.6,
            beam.seconds <= 1.3 * duck.seconds + 1.2,
            ours.peak_mb <= 2 * duck.peak_mb,
            beam.peak_mb <= 2 * duck.peak_mb,
        ]
        out(
            f"| {name} | {duck.seconds:.2f} s, {duck.peak_mb:.0f} MB | {ours.seconds:.2f} s, {ours.peak_mb:.0f} MB ({ours.peak_mb / duck.peak_mb:.1f} ×) "
            f"| {beam.seconds:.2f} s, {beam.peak_mb:.0f} MB ({beam.peak_mb / duck.peak_mb:.1f} ×) | {'/'.join('met' if each else 'missed' for each in met)} |\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
