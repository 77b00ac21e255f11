"""Making old logs invisible, and deleting files that nobody can see any more."""

from __future__ import annotations

import math

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from transforms.connectors.delta.actions import remove_action
from transforms.connectors.delta.commit import ATTEMPTS, HOOKS, Change, Committer
from transforms.connectors.delta.snapshot import active_files
from transforms.connectors.delta.table import unavailable
from transforms.core.durable import durable
from transforms.core.errors import CommitConflict, ParameterInvalid
from transforms.stores.logstore import DataFile, MaintenanceReport

__all__ = ["expire", "vacuum"]


def expire(committer: Committer, before: int) -> MaintenanceReport:
    """Remove files with only logs of ``__time__`` below ``before`` (seconds) from the table, in one commit."""
    storage = committer.storage
    old: list[DataFile] = []

    def plan(table: DeltaTable, receive_time: int) -> Change:
        del receive_time  # nothing is added
        old[:] = [file for file in active_files(storage, table) if file.time_max < before]
        now_ms = committer.clock.now_us() // 1_000
        return Change([remove_action(file, storage.relative(file.path), now_ms, data_change=True) for file in old])

    committer.commit(plan)
    return MaintenanceReport(len(old), 0, sum(file.rows for file in old), sum(file.size for file in old), 0)


def vacuum(committer: Committer, older_than_hours: float) -> MaintenanceReport:
    """Delete files that left the table, or were written and never committed, more than so many hours ago (rounded up).

    With an age below the time that writers take from writing a file to committing it, their commits are refused.
    """
    if not 0 <= older_than_hours < math.inf:
        raise ParameterInvalid(f"vacuum cannot keep files for {older_than_hours} hours", hint="give 0 or more; 168 is a week")
    hours = math.ceil(older_than_hours)
    storage = committer.storage
    for _ in range(ATTEMPTS):
        table = committer.open()
        try:
            # Only a full vacuum looks at the folder, where the files of killed writers are.
            found = table.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False, full=True)
            if not found:
                return MaintenanceReport()
            sizes = {path: storage.size(path) or 0 for path in found}
            with durable("logstore.vacuum"):
                gone = table.vacuum(
                    retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True, post_commithook_properties=HOOKS
                )
        except CommitFailedError:
            committer.clock.sleep(0.01)
            continue
        except (DeltaError, OSError) as error:
            raise unavailable(storage, committer.name, error) from error
        return MaintenanceReport(files_removed=len(gone), bytes_removed=sum(sizes.get(path, 0) for path in gone))
    raise CommitConflict(f"vacuuming Logstore {committer.name!r} lost {ATTEMPTS} times against other writers", hint="try again")
