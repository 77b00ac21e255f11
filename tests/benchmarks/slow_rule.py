"""A rule of functions that have no column form, and what a person would write in plain Python for it, log by log."""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
import re
from collections.abc import Iterable

import polars as pl

from tests.benchmarks.rules_of_comparison import BATCH

__all__ = ["SLOW_RULE", "by_hand", "make_slow_batch"]

SLOW_RULE = r"""
e_set("pairs", str_zip(v("names"), v("values"), combine_sep="="))
e_set("expires", dt_add(v("time"), days=30, hours=6))
e_set("numbers", regex_findall(v("message"), r"\d+"))
e_set("summary", str_format("{:>12}|{:<8}|{}", v("user"), v("status"), v("message")))
e_drop_fields("names", "values")
"""

_NUMBERS = re.compile(r"\d+")
_MONTH = dt.timedelta(days=30, hours=6)


def make_slow_batch(seed: int) -> pl.DataFrame:
    """65,536 logs whose values seldom come twice, so that remembering results helps neither side."""
    chance = random.Random(seed)
    rows = range(BATCH)
    start = dt.datetime(2026, 11, 22)
    columns = {
        "names": [",".join(f"n{chance.randrange(100)}" for _ in range(4)) for _ in rows],
        "values": [",".join(str(chance.randrange(10_000)) for _ in range(4)) for _ in rows],
        "time": [str(start + dt.timedelta(seconds=chance.randrange(40_000_000))) for _ in rows],
        "message": [f"moved {chance.randrange(10**6)} bytes to disk {chance.randrange(64)} in {chance.randrange(900)} ms" for _ in rows],
        "user": [f"user-{chance.randrange(50_000)}" for _ in rows],
        "status": chance.choices(["200", "404", "500"], k=BATCH),
    }
    time = pl.Series("__time__", [1_767_196_800 + number // 50 for number in rows], pl.Int64)
    return pl.DataFrame([time, *(pl.Series(name, texts, pl.String) for name, texts in columns.items())])


def by_hand(logs: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The same in plain Python."""
    found = []
    for log in logs:
        pairs = zip(next(csv.reader([log.pop("names")])), next(csv.reader([log.pop("values")])), strict=False)
        log["pairs"] = ",".join(f"{name}={value}" for name, value in pairs)
        log["expires"] = str(dt.datetime.fromisoformat(log["time"]) + _MONTH)
        log["numbers"] = json.dumps(_NUMBERS.findall(log["message"]))
        log["summary"] = "{:>12}|{:<8}|{}".format(log["user"], log["status"], log["message"])
        found.append(log)
    return found
