"""What the verbs of Logstores and of Metricstores share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli.app import App
from transforms.core.errors import NotFound, ParameterInvalid, StoreError, UserError

if TYPE_CHECKING:
    from transforms.stores.logstore import LogstoreDescriptor, Telemetry

__all__ = [
    "WORDS",
    "creation_options",
    "delete_store",
    "describe_store",
    "find_store",
    "retention_days",
    "shards_of",
    "storage_options_of",
    "stores_of",
]

WORDS: dict[Telemetry, str] = {"logs": "Logstore", "metrics": "Metricstore"}

_CREATION = (
    click.option("--shards", type=click.IntRange(1, 256), default=2, show_default=True, help="Parts that are written and read side by side."),
    click.option("--ttl", metavar="DAYS", type=click.IntRange(1, 3650), help="Days to keep what is in it.  [default: for ever]"),
    click.option("--location", metavar="FOLDER|URL", default="",
                 help="Where it is kept: a folder, s3://BUCKET/PATH, gs://… or az://….  [default: in the home]"),
    click.option("--storage-option", "storage_options", metavar="KEY=VALUE", multiple=True,
                 help="Option of the object store; a secret as env:NAME or file:PATH. Repeatable."),
)  # fmt: skip


def creation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: the options that say where and how a new store is kept."""
    for option in reversed(_CREATION):
        command = option(command)
    return command


def find_store(app: App, name: str, telemetry: Telemetry) -> LogstoreDescriptor:
    """A store of one kind by name. Raises NotFound, also for one of the other kind."""
    descriptor = app.home.catalogue().logstore(app.project, name)
    if descriptor.telemetry != telemetry:
        other = WORDS[descriptor.telemetry]
        raise NotFound(
            f"{name!r} is a {other}, not a {WORDS[telemetry]}",
            hint=f"its verbs are those of logsluice {other.lower()}",
            code="LogStoreNotExist",
        )
    return descriptor


def stores_of(app: App, pattern: str, telemetry: Telemetry) -> list[LogstoreDescriptor]:
    """The stores of one kind whose names contain a text."""
    catalogue = app.home.catalogue()
    return [catalogue.logstore(app.project, name) for name in catalogue.list_logstores(app.project, pattern, telemetry=telemetry).names]


def shards_of(descriptor: LogstoreDescriptor) -> int | None:
    """How many shards of a store take logs; None when it does not answer."""
    from transforms.connectors import open_logstore

    try:
        return len(open_logstore(descriptor).shard_map().writable)
    except (NotFound, StoreError):
        return None  # a list of all stores is not kept back by one


def describe_store(app: App, name: str, telemetry: Telemetry) -> None:
    """Write one store to stdout as JSON: shards, retention, index, size."""
    descriptor = find_store(app, name, telemetry)
    store = app.home.open_logstore(app.project, name)
    snapshot, shards = store.snapshot(), store.shard_map().writable
    app.emit(json.dumps(
        {
            "project": descriptor.project, WORDS[telemetry].lower(): descriptor.name, "kind": descriptor.kind, "location": descriptor.location,
            "ttl": descriptor.retention_days,
            "shards": [{"id": shard.id, "begin_key": shard.begin_key, "end_key": shard.end_key} for shard in shards],
            "index": None if descriptor.index is None else descriptor.index.to_json(),
            "logs" if telemetry == "logs" else "samples": snapshot.rows_total, "bytes": snapshot.bytes_total,
            "files": snapshot.files_total, "version": snapshot.version, "fields": list(snapshot.fields),
        }, indent=2, ensure_ascii=False,
    ))  # fmt: skip


def delete_store(app: App, name: str, telemetry: Telemetry, *, yes: bool) -> None:
    """Delete a store with all that is in it, after a question unless ``yes``."""
    find_store(app, name, telemetry)
    word = WORDS[telemetry]
    if not yes:
        question = f"Delete the {word} {name} of the project {app.project} with all its {'logs' if telemetry == 'logs' else 'samples'}?"
        if not sys.stdin.isatty():
            raise UserError("deleting asks first, and there is no terminal to ask on", hint="give --yes", code="NotConfirmed")
        if not click.confirm(question, err=True):
            raise UserError("nothing was deleted", code="NotConfirmed")
    app.home.delete_logstore(app.project, name)
    app.say(f"{word} {name} deleted")


def retention_days(text: str) -> int | None:
    """What ``--ttl`` says; None is for ever. Raises ParameterInvalid."""
    if text == "forever":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise ParameterInvalid(f"--ttl {text!r} is no number of days", hint="write 1 to 3650, or forever")
    return int(text)


def storage_options_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """What ``--storage-option`` says. Raises ParameterInvalid."""
    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise ParameterInvalid("--storage-option needs KEY=VALUE", hint="for example --storage-option AWS_SECRET_ACCESS_KEY=env:MY_KEY")
        options[key] = value
    return options
