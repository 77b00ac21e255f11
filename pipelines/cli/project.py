"""``logsluice project``: name spaces for Logstores and ExternalStores."""

from __future__ import annotations

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows


@click.group()
def command() -> None:
    """Create, list and delete projects: name spaces for stores.

    \b
    Examples:
      logsluice project create shop
      logsluice --project shop logstore list
    """


@command.command()
@click.argument("name")
@click.option("--description", default="", help="What the project is for.")
@click.pass_obj
def create(app: App, name: str, description: str) -> None:
    """Create a project.

    \b
    Example:
      logsluice project create shop --description "the web shop"
    """
    app.home.catalogue().create_project(name, description)
    app.say(f"project {name} created")


@command.command("list")
@format_option
@click.pass_obj
def list_(app: App, format: str) -> None:
    """List projects.

    \b
    Example:
      logsluice project list --format json
    """
    write_rows(["project"], [[name] for name in app.home.catalogue().list_projects()], format)


@command.command()
@click.argument("name")
@click.pass_obj
def delete(app: App, name: str) -> None:
    """Delete a project that has no stores any more.

    \b
    Example:
      logsluice project delete shop
    """
    app.home.catalogue().delete_project(name)
    app.say(f"project {name} deleted")
