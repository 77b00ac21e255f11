"""Consumer groups on the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.consumer_lag import span_text
from pipelines.home import Home
from tests.connectors.test_shard_old_logs import clean
from tests.pipelines.import_probe import make_store, run_here
from transforms.connectors.delta import DeltaLogstore
from transforms.core.log_group import LogGroup
from transforms.stores.cursor import BEGIN, Cursor


def said(home: Home, *arguments: str) -> str:
    done = run_here(home, "consumer-group", *arguments)
    assert (done.stdout, done.code) == ("", 0), done.stderr
    return done.stderr.strip()


def rows(home: Home, *arguments: str) -> Any:
    done = run_here(home, "consumer-group", *arguments, "--format", "json")
    assert (done.stderr, done.code) == ("", 0)
    return json.loads(done.stdout)


def refused(home: Home, code: str, *arguments: str) -> str:
    done = run_here(home, "consumer-group", *arguments)
    assert done.code == 2 and f"error[{code}]" in done.stderr, done.stderr
    return done.stderr


def append(home: Home, shard: int, logs: int) -> None:
    store = home.open_logstore("default", "web")
    store.commit(store.write_files([LogGroup.from_logs([{"n": str(n)} for n in range(logs)], [5] * logs)], shard=shard))


def checkpoints(home: Home) -> dict[int, Cursor | None]:
    return {one.shard: one.cursor for one in home.consumer_groups("default", "web").checkpoints("billing")}


def test_groups_are_made_changed_and_deleted(home: Home) -> None:
    make_store(home)
    assert said(home, "create", "web", "billing", "--timeout", "30") == "consumer group billing of web created"
    said(home, "create", "web", "audit", "--order")
    assert rows(home, "list", "web") == [
        {"group": "audit", "timeout_s": 60, "order": True}, {"group": "billing", "timeout_s": 30, "order": False},
    ]  # fmt: skip
    assert said(home, "update", "web", "audit", "--timeout", "5", "--no-order").endswith("time-out 5 s, no order")
    assert said(home, "update", "web", "audit", "--order").endswith("time-out 5 s, in order")
    assert said(home, "delete", "web", "audit") == "consumer group audit of web deleted, with its checkpoints"
    assert [row["group"] for row in rows(home, "list", "web")] == ["billing"]
    refused(home, "ConsumerGroupAlreadyExist", "create", "web", "billing")
    refused(home, "JsonInfoInvalid", "update", "web", "billing")
    refused(home, "ParameterInvalid", "create", "web", "-billing".replace("-", "_"))
    refused(home, "ParameterInvalid", "create", "web", "other", "--timeout", "0")
    for verb in ("get", "lag", "delete", "update"):
        more = ("--order",) if verb == "update" else ()
        assert "did you mean 'billing'?" in refused(home, "ConsumerGroupNotExist", verb, "web", "biling", *more)
    assert "did you mean 'web'?" in refused(home, "LogStoreNotExist", "list", "wep")


def test_get_shows_consumers_and_shards(home: Home) -> None:
    make_store(home)
    said(home, "create", "web", "billing")
    append(home, 0, 3)
    groups = home.consumer_groups("default", "web")
    groups.heartbeat("billing", "ada", ())
    end = home.open_logstore("default", "web").end_cursor(0)
    groups.save_checkpoint("billing", 0, end, consumer="ada")
    groups.heartbeat("billing", "bob", ())
    shown = rows(home, "get", "web", "billing")
    assert (shown["group"], shown["timeout_s"], shown["order"]) == ("billing", 60, False)
    assert [one["consumer"] for one in shown["consumers"]] == ["ada", "bob"]
    first, second = shown["shards"]
    assert (first["shard"], first["state"], first["consumer"], first["checkpoint"], first["saved_by"]) == (
        0, "already_alloc", "ada", end.text, "ada",
    )  # fmt: skip
    assert (second["state"], second["consumer"], second["heir"], second["checkpoint"], second["saved"]) == (
        "transfer", "ada", "bob", None, None,
    )  # fmt: skip
    done = run_here(home, "consumer-group", "get", "web", "billing")
    assert done.stderr.strip() == "billing: time-out 60 s, no order, consumers: ada, bob"
    assert done.stdout.splitlines()[0].split() == ["shard", "state", "consumer", "heir", "epoch", "checkpoint", "saved", "saved_by"]


def test_lag_by_shard(home: Home) -> None:
    make_store(home)
    said(home, "create", "web", "billing")
    append(home, 0, 3)
    append(home, 0, 3)
    store = home.open_logstore("default", "web")
    behind, empty = rows(home, "lag", "web", "billing")
    assert behind["lag_us"] == store.lag_us(0, BEGIN) > 1 and behind["lag"] == span_text(behind["lag_us"])
    assert (empty["shard"], empty["lag"], empty["lag_us"], empty["consumer"]) == (1, "0 s", 0, None)
    said(home, "reset", "web", "billing", "--end")
    done = run_here(home, "consumer-group", "lag", "web", "billing")
    assert (done.code, done.stderr.strip()) == (0, "billing: 0 s behind")


def test_lag_behind_a_cleaned_log_is_told_as_expired(home: Home) -> None:
    make_store(home)
    said(home, "create", "web", "billing")
    for _ in range(5):
        append(home, 0, 2)
    store = home.open_logstore("default", "web")
    inside = store.pull(0, BEGIN, max_rows=3).cursor
    home.consumer_groups("default", "web").save_checkpoint("billing", 0, inside, force=True)
    assert isinstance(store, DeltaLogstore)
    clean(store, store.end_cursor(0).version)
    behind, empty = rows(home, "lag", "web", "billing")
    assert (behind["lag"], behind["lag_us"], empty["lag_us"]) == ("expired", None, 0)
    said(home, "reset", "web", "billing", "--begin")
    assert rows(home, "lag", "web", "billing")[0]["lag_us"] > 0


def test_reset_to_begin_end_time_and_cursor(home: Home) -> None:
    make_store(home)
    said(home, "create", "web", "billing")
    append(home, 0, 3)
    append(home, 1, 3)
    store = home.open_logstore("default", "web")
    ends = {shard: store.end_cursor(shard) for shard in (0, 1)}
    assert said(home, "reset", "web", "billing", "--end") == "consumer group billing of web reset: 2 shards"
    assert checkpoints(home) == ends
    assert said(home, "reset", "web", "billing", "--begin", "--shard", "1") == "consumer group billing of web reset: shard 1"
    assert checkpoints(home) == {0: ends[0], 1: BEGIN}
    said(home, "reset", "web", "billing", "--at", "-1h")
    assert checkpoints(home) == {0: store.cursor_of(0, 0), 1: store.cursor_of(1, 0)}
    said(home, "reset", "web", "billing", "--at", "2100-01-01")
    assert checkpoints(home) == ends
    inside = Cursor(ends[0].version, 0, 2)
    said(home, "reset", "web", "billing", "--shard", "0", "--cursor", inside.text)
    assert checkpoints(home) == {0: inside, 1: ends[1]}
    for code, arguments in (
        ("ParameterInvalid", ("--begin", "--end")),
        ("ParameterInvalid", ()),
        ("ParameterInvalid", ("--cursor", inside.text)),
        ("ParameterInvalid", ("--at", "yesterday")),
        ("InvalidCursor", ("--cursor", "what?", "--shard", "0")),
        ("InvalidCursor", ("--cursor", Cursor(99, 0, 1).text, "--shard", "0")),
        ("ShardNotExist", ("--begin", "--shard", "9")),
    ):
        refused(home, code, "reset", "web", "billing", *arguments)
    home.consumer_groups("default", "web").heartbeat("billing", "ada", ())
    assert "by ada" in refused(home, "ConsumerGroupBusy", "reset", "web", "billing", "--begin")
    assert checkpoints(home) == {0: inside, 1: ends[1]}


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0, "0 s"), (999, "< 1 ms"), (350_999, "350 ms"), (12_500_000, "12.5 s"), (7 * 60_000_000, "7 min"),
     (200 * 60_000_000, "3 h 20 min"), (53 * 3_600_000_000, "2 d 5 h")],
)  # fmt: skip
def test_times_as_people_say_them(microseconds: int, text: str) -> None:
    assert span_text(microseconds) == text
