"""The commit rule: every try opens the table afresh, looks, and commits through that very object.

The table library neither refuses a version of an application that was committed before, nor notices that a file to remove is
gone when it retries by itself. So each try here compares both on the snapshot it commits on, and its own retries are off:
when anybody else committed in between, the try fails as a whole and starts again from the opening.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError

from transforms.connectors.delta.storage import Storage
from transforms.connectors.delta.table import ATTEMPTS, HOOKS, PARTITIONS, back_off, open_table, unavailable
from transforms.core.clock import Clock
from transforms.core.durable import durable
from transforms.core.errors import CommitConflict, ParameterInvalid
from transforms.stores.logstore import AppTransaction, Commit

__all__ = ["RECEIVED", "Change", "Plan", "commit", "last_receive_time"]

RECEIVED = "receive-time"
"""The table's own application: its version is the receive time of the newest commit that brought logs."""


@dataclass(frozen=True)
class Change:
    """What one try wants to commit. ``brings_logs``: logs become visible that were not, so the receive time rises."""

    actions: Sequence[Any]
    brings_logs: bool = False


Plan = Callable[[DeltaTable, int], Change]
"""``plan(table, receive time)`` looks at a fresh table and says what to commit on it; what it raises ends the commit."""


def commit(storage: Storage, name: str, plan: Plan, clock: Clock, jitter: Callable[[], float], app: AppTransaction | None = None) -> Commit:
    """Commit what ``plan`` says. Raises CommitConflict when other writers were first each time."""
    if app is not None and (app.app_id == RECEIVED or not app.app_id or app.version < 0):
        raise ParameterInvalid(f"the app transaction {app.app_id!r}, version {app.version}, cannot be used",
                               hint=f"take a name other than {RECEIVED!r} and a version from 0")  # fmt: skip
    token = uuid.uuid4().hex
    for attempt in range(ATTEMPTS):
        table = open_table(storage, name)
        base = table.version()
        previous = table.transaction_version(app.app_id) if app else None
        last = last_receive_time(table)
        if app and previous is not None and app.version <= previous:
            return Commit(base, last, False, previous)
        receive_time = max(clock.now_us(), last + 1)
        change = plan(table, receive_time)
        if not change.actions and app is None:
            return Commit(base, last, True, None)
        apps = [Transaction(app.app_id, app.version)] if app else []
        if change.brings_logs:
            apps.append(Transaction(RECEIVED, receive_time))
        done = Commit(base + 1, receive_time if change.brings_logs else last, True, previous)
        properties = CommitProperties(custom_metadata={"logsluice": token}, app_transactions=apps, max_commit_retries=0)
        try:
            with durable("logstore.commit"):
                table.create_write_transaction(
                    list(change.actions),
                    "append",
                    table.schema(),
                    PARTITIONS,
                    commit_properties=properties,
                    post_commithook_properties=HOOKS,
                )
            return done
        except CommitFailedError:
            back_off(clock, attempt, jitter)
        except (DeltaError, OSError) as error:
            # Whether the commit got in is unknown (a store that answered too late): its log entry tells.
            if not _is_ours(storage, base + 1, token):
                raise unavailable(name, error) from error
            return done
    raise CommitConflict(f"the commit to Logstore {name!r} lost {ATTEMPTS} times against other writers", hint="try again")


def last_receive_time(table: DeltaTable) -> int:
    """The receive time of the newest logs, microseconds; 0 when there never were any."""
    return int(table.transaction_version(RECEIVED) or 0)


def _is_ours(storage: Storage, version: int, token: str) -> bool:
    try:
        lines = storage.read_bytes(f"_delta_log/{version:020d}.json").splitlines()
    except FileNotFoundError:
        return False
    return any(json.loads(line).get("commitInfo", {}).get("logsluice") == token for line in lines if line.strip())
