"""``logsluice shard``: list, split and merge the shards of a Logstore."""

from __future__ import annotations

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

__all__ = ["command"]


@click.group(short_help="List, split and merge the shards of a Logstore.")
def command() -> None:
    """List, split and merge the shards of a Logstore.

    A shard owns a range of the MD5 space, and logs written by hash key go to the shard whose range has the key's MD5. A consumer group
    reads a shard by one consumer at a time: more shards let more of them work side by side. A shard that was split or merged takes no
    logs any more (readonly) and stays readable.

    \b
    Examples:
      logsluice shard list web
      logsluice shard split web 0
      logsluice shard merge web 1
    """


@command.command("list")
@click.argument("logstore")
@click.option("--all", "retired", is_flag=True, help="Those too that were split or merged.")
@format_option
@click.pass_obj
def list_(app: App, logstore: str, retired: bool, format: str) -> None:
    """List the shards of LOGSTORE: the range [begin_key, end_key), what they were made from, the cursor behind the newest log, when they
    were made.

    \b
    Examples:
      logsluice shard list web
      logsluice shard list web --all --format json
    """
    from transforms.core.moments import format_moment, parse_zone

    store, utc = app.home.open_logstore(app.project, logstore), parse_zone("UTC")
    shards, extents = store.shard_map(), store.extents()
    write_rows(
        ["shard", "status", "begin_key", "end_key", "parents", "end_cursor", "made"],
        [
            [
                record.shard.id,
                "readwrite" if record.writable else "readonly",
                record.shard.begin_key,
                record.shard.end_key,
                " ".join(map(str, record.parents)) or None,
                extents.shards[record.shard.id].end.text,
                format_moment(record.made_us // 1_000_000, utc) if record.made_us else None,
            ]
            for record in shards.records
            if record.writable or retired
        ],
        format,
    )


@command.command()
@click.argument("logstore")
@click.argument("shard", type=int)
@click.option("--key", metavar="HEX", help="Where to cut: 32 hexadecimal digits inside the shard's range.  [default: its middle]")
@click.pass_obj
def split(app: App, logstore: str, shard: int, key: str | None) -> None:
    """Cut SHARD of LOGSTORE in two.

    \b
    Examples:
      logsluice shard split web 0
      logsluice shard split web 0 --key 20000000000000000000000000000000
    """
    low, high = app.home.open_logstore(app.project, logstore).split_shard(shard, key)
    app.say(f"shard {shard} of {logstore} split into {low} and {high}")


@command.command()
@click.argument("logstore")
@click.argument("shard", type=int)
@click.pass_obj
def merge(app: App, logstore: str, shard: int) -> None:
    """Unite SHARD of LOGSTORE with its right neighbour.

    \b
    Example:
      logsluice shard merge web 1
    """
    store = app.home.open_logstore(app.project, logstore)
    made = store.merge_shards(shard)
    one, other = store.shard_map().record(made).parents
    app.say(f"shards {one} and {other} of {logstore} merged into {made}")
