"""``logsluice metricstore``, and what other verbs do with a Metricstore."""

from __future__ import annotations

import json

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.conftest import Cli
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import metricstore_descriptor
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
