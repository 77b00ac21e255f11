"""The commit rule: every try looks at the newest table there is, and commits through that very object.

The table library neither refuses a version of an application that was committed before, nor notices that a file to remove is
gone when it retries by itself. So each try here compares both on the snapshot it commits on, and its own retries are off:
when anybody else committed in between, the try fails as a whole and starts again from the look.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError

from transforms.connectors.delta.commit_log import RECEIVED, TableLog, ends_after, told_state
from transforms.connectors.delta.kept_table import KeptTable
from transforms.connectors.delta.log_files import entry_path, read_entry
from transforms.connectors.delta.shard_layout import LAYOUT, layout_of, layout_text, shards_with_logs
from transforms.connectors.delta.storage import Storage
from transforms.connectors.delta.table import PARTITIONS, unavailable
from transforms.core.clock import Clock
from transforms.core.durable import durable
from transforms.core.errors import CommitConflict, ParameterInvalid
from transforms.core.field_columns import SHARD
from transforms.stores.logstore import AppTransaction, Commit, check_apps
from transforms.stores.shard_map import KEPT_EMPTY_US, ShardMap

__all__ = ["ATTEMPTS", "HOOKS", "REPLACED", "Change", "Committer", "Plan", "StepsPlan", "last_receive_time"]

ATTEMPTS = 100
"""How often a commit starts again before it gives up."""
_ENTRIES = 64
"""A commit looks at the newest entry; further back only behind commits that are not ours."""
TOKEN = "logsluice"
REPLACED = "logsluice.replaced"
"""What a commit's own entry tells beside its actions: who made it, and the replaced origins as a JSON list."""

HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
# Checkpoints are a side job of ours: one that fails must not look like a failed commit.


@dataclass(frozen=True)
class Change:
    """What one try wants to commit.

    ``brings_logs``: logs become visible that were not, so the receive time rises; so it does when ``replaced`` origins lost theirs.
    """

    actions: Sequence[Any]
    brings_logs: bool = False
    replaced: tuple[str, ...] = ()


Plan = Callable[[DeltaTable, int], Change]
"""``plan(table, receive time)`` looks at a fresh table and says what to commit on it; what it raises ends the commit."""
StepsPlan = Callable[[DeltaTable, int, Sequence[int]], Change]
"""The same for some of several steps, those with these numbers."""


