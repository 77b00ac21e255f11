"""``logsluice logstore``: create, look at, change and keep in order the Logstores of a project."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App
from pipelines.cli.index_file import read_index
from pipelines.cli.output import format_option, write_rows
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
from transforms.core.errors import ParameterInvalid

if TYPE_CHECKING:
    from transforms.stores.logstore import MaintenanceReport


@click.group()
def command() -> None:
    """Create, list, change, tidy and delete Logstores.

    compact, vacuum, expire and reindex take a Metricstore too.

    \b
    Examples:
      logsluice logstore create nginx --shards 2 --ttl 30 --index index.json
      logsluice logstore list
    """


@command.command()
@click.argument("name")
@creation_options
@click.option("--index", "index_file", metavar="FILE", help="JSON file that says which fields are indexed, and as what.")
@click.pass_obj
def create(
    app: App, name: str, shards: int, ttl: int | None, index_file: str | None, location: str, storage_options: tuple[str, ...]
) -> None:
    """Create a Logstore.

    In an object store, options that are not given come from the environment (AWS_REGION, AWS_ACCESS_KEY_ID, …), here and on the
    workers. Writers on S3 need a service with conditional puts.

    \b
    Examples:
      logsluice logstore create nginx --shards 2 --ttl 30 --index index.json
      logsluice logstore create nginx --location s3://logs/nginx --storage-option aws_region=eu-central-1 \\
        --storage-option aws_access_key_id=env:S3_KEY --storage-option aws_secret_access_key=env:S3_SECRET
    """
    from transforms.stores.logstore import LogstoreDescriptor
    from transforms.stores.shard import even_shards

    index = None if index_file is None else read_index(index_file)
    app.home.create_logstore(
        LogstoreDescriptor(app.project, name, location, even_shards(shards), index, ttl, storage_options_of(storage_options))
    )
    app.say(f"Logstore {name} created")


@command.command()
@click.argument("name")
@click.pass_obj
def get(app: App, name: str) -> None:
    """Show one Logstore as JSON: shards, retention, index, size.

    \b
    Example:
      logsluice logstore get nginx
    """
    describe_store(app, name, "logs")


@command.command("list")
@click.option("--pattern", default="", help="Only names that contain this text.")
@format_option
@click.pass_obj
def list_(app: App, pattern: str, format: str) -> None:
    """List the Logstores of the project; `metricstore list` lists those of metrics.

    \b
    Example:
      logsluice logstore list --pattern web --format json
    """
    stores = stores_of(app, pattern, "logs")
    write_rows(
        ["logstore", "shards", "ttl", "indexed fields", "location"],
        [[s.name, shards_of(s), s.retention_days, None if s.index is None else len(s.index.fields), s.location] for s in stores],
        format,
    )


@command.command()
@click.argument("name")
@click.option("--ttl", metavar="DAYS|forever", help="Days to keep logs.")
@click.option("--index", "index_file", metavar="FILE|none", help="The new index; 'none' takes the index away.")
@click.option("--shards", hidden=True, help="Refused: shards are fixed when a Logstore is created.")
@click.pass_obj
def update(app: App, name: str, ttl: str | None, index_file: str | None, shards: str | None) -> None:
    """Change a Logstore's retention or index; what is not named stays.

    A new index holds for all logs at once; `logstore reindex` makes queries on older ones as fast as on new ones.

    \b
    Example:
      logsluice logstore update nginx --ttl 90 --index index.json
    """
    if shards is not None:
        raise ParameterInvalid(
            "the number of shards cannot be changed", hint="logsluice shard split and logsluice shard merge change shards one by one"
        )
    if ttl is None and index_file is None:
        raise ParameterInvalid("nothing to change", hint="give --ttl, --index or both")
    catalogue, old = app.home.catalogue(), find_store(app, name, "logs")
    index = old.index if index_file is None else None if index_file == "none" else read_index(index_file)
    catalogue.update_logstore(app.project, name, retention_days=old.retention_days if ttl is None else retention_days(ttl), index=index)
    app.say(f"Logstore {name} updated")


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(app: App, name: str, yes: bool) -> None:
    """Delete a Logstore with all its logs.

    \b
    Example:
      logsluice logstore delete nginx --yes
    """
    delete_store(app, name, "logs", yes=yes)


@command.command()
@click.argument("name")
@click.option("--min-files", type=click.IntRange(2), default=8, show_default=True, help="Leave a shard alone that has fewer small files.")
@click.pass_obj
def compact(app: App, name: str, min_files: int) -> None:
    """Rewrite small files together. Logs, their order and receive times stay.

    \b
    Example:
      logsluice logstore compact nginx
    """
    store = app.home.open_logstore(app.project, name)
    with app.progress(f"compacting {name}"):
        report = store.compact(min_files=min_files)
    app.say(_words(name, "compacted", report))


@command.command()
@click.argument("name")
@click.option(
    "--older-than-hours", type=click.FloatRange(0), default=168.0, show_default=True, help="Keep what readers of this age may still see."
)
@click.pass_obj
def vacuum(app: App, name: str, older_than_hours: float) -> None:
    """Delete files that no reader can see any more, those of killed writers too.

    \b
    Example:
      logsluice logstore vacuum nginx --older-than-hours 24
    """
    store = app.home.open_logstore(app.project, name)
    with app.progress(f"vacuuming {name}"):
        report = store.vacuum(older_than_hours=older_than_hours)
    app.say(_words(name, "vacuumed", report))


@command.command()
@click.argument("name")
@click.pass_obj
def expire(app: App, name: str) -> None:
    """Drop files with only logs older than the Logstore's retention.

    \b
    Example:
      logsluice logstore expire nginx
    """
    descriptor = app.home.catalogue().logstore(app.project, name)
    if descriptor.retention_days is None:
        app.say(f"Logstore {name} keeps logs for ever: nothing to do")
        return
    store = app.home.open_logstore(app.project, name)
    before = int(time.time()) - descriptor.retention_days * 86_400
    with app.progress(f"expiring {name}"):
        report = store.expire(before)
    app.say(_words(name, f"rid of files older than {descriptor.retention_days} days", report))


@command.command()
@click.argument("name")
@click.pass_obj
def reindex(app: App, name: str) -> None:
    """Rewrite older files so that they carry the typed columns of the present index.

    \b
    Example:
      logsluice logstore reindex nginx
    """
    store = app.home.open_logstore(app.project, name)
    with app.progress(f"reindexing {name}"):
        report = store.reindex(store.descriptor.index)
    app.say(_words(name, "reindexed", report))


def _words(name: str, done: str, report: MaintenanceReport) -> str:
    return (
        f"Logstore {name} {done}: {report.files_removed:,} files ({report.bytes_removed:,} bytes) out, "
        f"{report.files_added:,} files ({report.bytes_added:,} bytes) in, {report.rows:,} logs"
    )
