"""``logsluice metricstore``: create, look at, change, export and delete the Metricstores of a project."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows
from pipelines.cli.statement_options import time_options
from pipelines.cli.store_verbs import (
    creation_options,
    delete_store,
    describe_store,
    find_store,
    retention_days,
    shards_of,
    storage_options_of,
    stores_of,
)
from transforms.core.counted import counted


@click.group()
def command() -> None:
    """Create, list, change, export and delete Metricstores.

    A Metricstore keeps samples of metrics: a name, labels, a time and a number each. It is kept as a Logstore is, so the verbs
    compact, vacuum, expire and reindex of `logsluice logstore` take it too; names are shared.

    \b
    Examples:
      logsluice metricstore create shop-metrics --ttl 90
      logsluice metricstore list
    """


@command.command()
@click.argument("name")
@creation_options
@click.pass_obj
def create(app: App, name: str, shards: int, ttl: int | None, location: str, storage_options: tuple[str, ...]) -> None:
    """Create a Metricstore.

    Its index is fixed. It takes samples alone: logs with __name__, __labels__ (k1#$#v1|k2#$#v2), __time_nano__ and __value__, and
    tags beside them; anything else is refused before it is written.

    \b
    Example:
      logsluice metricstore create shop-metrics --shards 2 --ttl 90
    """
    from transforms.stores.logstore import metricstore_descriptor
    from transforms.stores.shard import even_shards

    options = storage_options_of(storage_options)
    app.home.create_logstore(metricstore_descriptor(app.project, name, location, even_shards(shards), ttl, options))
    app.say(f"Metricstore {name} created")


@command.command()
@click.argument("name")
@click.pass_obj
def get(app: App, name: str) -> None:
    """Show one Metricstore as JSON: shards, retention, size.

    \b
    Example:
      logsluice metricstore get shop-metrics
    """
    describe_store(app, name, "metrics")


@command.command("list")
@click.option("--pattern", default="", help="Only names that contain this text.")
@format_option
@click.pass_obj
def list_(app: App, pattern: str, format: str) -> None:
    """List the Metricstores of the project.

    \b
    Example:
      logsluice metricstore list --pattern shop --format json
    """
    stores = stores_of(app, pattern, "metrics")
    write_rows(["metricstore", "shards", "ttl", "location"], [[s.name, shards_of(s), s.retention_days, s.location] for s in stores], format)


@command.command()
@click.argument("name")
@click.option("--ttl", metavar="DAYS|forever", required=True, help="Days to keep samples.")
@click.pass_obj
def update(app: App, name: str, ttl: str) -> None:
    """Change how long a Metricstore keeps its samples.

    \b
    Example:
      logsluice metricstore update shop-metrics --ttl 365
    """
    old = find_store(app, name, "metrics")
    app.home.catalogue().update_logstore(app.project, name, retention_days=retention_days(ttl), index=old.index)
    app.say(f"Metricstore {name} updated")


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(app: App, name: str, yes: bool) -> None:
    """Delete a Metricstore with all its samples.

    \b
    Example:
      logsluice metricstore delete shop-metrics --yes
    """
    delete_store(app, name, "metrics", yes=yes)


@command.command()
@click.argument("name")
@time_options
@click.option("--latest", is_flag=True, help="Only the newest sample of each name with the same labels.")
@click.option(
    "--output", "-o", default="-", metavar="FILE|-", help="Where to; an existing file is replaced when all is written.  [default: stdout]"
)
@click.pass_obj
def export(app: App, name: str, from_time: str | None, to_time: str | None, time_zone: str, latest: bool, output: str) -> None:
    """Write samples in Prometheus' text format, sorted by name, labels and time.

    \b
    Examples:
      logsluice metricstore export shop-metrics --from -1h
      logsluice metricstore export shop-metrics --latest --output shop.prom
    """
    from pipelines.export_logs import opened_output
    from pipelines.export_samples import export_samples
    from pipelines.query import interval_of
    from transforms.core.clock import SystemClock

    find_store(app, name, "metrics")
    times = interval_of(from_time, to_time, SystemClock().now_us(), time_zone)
    store = app.home.open_logstore(app.project, name)
    with app.progress("exporting samples") as progress:
        if output == "-":
            written = export_samples(store, sys.stdout.buffer, times=times, latest=latest, watch=progress.advance)
            sys.stdout.buffer.flush()
        else:
            with opened_output(Path(output)) as file:
                written = export_samples(store, file, times=times, latest=latest, watch=progress.advance)
    app.say(f"exported {counted(written, 'sample')}" + (f" to {output}" if output != "-" else ""))
