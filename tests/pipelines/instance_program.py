"""``python -m tests.pipelines.instance_program HOME TASK SCHEDULE_TIME``: run one instance as a worker does, with a short lease."""

from __future__ import annotations

import sys
import time
from pathlib import Path

if __name__ == "__main__":
    import pipelines.scheduled_sql as scheduled_sql
    from pipelines.home import DEFAULT_PROJECT, Home
    from pipelines.launch import options_of
    from transforms.core.errors import CommitConflict

    home = Home(Path(sys.argv[1]))
    while True:
        try:
            turn = home.schedule_ledger().claim_at(DEFAULT_PROJECT, sys.argv[2], int(sys.argv[3]), "program", 1)
            break
        except CommitConflict as busy:
            # The one before was killed: its lease runs out.
            assert busy.code == "TaskBusy", busy
            time.sleep(0.1)
    entry = scheduled_sql.run_recorded(home, turn, options_of([]))
    assert entry.instance.state == "SUCCEEDED", entry.instance.failure
    home.close()
