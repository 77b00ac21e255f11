"""How long a warm scheduler takes for an instance over 100,000 logs: from its moment to SUCCEEDED in the ledger.

    python -m tests.benchmarks.warm_instance [--logs 100000] [--instances 8]

A task is due every few seconds; each window holds all the logs. The first instance starts the worker, which imports Beam, and is left out.
"""

from __future__ import annotations

import argparse
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
EVERY = 4


def make(home: Home, logs: int) -> None:
    now = int(time.time())
    index = Index(fields={name: FieldIndex(kind) for name, kind in (("status", "long"), ("size", "long"), ("latency", "double"))})
    index = Index(fields={**index.fields, "method": FieldIndex("text")})
    source = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(1), index))
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "out", "", even_shards(1)))
    rows = [
        {"status": str((200, 200, 404, 503)[n % 4]), "method": ("GET", "POST")[n % 2], "size": str(n % 1_000), "latency": f"0.{n % 997}"}
        for n in range(10_000)
    ]
    for begin in range(0, logs, 10_000):
        part = rows[: min(10_000, logs - begin)]
        source.append([LogGroup.from_logs(part, [now - 600 + n % 500 for n in range(len(part))])])
    configuration = {
        "script": SCRIPT, "sourceLogstore": "web", "destLogstore": "out", "fromTimeExpr": "-20m", "toTimeExpr": "", "fromTime": now + 6,
        "toTime": 0,
    }  # fmt: skip
    document = {"name": "roll-up", "schedule": {"type": "FixedRate", "interval": f"{EVERY}s"}, "configuration": configuration}
    home.schedule_ledger().create_task(read_task(document, DEFAULT_PROJECT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=8)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logsluice-warm-") as folder:
        home = Home.create(Path(folder))
        make(home, asked.logs)
        ledger = home.schedule_ledger()
        service = subprocess.Popen([sys.executable, "-m", "pipelines", "--home", folder, "scheduler", "run", "--workers", "1"])
        try:
            found: list[InstanceEntry] = []
            while len(found) <= asked.instances:
                time.sleep(0.5)
                found = [one for one in ledger.list_instances(DEFAULT_PROJECT, "roll-up", size=-1)[0] if one.instance.finished]
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(60)
            home.close()
    warm = sorted(found, key=lambda one: one.instance.schedule_time)[1:]
    assert all(one.outcome is not None and one.outcome.rows_read >= asked.logs for one in warm)
    late = [((one.instance.end_us or 0) - one.instance.schedule_time * SECOND) / SECOND for one in warm]
    sys.stdout.write(
        f"{asked.logs:,} logs, {len(warm)} instances of a warm scheduler: due to SUCCEEDED {statistics.median(late):.2f} s"
        f" (least {min(late):.2f}, most {max(late):.2f})\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
