"""``logsluice log``: the ExternalStore verbs spelled the way the log service's own command line spells them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pipelines.cli.app import App
from pipelines.cli.external_store import CONFIG_HELP

_F = TypeVar("_F", bound=Callable[..., Any])


def _project(function: _F) -> _F:
    option: Callable[[_F], _F] = click.option("--project_name", required=True, metavar="PROJECT", help="The project; it must exist.")
    return option(function)


def _config(function: _F) -> _F:
    option: Callable[[_F], _F] = click.option("--config", required=True, metavar="CONFIG", help=CONFIG_HELP)
    return option(function)


def _store(function: _F) -> _F:
    option: Callable[[_F], _F] = click.option("--store_name", required=True, metavar="NAME", help="The ExternalStore.")
    return option(function)


@click.group()
def command() -> None:
    """ExternalStores, spelled as in `aliyunlog log …`: scripts written for it run as they are.

    \b
    Example:
      logsluice log create_external_store --project_name="log-rds-demo" --config="file:///root/config.json"
    """


@command.command("create_external_store")
@_project
@_config
@click.pass_obj
def create_external_store(app: App, project_name: str, config: str) -> None:
    """Register a table under a name; prints nothing.

    \b
    Example:
      logsluice log create_external_store --project_name="log-rds-demo" --config="file:///root/config.json"
    """
    from pipelines.external_stores import create_store, read_config

    create_store(app.home, project_name, read_config(config))


@command.command("get_external_store")
@_project
@_store
@click.pass_obj
def get_external_store(app: App, project_name: str, store_name: str) -> None:
    """Show a store's configuration as JSON, without its password.

    \b
    Example:
      logsluice log get_external_store --project_name=log-rds-demo --store_name=chiji_user
    """
    from pipelines.external_stores import store_json

    app.emit(json.dumps(store_json(app.home, project_name, store_name), ensure_ascii=False, indent=2))


@command.command("list_external_store")
@_project
@click.option("--external_store_name_pattern", default="", help="Only names that contain this text.")
@click.option("--offset", type=click.IntRange(min=0), default=0, show_default=True, help="Names to leave out at the beginning.")
@click.option(
    "--size", "--sizes", type=click.IntRange(min=-1), default=100, show_default=True, help="Names on the page, at most 500; -1 gives all."
)
@click.pass_obj
def list_external_store(app: App, project_name: str, external_store_name_pattern: str, offset: int, size: int) -> None:
    """List a project's stores as {count, total, externalstores}.

    \b
    Example:
      logsluice log list_external_store --project_name=log-rds-demo --external_store_name_pattern=user
    """
    from pipelines.external_stores import list_stores

    app.emit(json.dumps(list_stores(app.home, project_name, external_store_name_pattern, offset, size), ensure_ascii=False, indent=2))


@command.command("update_external_store")
@_project
@_config
@click.pass_obj
def update_external_store(app: App, project_name: str, config: str) -> None:
    """Replace a store's whole configuration; prints nothing.

    \b
    Example:
      logsluice log update_external_store --project_name=log-rds-demo --config="file:///root/config.json"
    """
    from pipelines.external_stores import read_config, update_store

    update_store(app.home, project_name, read_config(config))


@command.command("delete_external_store")
@_project
@_store
@click.pass_obj
def delete_external_store(app: App, project_name: str, store_name: str) -> None:
    """Forget a store and its password; prints nothing.

    \b
    Example:
      logsluice log delete_external_store --project_name=log-rds-demo --store_name=chiji_user
    """
    from pipelines.external_stores import delete_store

    delete_store(app.home, project_name, store_name)
