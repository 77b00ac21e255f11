"""What an instance over 100,000 logs costs a warm scheduler: from its moment to SUCCEEDED in the ledger, and processor seconds.

    python -m tests.benchmarks.warm_instance [--logs 100000] [--instances 6]

Tasks are made one after another; each has one instance, a second later, whose window holds all the logs. The first one starts the
worker, which imports Beam, and is left out. On a machine that is busy otherwise only the processor seconds say something.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from transforms.core.log_group import LogGroup
from transforms.schedule.ledger import InstanceEntry
from transforms.schedule.task_config import read_task
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

SECOND = 1_000_000
SCRIPT = "* | select status, method, count(1) as requests, sum(size) as bytes, avg(latency) as latency group by status, method"


def make(home: Home, logs: int) -> None:
    now = int(time.time())
    index = Index(
        fields={"status": FieldIndex("long"), "size": FieldIndex("long"), "latency": FieldIndex("double"), "method": FieldIndex("text")}
    )
    source = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(1), index))
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "out", "", even_shards(1)))
    rows = [
        {"status": str((200, 200, 404, 503)[n % 4]), "method": ("GET", "POST")[n % 2], "size": str(n % 1_000), "latency": f"0.{n % 997}"}
        for n in range(10_000)
    ]
    for begin in range(0, logs, 10_000):
        part = rows[: min(10_000, logs - begin)]
        source.append([LogGroup.from_logs(part, [now - 600 + n % 500 for n in range(len(part))])])


def run_one(home: Home, name: str) -> InstanceEntry:
    """A task with one instance, due in a second or two; its end."""
    due, ledger = int(time.time()) + 3, home.schedule_ledger()
    configuration = {
        "script": SCRIPT, "sourceLogstore": "web", "destLogstore": "out", "fromTimeExpr": "-2h", "toTimeExpr": "", "fromTime": due,
        "toTime": due + 1,
    }  # fmt: skip
    document = {"name": name, "schedule": {"type": "FixedRate", "interval": "1m"}, "configuration": configuration}
    ledger.create_task(read_task(document, DEFAULT_PROJECT))
    while True:
        time.sleep(0.2)
        found = ledger.list_instances(DEFAULT_PROJECT, name)[0]
        if found and found[0].instance.finished:
            assert found[0].instance.failure is None, found[0].instance.failure
            return found[0]


def processor_seconds(pid: int) -> float:
    """Of a process and those it started."""
    found = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    ticks = 0
    for one in found:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=6)
    asked = parser.parse_args()
    late, used = [], []
    with tempfile.TemporaryDirectory(prefix="logsluice-warm-") as folder:
        home = Home.create(Path(folder))
        make(home, asked.logs)
        command = [sys.executable, "-m", "pipelines", "--home", folder, "scheduler", "run", "--workers", "1"]
        service = subprocess.Popen(command)
        try:
            run_one(home, "cold")
            for number in range(asked.instances):
                before = processor_seconds(service.pid)
                entry = run_one(home, f"warm-{number}")
                assert entry.outcome is not None and entry.outcome.rows_read == asked.logs
                late.append(((entry.instance.end_us or 0) - entry.instance.schedule_time * SECOND) / SECOND)
                used.append(processor_seconds(service.pid) - before)
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(60)
            home.close()
    sys.stdout.write(
        f"{asked.logs:,} logs, {len(late)} instances of a warm scheduler: due to SUCCEEDED {statistics.median(late):.2f} s"
        f" (least {min(late):.2f}), processor {statistics.median(used):.2f} s (least {min(used):.2f})\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
