"""Shards and cursors on the command line."""

from __future__ import annotations

import json

from pipelines.home import Home
from tests.pipelines.import_probe import make_store, run_here
from transforms.core.log_group import LogGroup
from transforms.stores.cursor import BEGIN


def rows(home: Home, *arguments: str) -> list[dict[str, object]]:
    done = run_here(home, *arguments, "--format", "json")
    assert (done.stderr, done.code) == ("", 0)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_split_merge_and_list(home: Home) -> None:
    make_store(home, shards=2)
    store = home.open_logstore("default", "web")
    store.commit(store.write_files([LogGroup.from_logs([{"n": "1"}], [5])], shard=0))
    key = "2" + "0" * 31
    done = run_here(home, "shard", "split", "web", "0", "--key", key)
    assert (done.stderr.strip(), done.code) == ("shard 0 of web split into 2 and 3", 0)
    assert run_here(home, "shard", "merge", "web", "3").stderr.strip() == "shards 3 and 1 of web merged into 4"
    everything = rows(home, "shard", "list", "web", "--all")
    assert [(row["shard"], row["status"], row["parents"]) for row in everything] == [
        (0, "readonly", None), (1, "readonly", None), (2, "readwrite", "0"), (3, "readonly", "0"), (4, "readwrite", "3 1"),
    ]  # fmt: skip
    assert everything[0]["end_cursor"] == store.end_cursor(0).text and everything[1]["end_cursor"] == BEGIN.text
    assert everything[0]["made"] is None and str(everything[4]["made"]).endswith("+0000")
    assert [(row["begin_key"], row["end_key"]) for row in rows(home, "shard", "list", "web")] == [("0" * 32, key), (key, "1" + "0" * 32)]
    assert [shard["id"] for shard in json.loads(run_here(home, "logstore", "get", "web").stdout)["shards"]] == [2, 4]
    assert rows(home, "logstore", "list")[0]["shards"] == 2
    for wrong, words in (
        (("split", "web", "0"), "takes no logs any more"),
        (("split", "web", "9"), "no shard 9"),
        (("split", "web", "2", "--key", "g"), "32 hexadecimal digits"),
        (("merge", "web", "4"), "no right neighbour"),
        (("list", "nothing"), "nothing"),
    ):
        done = run_here(home, "shard", *wrong)
        assert done.code == 2 and words in done.stderr


def test_a_list_of_logstores_is_not_kept_back_by_one_that_is_gone(home: Home) -> None:
    import shutil

    make_store(home, shards=2)
    shutil.rmtree(home.catalogue().logstore("default", "web").location)
    assert rows(home, "logstore", "list")[0]["shards"] is None


def test_places_by_time_and_back(home: Home) -> None:
    make_store(home, shards=1)
    store = home.open_logstore("default", "web")
    first = store.append([LogGroup.from_logs([{"n": "1"}], [5])]).receive_time
    (end,) = rows(home, "cursor", "web", "--shard", "0", "--end")
    assert end["cursor"] == store.end_cursor(0).text
    assert end["receive_time_us"] == first + 1
    (begin,) = rows(home, "cursor", "web", "--shard", "0", "--begin", "--time-zone", "+08:00")
    assert (begin["cursor"], begin["receive_time_us"]) == (BEGIN.text, first)
    assert str(begin["receive_time"]).endswith("+0800")
    assert rows(home, "cursor", "web", "--shard", "0", "--at", "-1h")[0]["cursor"] == BEGIN.text
    assert rows(home, "cursor", "web", "--shard", "0", "--at", str(first // 1_000_000 + 1)) == [end]
    assert rows(home, "cursor", "web", "--shard", "0", "--time-of", str(end["cursor"])) == [end]
    for wrong, words in (
        ((), "one of --begin, --end"),
        (("--begin", "--end"), "one of --begin, --end"),
        (("--time-of", "what?"), "is no cursor"),
        (("--time-of", "OS4wLjE="), "has no place"),
        (("--at", "yesterday"), "is not a time"),
    ):
        done = run_here(home, "cursor", "web", "--shard", "0", *wrong)
        assert done.code == 2 and words in done.stderr
    assert "no shard 7" in run_here(home, "cursor", "web", "--shard", "7", "--end").stderr
