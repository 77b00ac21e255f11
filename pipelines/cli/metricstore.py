"""``logsluice metricstore``: create, look at, change and delete the Metricstores of a project."""

from __future__ import annotations

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows
from pipelines.cli.store_verbs import (
    creation_options,
    delete_store,
    describe_store,
    find_store,
    retention_days,
    storage_options_of,
    stores_of,
)


@click.group()
def command() -> None:
    """Create, list, change and delete Metricstores.

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
    write_rows(
        ["metricstore", "shards", "ttl", "location"], [[s.name, len(s.shards), s.retention_days, s.location] for s in stores], format
    )


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
