"""`logsluice apply` against Polars `read_ndjson` → the same → `write_ndjson`: cold processes on one core, alternating, processor seconds.

    python -m tests.benchmarks.apply_vs_polars [--folder DIR] [--logs 1000000] [--rounds 3] [--only r1] [--profile]

Both sides read the same JSON lines of text fields and write JSON lines, one file for each target. What both have written is compared
as a set of logs. ``start`` is what either process takes for a file of a hundred lines; the ratio leaves it out, the one in brackets does not.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.rules_of_comparison import BATCH, CLASSES, NGINX, RULES, SCRIPTS, make_batch

OUTPUTS = {"r1": ["main"], "r2": ["main"], "r3": ["main"], "r4": ["errors", "notfound", "main"]}
FEW = 100


def make_lines(path: Path, rule: str, logs: int) -> None:
    """JSON lines for a rule: all fields are text, the event time too."""
    import polars as pl

    if path.exists():
        return
    part = path.with_suffix(".part")
    with part.open("wb") as out:
        for number in range(-(-logs // BATCH)):
            batch = make_batch(rule, number % 8).with_columns(pl.col("__time__").cast(pl.String))
            batch.head(min(BATCH, logs - number * BATCH)).write_ndjson(out)
    part.rename(path)


def script(rule: str, source: Path, folder: Path) -> str:
    """The program a person would write."""
    function = SCRIPTS[rule]
    lines = ["import polars as pl", f"NGINX = {NGINX!r}", f"CLASSES = {CLASSES!r}", inspect.getsource(function)]
    outputs = [str(folder / f"polars-{name}.jsonl") for name in OUTPUTS[rule]]
    lines += [f"for frame, path in zip({function.__name__}(pl.read_ndjson({str(source)!r})), {outputs!r}):", "    frame.write_ndjson(path)"]
    return "\n".join(lines)


def run(command: list[str]) -> tuple[float, float]:
    """Processor seconds and peak megabytes of a process."""
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    child = subprocess.Popen(["taskset", "-c", "0", *command], env=environment)
    peak = 0.0
    # The high-water mark is read from the living process: the kernel's figure for an ended one counts what its parent had.
    while True:
        done, status, usage = os.wait4(child.pid, os.WNOHANG)
        if done:
            break
        peak = max(peak, high_water_mb(child.pid))
        time.sleep(0.02)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:4]} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, peak


def high_water_mb(pid: int) -> float:
    """Resident memory of a process at its highest."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def same(ours: Path, theirs: Path) -> bool:
    """Whether two files have the same logs, whatever the order of fields; null = absent."""

    def logs(path: Path) -> list[str]:
        with path.open() as lines:
            found = ({name: value for name, value in json.loads(line).items() if value is not None} for line in lines)
            return sorted(json.dumps(log, sort_keys=True) for log in found)

    return logs(ours) == logs(theirs)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/logsluice-benchmark"))
    parser.add_argument("--logs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--profile", action="store_true", help="where the time of apply goes")
    arguments = parser.parse_args()
    folder: Path = arguments.folder / "apply"
    folder.mkdir(parents=True, exist_ok=True)
    out = sys.stdout.write
    out("| rule | Polars, logs/s | apply, logs/s | ratio | (with start) | Polars, MB | apply, MB |\n|---|---:|---:|---:|---:|---:|---:|\n")
    for rule, text in RULES.items():
        if arguments.only not in rule:
            continue
        rule_file = folder / f"{rule}.etl"
        rule_file.write_text(text)
        commands: dict[tuple[str, int], list[str]] = {}
        for logs in (FEW, arguments.logs):
            source = folder / f"{rule}-{logs}.jsonl"
            make_lines(source, rule, logs)
            targets = ["--targets", str(folder), "-q", "-o", str(folder / "main.jsonl")]
            commands["polars", logs] = [arguments.python, "-c", script(rule, source, folder)]
            commands["apply", logs] = [arguments.python, "-m", "pipelines", "apply", *targets, str(rule_file), str(source)]
        if arguments.profile:
            profile(commands["apply", arguments.logs])
            continue
        got: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for number in range(arguments.rounds):
            for key, command in commands.items():
                got.setdefault(key, []).append(run(command))
            if not number and not all(same(folder / f"{name}.jsonl", folder / f"polars-{name}.jsonl") for name in OUTPUTS[rule]):
                raise SystemExit(f"{rule}: apply and the script give different logs")
        seconds = {key: statistics.median(one for one, _ in found) for key, found in got.items()}
        peak = {side: max(megabytes for _, megabytes in got[side, arguments.logs]) for side in ("polars", "apply")}
        net = {side: seconds[side, arguments.logs] - seconds[side, FEW] for side in ("polars", "apply")}
        whole = seconds["polars", arguments.logs] / seconds["apply", arguments.logs]
        rates = [arguments.logs / net[side] for side in ("polars", "apply")]
        out(f"| {rule} | {rates[0]:,.0f} | {rates[1]:,.0f} | {rates[1] / rates[0]:.2f} | ({whole:.2f}) ")
        out(f"| {peak['polars']:.0f} | {peak['apply']:.0f} |\n")
        sys.stdout.flush()


def profile(command: list[str]) -> None:
    """The functions that take most of the time."""
    import cProfile
    import pstats

    from pipelines.cli.main import main as logsluice

    profiler = cProfile.Profile()
    profiler.enable()
    logsluice(command[3:])
    profiler.disable()
    pstats.Stats(profiler, stream=sys.stdout).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
