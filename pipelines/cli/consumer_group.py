"""``logsluice consumer-group``: who reads the shards of a Logstore together, and how far each was read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipelines.cli.app import App
from pipelines.cli.output import format_option, write_rows

if TYPE_CHECKING:
    from transforms.stores.consumer_group import GroupState

__all__ = ["command"]

_ORDER = "--order: a shard that a split or merge made waits until those it came from are read to their end."


@click.group(short_help="Share the reading of a Logstore, and see how far it is.")
def command() -> None:
    """Create, look at, change, reset and delete the consumer groups of a Logstore.

    The consumers of a group share the shards of a Logstore, one consumer a shard; the group keeps up to where each shard was read, its
    checkpoint. When a consumer comes, goes or dies, its shards move. Groups do not know of each other: each reads all logs.

    \b
    Examples:
      logsluice consumer-group create web billing --timeout 30
      logsluice consumer-group get web billing
      logsluice consumer-group lag web billing
    """


@command.command()
@click.argument("logstore")
@click.argument("group")
@click.option(
    "--timeout", type=int, default=60, show_default=True, metavar="SECONDS", help="Silent for longer, a consumer loses its shards."
)
@click.option("--order/--no-order", default=False, show_default=True, help=_ORDER)
@click.pass_obj
def create(app: App, logstore: str, group: str, timeout: int, order: bool) -> None:
    """Create a consumer GROUP of LOGSTORE. A Logstore has at most 30.

    \b
    Examples:
      logsluice consumer-group create web billing
      logsluice consumer-group create web audit --timeout 120 --order
    """
    from transforms.stores.consumer_group import ConsumerGroup

    app.home.consumer_groups(app.project, logstore).create(ConsumerGroup(group, timeout, order))
    app.say(f"consumer group {group} of {logstore} created")


@command.command("list")
@click.argument("logstore")
@format_option
@click.pass_obj
def list_(app: App, logstore: str, format: str) -> None:
    """List the consumer groups of LOGSTORE.

    \b
    Example:
      logsluice consumer-group list web --format json
    """
    groups = app.home.consumer_groups(app.project, logstore).list()
    write_rows(["group", "timeout_s", "order"], [[one.name, one.timeout_s, one.order] for one in groups], format)


@command.command()
@click.argument("logstore")
@click.argument("group")
@click.option("--format", "format", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="table: the shards, for people; json: one object with settings, consumers and shards.")  # fmt: skip
@click.pass_obj
def get(app: App, logstore: str, group: str, format: str) -> None:
    """Show GROUP of LOGSTORE: its settings, its live consumers, and of each shard the state, the owner and the checkpoint.

    \b
    States of a shard:
      wait           one it was made from is not read to its end yet (--order)
      not_alloc      nobody reads it
      already_alloc  its consumer does
      transfer       its consumer does, and is asked to let it go to the heir
      over           it takes no logs any more and is read to its end

    \b
    Examples:
      logsluice consumer-group get web billing
      logsluice consumer-group get web billing --format json
    """
    state = app.home.consumer_groups(app.project, logstore).state(group)
    columns = ["shard", "state", "consumer", "heir", "epoch", "checkpoint", "saved", "saved_by"]
    shards = _shards(state)
    if format == "table":
        names = ", ".join(sorted(state.consumers)) or "none"
        app.say(f"{group}: time-out {state.group.timeout_s} s, {'in order' if state.group.order else 'no order'}, consumers: {names}")
        write_rows(columns, shards, format)
        return
    app.emit(json.dumps(
        {
            "group": group, "timeout_s": state.group.timeout_s, "order": state.group.order,
            "consumers": [{"consumer": one.name, "last_beat_us": one.last_beat_us} for _, one in sorted(state.consumers.items())],
            "shards": [dict(zip(columns, shard, strict=True)) for shard in shards],
        }, indent=2, ensure_ascii=False,
    ))  # fmt: skip


@command.command()
@click.argument("logstore")
@click.argument("group")
@click.option("--timeout", type=int, metavar="SECONDS", help="Silent for longer, a consumer loses its shards.")
@click.option("--order/--no-order", default=None, help=f"{_ORDER}  Shards that are readable already stay so.")
@click.pass_obj
def update(app: App, logstore: str, group: str, timeout: int | None, order: bool | None) -> None:
    """Change the settings of GROUP of LOGSTORE; its consumers go on.

    \b
    Examples:
      logsluice consumer-group update web billing --timeout 120
      logsluice consumer-group update web billing --no-order
    """
    _refuse_of_job(app, logstore, group)
    now = app.home.consumer_groups(app.project, logstore).update(group, timeout_s=timeout, order=order)
    app.say(f"consumer group {group} of {logstore} changed: time-out {now.timeout_s} s, {'in order' if now.order else 'no order'}")


@command.command()
@click.argument("logstore")
@click.argument("group")
@click.pass_obj
def delete(app: App, logstore: str, group: str) -> None:
    """Delete GROUP of LOGSTORE with its checkpoints: one of the same name starts afresh. The logs stay.

    \b
    Example:
      logsluice consumer-group delete web billing
    """
    _refuse_of_job(app, logstore, group)
    app.home.consumer_groups(app.project, logstore).delete(group)
    app.say(f"consumer group {group} of {logstore} deleted, with its checkpoints")


@command.command()
@click.argument("logstore")
@click.argument("group")
@click.option("--begin", is_flag=True, help="Before the first log there is.")
@click.option("--end", is_flag=True, help="Behind the newest log: what there is now is skipped.")
@click.option("--at", metavar="TIME", help="Before the first log received then or later.")
@click.option("--cursor", "text", metavar="CURSOR", help="At this place of one shard; needs --shard.")
@click.option("--shard", type=int, help="Only this one; the others keep their checkpoints.  [default: all]")
@click.option(
    "--time-zone",
    default="+08:00",
    envvar="LOGSLUICE_TIME_ZONE",
    show_default=True,
    help="Of TIME without an offset.  [env: LOGSLUICE_TIME_ZONE]",
)
@click.pass_obj
def reset(
    app: App, logstore: str, group: str, begin: bool, end: bool, at: str | None, text: str | None, shard: int | None, time_zone: str
) -> None:  # fmt: skip
    """Set the checkpoints of GROUP of LOGSTORE, backwards or forwards. Refused while it is being consumed.

    \b
    Examples:
      logsluice consumer-group reset web billing --begin
      logsluice consumer-group reset web billing --at '2026-11-22 08:00'
      logsluice consumer-group reset web billing --shard 0 --cursor MTIuMC41
    """
    from transforms.core.clock import SystemClock
    from transforms.core.errors import ParameterInvalid
    from transforms.core.moments import parse_moment, parse_zone
    from transforms.stores.cursor import BEGIN, Cursor

    if sum([begin, end, at is not None, text is not None]) != 1:
        raise ParameterInvalid("a place is told in one way", hint="give one of --begin, --end, --at TIME, --cursor CURSOR")
    if text is not None and shard is None:
        raise ParameterInvalid("a cursor is a place in one shard", hint="say which with --shard")
    zone = parse_zone(time_zone)
    groups, store = app.home.consumer_groups(app.project, logstore), app.home.open_logstore(app.project, logstore)
    extents = store.extents().shards
    if shard is not None:
        store.end_cursor(shard)  # refuses a shard that is not there
    chosen = list(extents) if shard is None else [shard]
    if at is not None:
        received = parse_moment(at, SystemClock().now_us(), zone) * 1_000_000
        cursors = {one: store.cursor_of(one, received) for one in chosen}
    elif text is not None:
        cursors = {one: Cursor.of_text(text) for one in chosen}
        for one, cursor in cursors.items():
            store.time_of(one, cursor)  # refuses what is no place of the shard
    else:
        cursors = {one: BEGIN if begin else extents[one].end for one in chosen}
    _refuse_of_job(app, logstore, group)
    groups.reset(group, cursors, keep_others=shard is not None)
    what = f"shard {shard}" if shard is not None else f"{len(cursors)} shard{'' if len(cursors) == 1 else 's'}"
    app.say(f"consumer group {group} of {logstore} reset: {what}")


@command.command()
@click.argument("logstore")
@click.argument("group")
@format_option
@click.pass_obj
def lag(app: App, logstore: str, group: str, format: str) -> None:
    """Show by how much of receive time GROUP is behind the newest log of each shard of LOGSTORE; 0 when there is nothing to read.

    A shard without a checkpoint counts from its first log; `expired` is one whose checkpoint lies before all that the Logstore still
    knows of, so that a reader cannot go on from there. The group's lag is the largest.

    \b
    Examples:
      logsluice consumer-group lag web billing
      logsluice consumer-group lag web billing --format json
    """
    from pipelines.consumer_lag import lags_of, span_text

    groups, store = app.home.consumer_groups(app.project, logstore), app.home.open_logstore(app.project, logstore)
    state = groups.state(group)
    lags = lags_of(store, state)
    rows = [
        [shard, state.seats[shard].state, state.seats[shard].owner or None, "expired" if behind is None else span_text(behind), behind]
        for shard, behind in lags.items()
    ]
    if format == "table":
        known = [behind for behind in lags.values() if behind is not None]
        app.say(f"{group}: {span_text(max(known, default=0))} behind")
    write_rows(["shard", "state", "consumer", "lag", "lag_us"], rows, format)


def _refuse_of_job(app: App, logstore: str, group: str) -> None:
    from transforms.core.errors import UserError

    jobs = app.home.job_ledger().readers(app.project, logstore)
    owner = next((job for job in jobs if job.group == group), None)
    if owner is not None:
        raise UserError(
            f"the consumer group {group!r} is that of the job {owner.name!r}",
            hint=f"`logsluice job rerun {owner.name}` begins anew, `logsluice job delete {owner.name}` takes it away",
            code="ConsumerGroupOfJob",
        )


def _shards(state: GroupState) -> list[list[object]]:
    from transforms.core.moments import format_moment, parse_zone

    utc = parse_zone("UTC")
    return [
        [
            seat.shard,
            seat.state,
            seat.owner or None,
            seat.heir or None,
            seat.epoch,
            None if seat.checkpoint is None else seat.checkpoint.text,
            format_moment(seat.saved_us // 1_000_000, utc) if seat.saved_us else None,
            seat.saved_by or None,
        ]
        for _, seat in sorted(state.seats.items())
    ]
