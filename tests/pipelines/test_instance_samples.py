"""Instances that write samples: what becomes none, what fails them, and where labels send them."""

from __future__ import annotations

from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from tests.pipelines.schedule_world import START, make_destination, make_source, make_task
from transforms.core.log_group import LogGroup
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import InstanceEntry
from transforms.stores.logstore import metricstore_descriptor
from transforms.stores.shard import even_shards, shard_of_key

AT = START + 60 * 6


def run_one(home: Home, schedule_time: int = AT) -> InstanceEntry:
    from pipelines.launch import options_of
    from pipelines.scheduled_sql import run_recorded

    turn = home.schedule_ledger().claim_at(DEFAULT_PROJECT, "count-log2metric", schedule_time, "test", 30)
    return run_recorded(home, turn, options_of(["--runner", "DirectRunner"]))


def test_labels_choose_among_the_shards_there_are_now(home: Home, tmp_path: Path) -> None:
    make_source(home)
    make_destination(home, "log2metric", tmp_path)
    parameters = {"metricKeys": ["requests", "bytes"], "labelKeys": ["status"], "hashLabels": ["status"]}
    make_task(home, "log2metric", parameters=parameters)
    store = home.open_logstore(DEFAULT_PROJECT, "metrics")
    _, second = store.split_shard(0)
    store.split_shard(second)
    assert run_one(home).instance.state is InstanceState.SUCCEEDED
    shards = store.shard_map().writable
    found = {
        log["__labels__"]: {file.shard for file in store.snapshot().files if log in [each for group in store.read_files([file]) for each in group.to_logs()]}
        for group in store.read() for log in group.to_logs()
    }  # fmt: skip
    assert found == {f"status#$#{status}": {shard_of_key(shards, f"status#$#{status}").id} for status in ("200", "404", "503")}
    assert len({shard for places in found.values() for shard in places}) > 1, "one shard shows nothing"


def test_values_that_are_no_numbers_are_counted(home: Home, tmp_path: Path) -> None:
    make_source(home)
    make_destination(home, "log2metric", tmp_path)
    script = "* | select status, nullif(count(1), 3) as requests, sum(size) as bytes group by status order by status"
    make_task(home, "log2metric", script=script)
    entry = run_one(home)
    assert entry.instance.state is InstanceState.SUCCEEDED and entry.outcome is not None
    assert (entry.outcome.rows_result, entry.outcome.rows_written) == (3, 4)


def test_a_label_that_would_read_as_two_fails_the_instance(home: Home, tmp_path: Path) -> None:
    make_source(home)
    make_destination(home, "log2metric", tmp_path)
    make_task(home, "log2metric", script="* | select concat(status, '|x') as status, count(1) as requests, 1 as bytes group by status")
    entry = run_one(home)
    assert entry.instance.state is not InstanceState.SUCCEEDED
    told = str(entry.instance).replace("\\'", "'")
    assert "the label 'status' has a | in its value" in told
    assert home.open_logstore(DEFAULT_PROJECT, "metrics").snapshot().rows_total == 0


def test_samples_of_samples(home: Home, tmp_path: Path) -> None:
    load = home.create_logstore(metricstore_descriptor(DEFAULT_PROJECT, "load", "", even_shards(1)))
    samples = [
        {
            "__name__": "bytes",
            "__labels__": f"host#$#h{n % 2}|zone#$#z",
            "__time_nano__": str((START + 10 * n) * 10**9),
            "__value__": str(n),
        }
        for n in range(100)
    ]
    load.append([LogGroup.from_logs(samples, [0] * len(samples))])
    make_destination(home, "log2metric", tmp_path)
    script = "__name__: bytes | select element_at(__labels__, 'host') as host, sum(__value__) as total from \"load.prom\" group by host"
    parameters = {"metricKeys": ["total"], "labelKeys": ["host"]}
    make_task(home, "log2metric", script=script, parameters=parameters, sourceLogstore="load")
    entry = run_one(home)
    assert entry.instance.state is InstanceState.SUCCEEDED, entry.instance
    window = [n for n in range(100) if AT - 60 <= START + 10 * n < AT]
    found = sorted(
        (log["__labels__"], log["__time_nano__"], log["__value__"])
        for group in home.open_logstore(DEFAULT_PROJECT, "metrics").read()
        for log in group.to_logs()
    )
    assert found == [(f"host#$#h{h}", str((AT - 60) * 10**9), str(float(sum(n for n in window if n % 2 == h)))) for h in (0, 1)]
