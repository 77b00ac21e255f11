"""Cold processes, timed in alternating rounds: wall seconds and peak memory of each, medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measured", "alternate", "python"]


_LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds. ``peak_mb``: resident memory at its highest, of a command's processes each, added up."""

    seconds: float
    fastest: float
    peak_mb: float


def python() -> str:
    """This interpreter."""
    return sys.executable


def alternate(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Measured]:
    """Run each command once per round, round after round, so that a noisy machine is noisy for all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            took, peak = _run(command)
            seconds[name].append(took)
            peaks[name].append(peak)
    return {name: Measured(statistics.median(seconds[name]), min(seconds[name]), statistics.median(peaks[name])) for name in commands}


def _run(command: Sequence[str]) -> tuple[float, float]:
    # Packages come compiled; sources of a checkout are compiled once, unless Python is told to keep nothing.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    highest: dict[int, float] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        # The kernel's own figure for an ended process counts what its parent had when it was started, so the high-water mark is read from
        # the living one; what grows in the last twentieth of a second is missed, for all alike. (To look costs milliseconds of a core where
        # there are several processes of many threads: looking more often would measure the looking.)
        while True:
            for pid in _family(process.pid):
                highest[pid] = max(highest.get(pid, 0.0), _high_water_mb(pid))
            try:
                process.wait(_LOOK_EVERY)
                break
            except subprocess.TimeoutExpired:
                continue
        took = time.perf_counter() - started
        stderr = process.stderr.read() if process.stderr and process.returncode else b""
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} ended with {process.returncode}: {stderr.decode()[-2000:]}")
    return took, sum(highest.values())


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += _family(int(child))
    except OSError:
        return found
    return found


def _high_water_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
