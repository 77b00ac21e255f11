"""res_log_logstore_pull"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from transforms.core.errors import LogsluiceError
from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.resources._kinds import PulledFields, Seconds, TextOnly, not_text, text_argument
from transforms.rules.functions.resources._tables import filtered, made_once, only, with_asked
from transforms.rules.kinds import AnyValue, Names, QueryString
from transforms.rules.query import Query
from transforms.rules.table import Table, columns_of
from transforms.rules.values import as_number, kind_of
from transforms.stores.rule_resources import LogstoreRequest, RuleResources, TableData

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame

_LOGS = [
    {"guest": "ann", "room": "1", "status": "in"},
    {"guest": "bob", "room": "2", "status": "in"},
    {"guest": "ann", "room": "9", "status": "moved"},
    {"guest": "bob", "room": "2", "status": "out"},
]
_GIVEN = {"res_log_logstore_pull": [{"project": "hotel", "logstore": "guests", "rows": _LOGS}]}
_GUESTS = 'res_log_logstore_pull("", "id", "env:KEY", "hotel", "guests", ["guest", ("room", "where")]'


@expression(
    "resources",
    parameters={
        "endpoint": "Where the project is.",
        "ak_id": "The access key's name.",
        "ak_secret": "The access key; a reference such as ``env:NAME`` or ``file:PATH``, or a parameter of the job.",
        "project": "The project.",
        "logstore": "The Logstore.",
        "fields": "The fields to take, as names or pairs (field, name here).",
        "from_time": "From which receive time on: ``begin``, Unix seconds, or text of a date and time.",
        "to_time": "Up to which receive time: ``end`` (what is there now), Unix seconds, text, or None to go on with what comes later.",
        "fetch_include_data": "A query; only logs that it finds are taken.",
        "fetch_exclude_data": "A query; logs that it finds are left out.",
        "primary_keys": "One field (by its name here) that tells rows apart: the newest log of each key is kept; needs ``delete_data``.",
        "upsert_data": "A query, with ``primary_keys``: only logs that it finds put rows in; all without it.",
        "delete_data": "A query, with ``primary_keys``: a log that it finds takes the row of its key out.",
        "max_retry_back_off": "The most seconds between two tries to read.",
        "fetch_interval": "Seconds between two looks for new logs, 1 or more.",
        "base_retry_back_off": "Seconds before a read that failed is tried again; they double each time.",
    },
    examples=[
        Example(f'tab_to_dict({_GUESTS}), "guest", "where")', {}, {"ann": "9", "bob": "2"}, resources=_GIVEN),
        Example(
            f'tab_to_dict({_GUESTS}, primary_keys="guest", delete_data="status: out"), "guest", "where")',
            {},
            {"ann": "9"},
            title="A table that logs maintain",
            resources=_GIVEN,
        ),
        Example(
            f'tab_to_dict({_GUESTS}, fetch_exclude_data="status: (moved or out)"), "guest", "where")',
            {},
            {"ann": "1", "bob": "2"},
            resources=_GIVEN,
        ),
        Example(
            'res_log_logstore_pull(endpoint="", ak_id="", ak_secret="", project="hotel", fields=["guest"])',
            {},
            error="missing 1 required positional argument: 'logstore'",
        ),
        Example(f'tab_to_dict({_GUESTS}, primary_keys="guest"), "guest", "where")', {}, error="delete_data must be set"),
        Example(f'tab_to_dict({_GUESTS}, from_time="noon-ish"), "guest", "where")', {}, error="from_time is no time"),
    ],
    aliases={"refresh_interval_max": "max_retry_back_off", "primary_key": "primary_keys"},
)
def res_log_logstore_pull(
    context: Context,
    endpoint: TextOnly,
    ak_id: TextOnly,
    ak_secret: TextOnly,
    project: TextOnly,
    logstore: TextOnly,
    fields: PulledFields,
    from_time: AnyValue = "begin",
    to_time: AnyValue = "end",
    fetch_include_data: QueryString | None = None,
    fetch_exclude_data: QueryString | None = None,
    primary_keys: Names | None = None,
    upsert_data: QueryString | None = None,
    delete_data: QueryString | None = None,
    max_retry_back_off: Seconds = 60,
    fetch_interval: Seconds = 2,
    base_retry_back_off: Seconds = 1,
) -> Table:
    """Gives a table of the logs in a Logstore.

    It is read once for the whole job and shared by all events, oldest logs first; with ``to_time=None`` it grows between two batches of
    events. Both times count. All cells are text, an absent field is empty, and letters' case matters when rows are looked up. Queries see
    fields by their names here, and fields of the logs that are not in ``fields``; a text without a field is looked for in those of them that
    are taken or named in a query. With ``primary_keys`` logs maintain the table: each puts its row in, newer ones in the place of older ones,
    or takes it out. Times that are worked out, such as an hour before now, are worked out when the job begins.
    """
    for message, _ in _check(
        {"primary_keys": primary_keys, "delete_data": delete_data, "fields": fields, "fetch_interval": fetch_interval}
    ):
        raise ValueError(message)
    for name, value in (("endpoint", endpoint), ("ak_id", ak_id), ("ak_secret", ak_secret)):
        text_argument(name, value)
    queries = (fetch_include_data, fetch_exclude_data, upsert_data, delete_data)
    request = LogstoreRequest(
        project=text_argument("project", project),
        logstore=text_argument("logstore", logstore),
        fields=with_asked(fields, queries),
        from_time=_seconds("from_time", from_time),
        to_time=_seconds("to_time", to_time),
        follow=to_time is None,
        fetch_interval=fetch_interval,
        base_retry_back_off=base_retry_back_off,
        max_retry_back_off=max_retry_back_off,
        endpoint=endpoint,
    )
    data = context.resources.logstore_table(request)
    what = (request, fields, primary_keys, *(query and query.text for query in queries))
    return made_once(data, what, lambda rows: _made(rows, fields, primary_keys or (), *queries))


def _made(
    data: TableData,
    fields: tuple[tuple[str, str], ...],
    keys: tuple[str, ...],
    include: Query | None,
    exclude: Query | None,
    upsert: Query | None,
    delete: Query | None,
) -> Table:
    import polars as pl

    columns = columns_of(data)
    for _, name in fields:  # a Logstore without logs may not know the fields
        if name not in columns:
            columns[name] = pl.Series(name, [None], pl.String).new_from_index(0, data.table.num_rows)
    rows = filtered(columns, include, exclude)
    columns = only(columns, rows)
    if keys:
        columns = _maintained(columns, keys, upsert, delete)
    return Table({name: columns[name].fill_null("") for _, name in fields}, case_insensitive=False)


def _maintained(columns: dict[str, pl.Series], keys: tuple[str, ...], upsert: Query | None, delete: Query | None) -> dict[str, pl.Series]:
    """The newest row of each key, less the keys whose newest log deletes them."""
    gone = "\x00gone"
    deleting = filtered(columns, delete, None)
    counting = deleting | filtered(columns, upsert, None)
    marked = {name: cells.filter(counting) for name, cells in columns.items()}
    marked[gone] = deleting.filter(counting).cast(str)
    newest = Table(marked, case_insensitive=False, primary_keys=keys)
    flags = newest.column(gone)
    assert flags is not None
    return {name: cells.filter(flags == "false") for name in columns if (cells := newest.column(name)) is not None}


def _seconds(name: str, value: Any) -> int | None:
    """Unix seconds of a time as rules give it; None for an open end."""
    if value is None or value == "begin" or value == "end":
        return None
    if isinstance(value, datetime):
        return int((value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp())
    try:
        return int(as_number(value))
    except (ValueError, TypeError, OverflowError):
        pass  # not a number: text of a date and time, perhaps
    if not isinstance(value, str):
        raise ValueError(f"{name} is no time: {kind_of(value)}")
    from dateutil.parser import ParserError, parse

    try:
        return _seconds(name, parse(value))
    except (ParserError, OverflowError):
        raise ValueError(f"{name} is no time: {value[:60]!r}") from None


_TIMES: weakref.WeakKeyDictionary[RuleResources, dict[tuple[Any, ...], tuple[Any, Any]]] = weakref.WeakKeyDictionary()
"""For each job the times that calls began with."""


@res_log_logstore_pull.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    """Times that differ from event to event, such as those of a clock, are worked out once: the table is the same for the whole job."""
    from transforms.rules.columns import Fixed, values_of
    from transforms.rules.event import EventFailed
    from transforms.rules.frame import Failure

    if not frame.rows:
        return Fixed(None)
    given = {name: call.fixed(name) for name in _NAMES if name not in ("from_time", "to_time")}
    context = frame.state.context
    kept = _TIMES.setdefault(context.resources, {})
    where = (call.start, call.end, given["project"], given["logstore"], given["fields"])
    if where not in kept:
        first, last = (values_of(call.column(name), frame.rows)[0] for name in ("from_time", "to_time"))
        kept[where] = (first, last)
    first, last = kept[where]
    try:
        return Fixed(res_log_logstore_pull(context, **given, from_time=first, to_time=last))
    except (LogsluiceError, TypeError, ValueError) as error:
        failed = EventFailed.of("res_log_logstore_pull", error, call.start, call.end)
        frame.fail_all(Failure(failed.reason, failed.start, failed.end))
        return Fixed(None)


_NAMES = tuple(parameter.name for parameter in res_log_logstore_pull.parameters)


@res_log_logstore_pull.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    yield from not_text(known, ("endpoint", "ak_id", "ak_secret", "project", "logstore"))
    keys = known.get("primary_keys")
    if keys:
        if len(keys) > 1:
            yield "primary_keys takes one field", "primary_keys"
        if "delete_data" in known and known["delete_data"] is None:
            yield "with primary_keys, delete_data must be set", "primary_keys"
        if known.get("fields") and keys[0] not in [name for _, name in known["fields"]]:
            yield f"the primary key {keys[0]} is not among the fields", "primary_keys"
    if known.get("fetch_interval") is not None and known["fetch_interval"] < 1:
        yield "fetch_interval is 1 second or more", "fetch_interval"
    for name in ("from_time", "to_time"):
        if isinstance(known.get(name), str):
            try:
                _seconds(name, known[name])
            except ValueError as error:
                yield str(error), name
