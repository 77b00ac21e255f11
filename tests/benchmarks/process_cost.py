"""What a command costs with all processes it starts: processor seconds, wall seconds, resident memory at its highest."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cost", "run"]


_LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Cost:
    """``cpu``: user and system seconds of all processes. ``peak_mb``: of all of them together, looked at twenty times a second (to look costs milliseconds of a core)."""

    cpu: float
    wall: float
    peak_mb: float


def run(command: Sequence[str], cores: int, beside: int = 0) -> Cost:
    """Run a command on the last ``cores`` of this process's cores, but for the very last ``beside``, where others run at the same time.

    Raises SystemExit with its words when it fails.
    """
    mine = sorted(os.sched_getaffinity(0))
    allowed = set(mine[: len(mine) - beside][-cores:])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["POLARS_MAX_THREADS"] = "1" if cores == 1 else environment.get("POLARS_MAX_THREADS", "1")
    with tempfile.TemporaryFile() as words:
        started = time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "--cpu-list", ",".join(map(str, sorted(allowed))), *command],
            stdout=subprocess.DEVNULL, stderr=words, env=environment,
        )  # fmt: skip
        peak, look_at = 0.0, started
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            if time.perf_counter() >= look_at:
                peak = max(peak, _resident_mb(process.pid))
                look_at = time.perf_counter() + _LOOK_EVERY
            time.sleep(0.005)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            words.seek(0)
            raise SystemExit(f"{' '.join(command)[:300]} ended with {process.returncode}: {words.read().decode()[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, took, peak)


def _resident_mb(pid: int) -> float:
    """Resident memory of a process and its descendants."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        children = [
            int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text(encoding="ascii").split()
        ]
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(map(_resident_mb, children))