class Committer:
    """Commits to one table. ``noticed(version)`` is called for each version it made."""

    def __init__(self, storage: Storage, name: str, table: KeptTable, clock: Clock, noticed: Callable[[int], None]) -> None:
        self.storage = storage
        self.name = name
        self._table = table
        self.clock = clock
        self._noticed = noticed
        self._log = TableLog(storage, name, most=_ENTRIES)
        self._jitter = random.Random().random

    def open(self) -> DeltaTable:
        """The table at its newest version, for the caller alone. Raises NotFound when there is none."""
        return self._table.take()

    def commit(self, plan: Plan, app: AppTransaction | None = None) -> Commit:
        """Commit what ``plan`` says. Raises CommitConflict when other writers were first each time."""
        return self.commit_steps(lambda table, receive_time, _waiting: plan(table, receive_time), [app])[0]

    def commit_steps(self, plan: StepsPlan, apps: Sequence[AppTransaction | None]) -> list[Commit]:
        """Commit what ``plan`` says of those steps whose app's version is not there yet, all in one; an answer for each. Raises like `commit`."""
        _check(apps)
        token = uuid.uuid4().hex
        for table in self._tries():
            base = table.version()
            seen = [table.transaction_version(app.app_id) if app else None for app in apps]
            waiting = [n for n, app in enumerate(apps) if app is None or (before := seen[n]) is None or app.version > before]
            last = last_receive_time(table)
            answers = [Commit(base, last, False, previous) for previous in seen]
            if not waiting:
                self._table.give_back(table)
                return answers
            receive_time = max(self.clock.now_us(), last + 1)
            change = plan(table, receive_time, waiting)
            transactions = [Transaction(app.app_id, app.version) for n in waiting if (app := apps[n]) is not None]
            done = Commit(base, last, True)
            if change.actions or transactions:
                news = change.brings_logs or bool(change.replaced)
                if news:
                    transactions.append(Transaction(RECEIVED, receive_time))
                told = self._told(table, token) | ({REPLACED: json.dumps(change.replaced)} if change.replaced else {})
                properties = CommitProperties(custom_metadata=told, app_transactions=transactions, max_commit_retries=0)
                if not self._try(table, change, properties, token):
                    continue
                self._noticed(base + 1)
                done = Commit(base + 1, receive_time if news else last, True, replaced=change.replaced)
            return [replace(done, previous_app_version=seen[n]) if n in waiting else answer for n, answer in enumerate(answers)]
        raise CommitConflict(f"the commit to Logstore {self.name!r} lost {ATTEMPTS} times against other writers", hint="try again")

    def settle(self, receive_time: int) -> None:
        """Later commits have a later receive time than this one: an empty commit raises it, unless logs have been received since.

        Raises ParameterInvalid for a time that has not come yet, CommitConflict like `commit`.
        """
        now_us = self.clock.now_us()
        if receive_time > now_us:
            raise ParameterInvalid(
                f"logs may still be received before {receive_time} in Logstore {self.name!r}: it is {now_us}", hint="wait until then"
            )
        token = uuid.uuid4().hex
        for table in self._tries():
            if last_receive_time(table) >= receive_time:
                return
            stamp = [Transaction(RECEIVED, receive_time)]
            properties = CommitProperties(custom_metadata=self._told(table, token), app_transactions=stamp, max_commit_retries=0)
            if self._try(table, Change(()), properties, token):
                self._noticed(table.version() + 1)
                return
        raise CommitConflict(f"the commit to Logstore {self.name!r} lost {ATTEMPTS} times against other writers", hint="try again")

    def add_columns(self, missing: Callable[[DeltaTable], Sequence[Any]]) -> None:
        """Add the columns that ``missing`` says a fresh table lacks. Raises CommitConflict like `commit`."""

        def change(table: DeltaTable) -> Callable[..., None] | None:
            fields = list(missing(table))
            return partial(table.alter.add_columns, fields) if fields else None

        self._alter("logstore.add-columns", change)

    def set_properties(self, wanted: Mapping[str, str]) -> None:
        """Give the table properties, unless it has them. Raises CommitConflict like `commit`."""

        def change(table: DeltaTable) -> Callable[..., None] | None:
            has = wanted.items() <= table.metadata().configuration.items()
            return None if has else partial(table.alter.set_table_properties, dict(wanted))

        self._alter("logstore.set-properties", change)

    def change_shards(self, operation: str, initial: ShardMap, change: Callable[[ShardMap], ShardMap]) -> ShardMap:
        """Give the table the shards that ``change`` makes of those it has, with the ends of the ones that it retires. Gives them.

        What ``change`` raises ends it. Raises CommitConflict like `commit`.
        """
        made = initial

        def altered(table: DeltaTable) -> Callable[..., None] | None:
            nonlocal made
            self._log.belongs_to(str(table.metadata().id))
            before = layout_of(table, initial)
            now_us = max(self.clock.now_us(), last_receive_time(table) + 1)
            made = change(before).sealed(before, ends_after(self._log, table.version()), now_us)
            made = made.without_expired(shards_with_logs(table), now_us - KEPT_EMPTY_US)
            return partial(table.alter.set_column_metadata, SHARD, {LAYOUT: layout_text(made)})

        self._alter(operation, altered)
        return made

    def _alter(self, operation: str, change: Callable[[DeltaTable], Callable[..., None] | None]) -> None:
        token = uuid.uuid4().hex
        for table in self._tries():
            act = change(table)
            if act is None:
                return
            base = table.version()
            properties = CommitProperties(custom_metadata=self._told(table, token), max_commit_retries=0)
            try:
                with durable(operation):
                    act(commit_properties=properties, post_commithook_properties=HOOKS)
                    self.storage.settle(entry_path(base + 1))
                if self._comes_too_late(base + 1, token):
                    continue
            except CommitFailedError:
                if not self._is_ours(base + 1, token):
                    continue
            except (DeltaError, OSError) as error:
                if not self._is_ours(base + 1, token):
                    if "conflict" in str(error).lower() or self.open().version() != base:
                        continue
                    raise unavailable(self.storage, self.name, error) from error
            self._noticed(base + 1)
            return
        raise CommitConflict(
            f"the table of Logstore {self.name!r} could not be changed: other writers were first {ATTEMPTS} times", hint="try again"
        )

    def _told(self, table: DeltaTable, token: str) -> dict[str, str]:
        """What an entry tells: who made it, and the ends of the shards before it."""
        self._log.belongs_to(str(table.metadata().id))
        return {TOKEN: token, **told_state(ends_after(self._log, table.version()), last_receive_time(table))}

    def _tries(self) -> Iterator[DeltaTable]:
        for attempt in range(ATTEMPTS):
            yield self.open()
            # Short, growing, and different between writers, so that they get out of step.
            self.clock.sleep(min(0.1, 0.002 * 2 ** min(attempt, 10)) * (0.5 + self._jitter()))

    def _try(self, table: DeltaTable, change: Change, properties: CommitProperties, token: str) -> bool:
        version = table.version() + 1
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
                self.storage.settle(entry_path(version))
        except CommitFailedError:
            # An object store may have taken the entry and lost its answer: the client's own second try then finds it there.
            return self._is_ours(version, token)
        except (DeltaError, OSError) as error:
            # Whether the commit got in is unknown (a store that answered too late): its log entry tells.
            if self._comes_too_late(version, token):
                return False
            if not self._is_ours(version, token):
                raise unavailable(self.storage, self.name, error) from error
            return True
        if self._comes_too_late(version, token):
            return False
        self._table.give_back(table)
        return True

    def _comes_too_late(self, version: int, token: str) -> bool:
        """Whether the entry that was made is none: a version of that number was there, and archived while this writer slept."""
        archive = self.storage.archive
        return archive is not None and archive.has(version) and not self._is_ours(version, token)

    def _is_ours(self, version: int, token: str) -> bool:
        try:
            lines = read_entry(self.storage, version).splitlines()
        except FileNotFoundError:
            return False
        return any(json.loads(line).get("commitInfo", {}).get(TOKEN) == token for line in lines if line.strip())


def _check(apps: Sequence[AppTransaction | None]) -> None:
    names = [app.app_id for app in apps if app is not None]
    for app in apps:
        if app is not None and (app.app_id == RECEIVED or not app.app_id or app.version < 0):
            raise ParameterInvalid(
                f"the app transaction {app.app_id!r}, version {app.version}, cannot be used",
                hint=f"take a name other than {RECEIVED!r} and a version from 0",
            )
    check_apps(names)


def last_receive_time(table: DeltaTable) -> int:
    """The receive time of the newest logs, microseconds; 0 when there never were any."""
    return int(table.transaction_version(RECEIVED) or 0)
