"""``logsluice external-store``: name tables of databases and CSV files, so that statements can join them and write to them."""

from __future__ import annotations

import json

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

CONFIG_HELP = "The configuration: file:///path/config.json, - for standard input, or JSON without a password's text."


@click.group()
def command() -> None:
    """Create, list, change, check and delete ExternalStores.

    A configuration is a JSON object:

    \b
      {"externalStoreName": "chiji_user", "storeType": "rds-vpc",
       "parameter": {"region": "", "vpc-id": "", "instance-id": "",
                     "host": "10.0.0.1", "port": "3306",
                     "username": "report", "password": "env:CHIJI_PASSWORD",
                     "db": "chiji", "table": "chiji_user"}}

    storeType is rds-vpc (MySQL, MariaDB), postgresql, sqlite, csv or oss. The password may be env:NAME, file:PATH, or its text in a
    configuration file: that is then kept in the home, readable by you only, and never shown.

    \b
    Examples:
      logsluice external-store create --config file:///root/config.json
      logsluice external-store check chiji_user
    """


@command.command()
@click.option("--config", required=True, metavar="CONFIG", help=CONFIG_HELP)
@click.pass_obj
def create(app: App, config: str) -> None:
    """Register a table under a name. The database is not contacted; `check` does that.

    \b
    Example:
      logsluice external-store create --config file:///root/config.json
    """
    from pipelines.external_stores import create_store, read_config

    create_store(app.home, app.project, read_config(config))


@command.command()
@click.argument("name")
@click.pass_obj
def get(app: App, name: str) -> None:
    """Show a store's configuration as JSON, without its password.

    \b
    Example:
      logsluice external-store get chiji_user
    """
    from pipelines.external_stores import store_json

    app.emit(json.dumps(store_json(app.home, app.project, name), ensure_ascii=False, indent=2))


@command.command("list")
@click.option("--pattern", default="", help="Only names that contain this text.")
@click.option("--offset", type=click.IntRange(min=0), default=0, show_default=True, help="Names to leave out at the beginning.")
@click.option("--size", type=click.IntRange(min=-1), default=-1, show_default=True, help="Names on the page, at most 500; -1 gives all.")
@format_option
@click.pass_obj
def list_(app: App, pattern: str, offset: int, size: int, format: str) -> None:
    """List the project's ExternalStores. `--format json` prints {count, total, externalstores}.

    \b
    Example:
      logsluice external-store list --pattern user --format json
    """
    from pipelines.external_stores import list_stores

    page = list_stores(app.home, app.project, pattern, offset, size)
    if format == "json":
        app.emit(json.dumps(page, ensure_ascii=False, indent=2))
    else:
        write_rows(["externalstore"], [[name] for name in page["externalstores"]], format)


@command.command()
@click.option("--config", required=True, metavar="CONFIG", help=CONFIG_HELP)
@click.pass_obj
def update(app: App, config: str) -> None:
    """Replace a store's whole configuration, its password too; the name is taken from the configuration.

    \b
    Example:
      logsluice external-store update --config file:///root/config.json
    """
    from pipelines.external_stores import read_config, update_store

    update_store(app.home, app.project, read_config(config))


@command.command()
@click.argument("name")
@click.pass_obj
def delete(app: App, name: str) -> None:
    """Forget a store and its password. The table itself stays as it is.

    \b
    Example:
      logsluice external-store delete chiji_user
    """
    from pipelines.external_stores import delete_store

    delete_store(app.home, app.project, name)


@command.command()
@click.argument("name")
@format_option
@click.pass_obj
def check(app: App, name: str, format: str) -> None:
    """Connect to a store: its server, the user's rights, character set, time zone, size, and the columns with their SQL types.

    \b
    Example:
      logsluice external-store check chiji_user
    """
    store = app.home.open_external_store(app.project, name)
    try:
        report = store.check()
    finally:
        store.close()
    size = "unknown" if report.size.bytes is None else f"about {report.size.bytes:,} bytes"
    rows = "" if report.size.rows is None else f", about {report.size.rows:,} rows"
    facts = {
        "store": report.store, "server": report.server, "character set": report.character_set, "time zone": report.time_zone,
        "size": size + rows,
    }  # fmt: skip
    if format == "json":
        columns = [{"name": c.name, "type": c.database_type, "sql_type": c.sql_type, "nullable": c.nullable} for c in report.columns]
        more = {
            "bytes": report.size.bytes, "rows": report.size.rows, "grants": list(report.grants), "columns": columns,
            "warnings": list(report.warnings),
        }  # fmt: skip
        del facts["size"]
        app.emit(json.dumps({key.replace(" ", "_"): value for key, value in facts.items()} | more, ensure_ascii=False, indent=2))
        return
    for key, value in facts.items():
        app.say(f"{key}: {value}")
    for grant in report.grants:
        app.say(f"grant: {grant}")
    write_rows(
        ["column", "database type", "SQL type", "nullable"],
        [[c.name, c.database_type, c.sql_type, "yes" if c.nullable else "no"] for c in report.columns],
        format,
    )
    for warning in report.warnings:
        app.say(f"warning: {warning}")
