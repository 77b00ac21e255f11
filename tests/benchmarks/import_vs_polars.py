"""Import of JSON lines against Polars `scan_ndjson` → `sink_parquet`: cold processes, alternating, one run.

    python -m tests.benchmarks.import_vs_polars [--folder DIR] [--logs 5000000] [--rounds 3]

Polars keeps numbers as numbers and text as text and writes one file. The import keeps every value's own text, adds typed columns
for the indexed numbers, tells times, and makes the logs visible in commits that survive a crash.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from pipelines.demo_data import FIRST_SECOND, GAME_INDEX, SECONDS, game_columns
from tests.benchmarks.timing import Measured, alternate, python
from transforms.core.field_columns import TIME


def make_lines(path: Path, logs: int) -> None:
    """JSON lines of 12 fields and a time."""
    import numpy as np
    import polars as pl

    if path.exists():
        return
    part = path.with_suffix(".part")
    with part.open("wb") as out:
        for number in range(10):
            columns = game_columns(number, logs // 10, FIRST_SECOND + number * SECONDS // 10, SECONDS // 10, 500_000)
            frame = pl.DataFrame(
                {
                    ("time" if name == TIME else name): pl.Series(np.ma.getdata(values)).set(pl.Series(np.ma.getmaskarray(values)), None)
                    if isinstance(values, np.ma.MaskedArray)
                    else pl.Series(values)
                    for name, values in columns.items()
                }
            )
            frame.write_ndjson(out)
            sys.stderr.write(f"\r{(number + 1) * logs // 10:,} lines")
    sys.stderr.write("\n")
    part.rename(path)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/logsluice-benchmark"))
    parser.add_argument("--logs", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    lines = folder / f"game-{arguments.logs}.jsonl"
    make_lines(lines, arguments.logs)
    index = folder / "index.json"
    index.write_text(json.dumps(GAME_INDEX.to_json()))
    home = folder / "import-home"
    script = f"import polars as pl; pl.scan_ndjson({str(lines)!r}).sink_parquet({str(folder / 'polars.parquet')!r})"
    fresh = f"rm -rf {home} && {python()} -m pipelines --home {home} logstore create game --index {index}"
    ours = f"exec {python()} -m pipelines --home {home} import game {lines} --time-field time --time-format epoch-s"
    got: dict[str, list[Measured]] = {}
    commands = {"Polars": [python(), "-c", script], "import": ["bash", "-c", ours]}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            if name == "import":
                alternate({"fresh": ["bash", "-c", fresh]}, 1)
            got.setdefault(name, []).append(alternate({name: command}, 1)[name])
    shutil.rmtree(home)
    rate = {name: arguments.logs / sorted(each.seconds for each in runs)[len(runs) // 2] for name, runs in got.items()}
    peak = {name: max(each.peak_mb for each in runs) for name, runs in got.items()}
    out = sys.stdout.write
    out("| | logs/s | ratio | peak memory |\n|---|---:|---:|---:|\n")
    for name in got:
        out(f"| {name} | {rate[name]:,.0f} | {rate[name] / rate['Polars']:.2f} | {peak[name]:.0f} MB |\n")


if __name__ == "__main__":
    main()
