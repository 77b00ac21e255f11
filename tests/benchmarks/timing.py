"""Cold processes, timed in alternating rounds: wall seconds and peak memory of each, medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Measured", "alternate", "python"]


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds. ``peak_mb``: resident memory of the process at its highest."""

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
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    stderr = process.stderr.read() if process.stderr else b""
    if code:
        raise SystemExit(f"{' '.join(command)[:200]} ended with {code}: {stderr.decode()[-2000:]}")
    return took, usage.ru_maxrss / 1024
