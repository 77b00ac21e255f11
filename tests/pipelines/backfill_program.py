"""Apply a task's latest backfill with short leases and small turns: ``main([HOME, TASK, WINDOWS OF A TURN])``."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines import backfill_windows
from pipelines.home import DEFAULT_PROJECT, Home

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """AssertionError when the backfill does not get to its end."""
    home = Home(Path(arguments[0]))
    vars(backfill_windows).update(MOST_WINDOWS=int(arguments[2]), LEASE_SECONDS=1.0)
    number = max(entry.number for entry in home.schedule_ledger().list_backfills(DEFAULT_PROJECT, arguments[1]))
    entry = backfill_windows.apply_backfill(home, DEFAULT_PROJECT, arguments[1], number, note=_told, progress=_told)
    assert entry.state == "finished", entry
    home.close()


def _told(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
