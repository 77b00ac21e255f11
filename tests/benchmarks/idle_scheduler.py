"""What a scheduler with many idle tasks costs: processor seconds of `logsluice scheduler run` per second, after it has started.

    python -m tests.benchmarks.idle_scheduler [--tasks 1000] [--sources 10] [--seconds 30]

The tasks are due once an hour, far from now; they read some Logstores, which the look for late logs opens. No worker is started.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from transforms.core.log_group import LogGroup
from transforms.schedule.task_config import read_task
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

HOUR = 3_600


def make(home: Home, tasks: int, sources: int) -> None:
    now = int(time.time())
    for number in range(sources):
        store = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, f"source-{number}", "", even_shards(1)))
        store.append([LogGroup.from_logs([{"a": "1"}], [now])])
    for number in range(tasks):
        configuration = {
            "script": "* | select count(*) as pv", "sourceLogstore": f"source-{number % sources}", "destLogstore": "out",
            "fromTimeExpr": "@h-1h", "toTimeExpr": "@h", "fromTime": now + HOUR, "toTime": 0,
        }  # fmt: skip
        document = {"name": f"task-{number:05}", "schedule": {"type": "FixedRate", "interval": "1h"}, "configuration": configuration}
        home.schedule_ledger().create_task(read_task(document, DEFAULT_PROJECT))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--sources", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--late-every", type=float, default=10, help="the service's default is 60")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logsluice-idle-") as folder:
        home = Home.create(Path(folder))
        make(home, asked.tasks, asked.sources)
        home.close()
        command = [sys.executable, "-m", "pipelines", "--home", folder, "scheduler", "run", "--late-every", str(asked.late_every)]
        service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            # The first looks, at each task and for late logs, import libraries and parse all configurations.
            time.sleep(1.5 * asked.late_every)
            before = 0.0
            while processor_seconds(service.pid) - before > 0.4:
                before = processor_seconds(service.pid)
                time.sleep(4)
            began, start = time.monotonic(), processor_seconds(service.pid)
            time.sleep(asked.seconds)
            used, passed = processor_seconds(service.pid) - start, time.monotonic() - began
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(30)
    sys.stdout.write(
        f"{asked.tasks:,} idle tasks: {before:.1f} processor seconds to start and look for late logs once, "
        f"then {100 * used / passed:.2f} % of a core over {passed:.0f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
