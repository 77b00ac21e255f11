"""Four rules, the logs they run on, and what a person would write in Polars for each: `rule_vs_polars` runs them against each other."""

from __future__ import annotations

import random
from collections.abc import Callable

import polars as pl

__all__ = ["BATCH", "RULES", "SCRIPTS", "make_batch"]

BATCH = 65_536

NGINX = (
    r'(?P<remote_addr>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time_local>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) '
    r'(?P<bytes>\d+|-) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"'
)
CLASSES = {"200": "success", "204": "success", "301": "redirect", "302": "redirect", "404": "client error", "500": "server error"}

RULES = {
    "r1": 'e_set("log_type", "access_log")\n'
    'e_drop_fields("__action")\n'
    'e_if(e_search("ret: pass"), e_set("result", "pass"))\n'
    'e_if(e_search("ret: unknown"), DROP)\n',
    "r2": f"e_regex(\"content\", r'''{NGINX}''')\n".replace("'''", "'")
    + f'e_dict_map({CLASSES!r}, "status", "status_class", missing="other")\n'
    + 'e_drop_fields("content", "referer")\n',
    "r3": 'e_json("payload", depth=2, expand_array=False)\ne_kv("pairs")\ne_drop_fields("payload", "pairs")\n',
    "r4": 'e_split("hosts")\ne_if(e_match("status", r"5\\d\\d"), e_coutput("errors"))\ne_if(v("status") == "404", e_output("notfound"))\n',
}


def make_batch(rule: str, seed: int) -> pl.DataFrame:
    """65,536 logs: the event time as whole seconds, all other columns text."""
    chance = random.Random(seed)
    rows = range(BATCH)
    time = pl.Series("__time__", [1_767_196_800 + number // 50 for number in rows], pl.Int64)
    columns: dict[str, list[str]] = {}
    status = chance.choices([*CLASSES, "503"], [70, 5, 5, 5, 8, 4, 3], k=BATCH)
    if rule == "r1":
        columns = {
            "__action": ["query"] * BATCH,
            "ret": chance.choices(["pass", "fail", "unknown"], [70, 20, 10], k=BATCH),
            "user": [f"user-{chance.randrange(50_000)}" for _ in rows],
            "method": chance.choices(["GET", "POST", "PUT"], [8, 2, 1], k=BATCH),
            "uri": [f"/api/v1/items/{chance.randrange(10_000)}?page={chance.randrange(10)}" for _ in rows],
            "status": status,
            "latency": [f"{chance.random() * 100:.3f}" for _ in rows],
            "ip": [f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}" for _ in rows],
            "agent": [f"Mozilla/5.0 (X11; Linux x86_64) rv:{chance.randrange(90, 130)}" for _ in rows],
        }
    elif rule == "r2":
        columns["content"] = [
            f"10.1.{chance.randrange(256)}.{chance.randrange(256)} - user{chance.randrange(900)} [22/Nov/2026:11:{n % 60:02}:07 +0000] "
            f'"GET /items/{chance.randrange(10_000)}?q={n % 97} HTTP/1.1" {status[n]} {chance.randrange(90_000)} '
            f'"https://example.org/p{n % 31}" "Mozilla/5.0 (X11; Linux x86_64) rv:{chance.randrange(90, 130)}"'
            for n in rows
        ]
    elif rule == "r3":
        columns["payload"] = [
            f'{{"id": {n}, "level": "info", "service": "shop-{n % 7}", "message": "order {chance.randrange(10**6)} accepted", '
            f'"user": {{"name": "u{chance.randrange(9_000)}", "plan": "p{n % 3}"}}, "tags": ["a{n % 5}", "b"]}}'
            for n in rows
        ]
        columns["pairs"] = [f"cpu={n % 100} mem={n % 64}G zone=z{n % 3} pod=pod-{n % 500} rev=r{n % 11}" for n in rows]
        columns["ip"] = [f"10.0.0.{n % 256}" for n in rows]
    else:
        columns = {
            "hosts": [",".join(f"h{chance.randrange(400)}.example.org" for _ in range(chance.choice([1, 1, 2, 3]))) for _ in rows],
            "status": status,
            "method": chance.choices(["GET", "POST"], [8, 2], k=BATCH),
            "uri": [f"/api/v1/items/{chance.randrange(10_000)}" for _ in rows],
            "latency": [f"{chance.random() * 100:.3f}" for _ in rows],
            "user": [f"user-{chance.randrange(50_000)}" for _ in rows],
        }
    return pl.DataFrame([time, *(pl.Series(name, texts, pl.String) for name, texts in columns.items())])


def _r1(logs: pl.DataFrame) -> list[pl.DataFrame]:
    ret = pl.col("ret")
    return [
        logs.drop("__action")
        .with_columns(
            log_type=pl.lit("access_log"),
            result=pl.when(ret.str.contains("pass", literal=True)).then(pl.lit("pass")),
        )
        .filter(~ret.str.contains("unknown", literal=True))
    ]


def _r2(logs: pl.DataFrame) -> list[pl.DataFrame]:
    fields = logs.select("__time__", pl.col("content").str.extract_groups(NGINX)).unnest("content")
    return [fields.with_columns(status_class=pl.col("status").replace_strict(CLASSES, default="other")).drop("referer")]


def _r3(logs: pl.DataFrame) -> list[pl.DataFrame]:
    text = pl.String
    shape = pl.Struct({"id": pl.Int64, "level": text, "service": text, "message": text, "user": pl.Struct({"name": text, "plan": text})})
    pairs = " ".join(rf"{name}=(?P<{name}>\S+)" for name in ("cpu", "mem", "zone", "pod", "rev"))
    return [
        logs.select(
            "__time__",
            "ip",
            pl.col("payload").str.json_decode(shape).alias("object"),
            pl.col("payload").str.json_path_match("$.tags").str.replace_all(",", ", ", literal=True).alias("tags"),
            pl.col("pairs").str.extract_groups(pairs),
        )
        .unnest("object", "pairs")
        .unnest("user")
        .with_columns(pl.col("id").cast(text))
    ]


def _r4(logs: pl.DataFrame) -> list[pl.DataFrame]:
    each = logs.with_columns(pl.col("hosts").str.split(",")).explode("hosts")
    missing = pl.col("status") == "404"
    return [each.filter(pl.col("status").str.contains(r"^5\d\d$")), each.filter(missing), each.filter(~missing)]


SCRIPTS: dict[str, Callable[[pl.DataFrame], list[pl.DataFrame]]] = {"r1": _r1, "r2": _r2, "r3": _r3, "r4": _r4}
