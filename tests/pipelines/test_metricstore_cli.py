"""``logsluice metricstore``, and what other verbs do with a Metricstore."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.conftest import Cli
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import LogstoreDescriptor, metricstore_descriptor
from transforms.stores.metricstore import METRIC_INDEX
from transforms.stores.shard import even_shards

NANO = 1_617_242_400_000_000_000


def sample(name: str = "pv", labels: str = "", time: int = NANO, value: str = "1.0", **more: str) -> dict[str, str]:
    return {"__name__": name, "__labels__": labels, "__time_nano__": str(time), "__value__": value, **more}


@pytest.fixture
def metrics(home: Home) -> Home:
    """A home with an empty Metricstore ``metrics``."""
    home.create_logstore(metricstore_descriptor(DEFAULT_PROJECT, "metrics", "", even_shards(1)))
    return home


def write(home: Home, *samples: dict[str, str]) -> None:
    home.open_logstore(DEFAULT_PROJECT, "metrics").append([LogGroup.from_logs(samples, [0] * len(samples))])


def test_the_life_of_a_metricstore(cli: Cli, home: Home) -> None:
    assert cli("metricstore", "create", "shop", "--shards", "3", "--ttl", "30").stderr == "Metricstore shop created\n"
    descriptor = home.catalogue().logstore(DEFAULT_PROJECT, "shop")
    assert (descriptor.telemetry, descriptor.index, len(descriptor.shards)) == ("metrics", METRIC_INDEX, 3)
    cli("logstore", "create", "nginx")
    listed = json.loads(cli("metricstore", "list", "--format", "json").stdout)
    assert [(row["metricstore"], row["shards"], row["ttl"]) for row in listed] == [("shop", 3, 30)]
    assert [row["logstore"] for row in json.loads(cli("logstore", "list", "--format", "json").stdout)] == ["nginx"]
    cli("metricstore", "update", "shop", "--ttl", "forever")
    shown = json.loads(cli("metricstore", "get", "shop").stdout)
    assert (shown["metricstore"], shown["ttl"], shown["samples"], len(shown["index"]["keys"])) == ("shop", None, 0, 4)
    assert cli("metricstore", "delete", "shop", "--yes").stderr == "Metricstore shop deleted\n"
    assert home.catalogue().list_logstores(DEFAULT_PROJECT).names == ("nginx",)


def test_verbs_of_the_other_kind_say_so(cli: Cli, metrics: Home) -> None:
    refused = cli("logstore", "delete", "metrics", "--yes")
    assert refused.code == 2 and "'metrics' is a Metricstore, not a Logstore" in refused.stderr
    assert "logsluice metricstore" in refused.stderr
    assert cli("logstore", "create", "metrics").code == 2, "they share their names"
    assert cli("logstore", "compact", "metrics").code == 0
    assert metrics.catalogue().logstore(DEFAULT_PROJECT, "metrics").index == METRIC_INDEX


def test_sql_over_the_samples(cli: Cli, metrics: Home) -> None:
    write(metrics, sample(labels="host#$#h1", value="2.5"), sample(labels="host#$#h2", value="4"), sample("up"))
    statement = (
        "* | select element_at(__labels__, 'host') as host, sum(__value__) as v from \"metrics.prom\" where __name__ = 'pv' group by host"
    )
    asked = ("query", "metrics", f"{statement} order by host", "--format", "csv", "--quiet")
    for more in ((), ("--runner", "DirectRunner")):
        assert cli(*asked, *more).stdout == "host,v\nh1,2.5\nh2,4.0\n"


def test_export(cli: Cli, metrics: Home, tmp_path: Path) -> None:
    write(metrics, sample(labels="host#$#h1"), sample(labels="host#$#h1", time=NANO + 10**9, value="2"), sample("up"))
    everything = cli("metricstore", "export", "metrics")
    assert everything.stdout == (
        '# TYPE pv untyped\npv{host="h1"} 1.0 1617242400000\npv{host="h1"} 2.0 1617242401000\n# TYPE up untyped\nup 1.0 1617242400000\n'
    )
    assert everything.stderr == "exported 3 samples\n"
    some = cli("metricstore", "export", "metrics", "--latest", "--from", str(NANO // 10**9 + 1), "--output", str(tmp_path / "x.prom"))
    assert (tmp_path / "x.prom").read_text() == '# TYPE pv untyped\npv{host="h1"} 2.0 1617242401000\n'
    assert some.stdout == "" and "exported 1 sample to" in some.stderr


def test_only_samples_come_in(cli: Cli, metrics: Home, tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text("".join(json.dumps(sample(time=NANO // 10**9 + second)) + "\n" for second in range(3)))
    imported = cli("import", "metrics", str(file))
    assert imported.code == 0, imported.stderr
    found = [log for group in metrics.open_logstore(DEFAULT_PROJECT, "metrics").read() for log in group.to_logs()]
    assert sorted(log["__time_nano__"] for log in found) == [str(NANO + second * 10**9) for second in range(3)]
    file = tmp_path / "other.jsonl"
    file.write_text('{"message": "hello"}\n')
    refused = cli("import", "metrics", str(file))
    assert refused.code == 2 and "Metricstore 'metrics' does not take log 1 of a batch: it has the field 'message'" in refused.stderr
    assert "__labels__ (k1#$#v1|k2#$#v2)" in refused.stderr


def test_insert_into(cli: Cli, metrics: Home) -> None:
    home = metrics
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(1)))
    home.open_logstore(DEFAULT_PROJECT, "web").append([LogGroup.from_logs([{"host": "h1"}, {"host": "h1"}], [NANO // 10**9] * 2)])
    insert = "* | insert into metrics(__name__, __labels__, __time_nano__, __value__) select 'pv', concat('host#$#', host), {}, count(1) group by host"
    refused = cli("query", "web", insert.format("'soon'"))
    assert refused.code == 2, refused.stderr
    refused = cli("query", "web", insert.format("99999999999"))
    assert refused.code == 2 and "after the year 2262" in refused.stderr
    assert cli("query", "web", insert.format(NANO // 10**9)).code == 0
    assert cli("metricstore", "export", "metrics").stdout == '# TYPE pv untyped\npv{host="h1"} 2.0 1617242400000\n'
