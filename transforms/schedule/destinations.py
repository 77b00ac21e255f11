"""Where a task writes, as its configuration says it: a Logstore, a Metricstore, or a table of an ExternalStore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transforms.schedule.config_fields import Fields
from transforms.schedule.config_lists import read_labels, read_names
from transforms.stores.metricstore import is_label_key, is_metric_name

__all__ = ["DATA_FORMATS", "Destination", "LogstoreDestination", "MetricstoreDestination", "TableDestination", "read_destination"]

DATA_FORMATS = ("log2log", "log2metric", "log2table", "metric2metric")

_METRIC_KEYS = ("metricKeys", "labelKeys", "hashLabels", "addLabels", "timeKey")
_TABLE_KEYS = ("keyColumns", "windowColumn", "instanceColumn")


@dataclass(frozen=True)
class LogstoreDestination:
    """Each result row becomes a log."""

    project: str
    logstore: str


@dataclass(frozen=True)
class MetricstoreDestination:
    """Each result row becomes a sample for each of ``metric_keys``.

    Attributes:
        label_keys: result columns that become labels.
        hash_labels: columns that choose the shard.
        add_labels: constant labels; they win over columns of the same name.
        time_key: the column with the sample's time; empty: the start of the window.
    """

    project: str
    metricstore: str
    metric_keys: tuple[str, ...]
    label_keys: tuple[str, ...] = ()
    hash_labels: tuple[str, ...] = ()
    add_labels: Mapping[str, str] = field(default_factory=dict)
    time_key: str = ""


@dataclass(frozen=True)
class TableDestination:
    """Result rows go into a table. What an earlier run of the instance wrote is found again by one of three ways.

    Attributes:
        external_store: the name of the ExternalStore.
        key_columns: rows with the same key are replaced.
        window_column: a time column: rows inside the window are replaced.
        instance_column: a column for the instance's id: rows with the same id are replaced.
    """

    external_store: str
    key_columns: tuple[str, ...] = ()
    window_column: str = ""
    instance_column: str = ""

    @property
    def replaces(self) -> bool:
        """Whether an instance that succeeded can run again without doubling its rows."""
        return bool(self.key_columns or self.window_column or self.instance_column)


Destination = LogstoreDestination | MetricstoreDestination | TableDestination


def read_destination(configuration: Fields, project: str) -> Destination | None:
    """The destination of ``configuration``; None when it has problems, which are noted."""
    before = len(configuration.problems)
    data_format = configuration.choice("dataFormat", DATA_FORMATS, "log2log")
    parameters = configuration.section("parameters")
    if data_format == "metric2metric":
        configuration.refuse(
            "dataFormat", "metric2metric needs PromQL, which is not there yet", "use log2metric with SQL over the metric table"
        )
        return None
    if data_format is None:
        return None
    if data_format == "log2table":
        found: Destination = _table(configuration, parameters)
    else:
        if configuration.has("destExternalStore"):
            configuration.refuse("destExternalStore", f"{data_format} writes to no ExternalStore", "set dataFormat to log2table")
        target = configuration.text("destLogstore", required=True) or ""
        owner = configuration.text("destProject") or project
        _refuse_source(configuration, owner == project and target == configuration.raw("sourceLogstore"))
        if data_format == "log2log":
            parameters.finish(())
            found = LogstoreDestination(owner, target)
        else:
            found = _metrics(parameters, owner, target)
    return found if len(configuration.problems) == before else None


def _refuse_source(configuration: Fields, same: bool) -> None:
    if same and not configuration.has("destEndpoint"):
        configuration.refuse("destLogstore", "the destination is the source: the task would feed itself", "choose another destination")


def _table(configuration: Fields, parameters: Fields) -> TableDestination:
    name = configuration.text("destExternalStore", required=True) or ""
    for key in ("destLogstore", "destProject", "destEndpoint"):
        if configuration.has(key):
            configuration.refuse(key, f"log2table knows no {key}", "name the table with destExternalStore")
    parameters.finish(_TABLE_KEYS)
    given = [key for key in _TABLE_KEYS if parameters.raw(key)]
    if len(given) > 1:
        parameters.refuse(given[1], f"{given[0]} and {given[1]} exclude each other", "choose one way to find an instance's earlier rows")
    window, instance = parameters.text("windowColumn") or "", parameters.text("instanceColumn") or ""
    return TableDestination(name, read_names(parameters, "keyColumns"), window, instance)


def _metrics(parameters: Fields, project: str, name: str) -> MetricstoreDestination:
    parameters.finish(_METRIC_KEYS)
    metrics, labels = read_names(parameters, "metricKeys"), read_names(parameters, "labelKeys")
    if not metrics and not parameters.raw("metricKeys"):
        parameters.refuse(
            "metricKeys", f"{parameters.called('metricKeys')} is missing", "name the numeric result columns that become samples"
        )
    for metric in metrics:
        if not is_metric_name(metric):
            parameters.refuse("metricKeys", f"{metric!r} is no name of a metric", "letters, digits, _ and :, not a digit first")
    added = read_labels(parameters)
    for label, key in (*((label, "labelKeys") for label in labels), *((label, "addLabels") for label in added)):
        if not is_label_key(label):
            parameters.refuse(key, f"{label!r} is no name of a label", "letters, digits and _, not a digit first")
    for both in sorted(set(metrics) & set(labels)):
        parameters.refuse("labelKeys", f"{both!r} is a metric and a label", "a column is one of them")
    return MetricstoreDestination(
        project, name, metrics, labels, read_names(parameters, "hashLabels"), added, parameters.text("timeKey") or ""
    )
