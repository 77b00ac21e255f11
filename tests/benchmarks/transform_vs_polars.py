"""`logsluice transform`, Logstore → rule → Logstore, against hand-written programs on the same files: one core, one run.

    python -m tests.benchmarks.transform_vs_polars [--folder DIR] [--events 2000000] [--rounds 3] [--only r1,slow] [--cores 2]

The other program reads the same Parquet files, does the same, and writes Parquet compressed alike: four rules in Polars, one rule of
functions that have no column form in plain Python. Cold processes in alternating rounds; medians of processor seconds, and of the
resident memory of all their processes at its highest. Each side also does 1,000 events: what that takes (Python, Beam, the commits)
is told apart, and rates and ratios are of the rest. With ``--cores`` also how much faster so many workers are than one, and how much more
the other program does when it runs on all of these cores at the same time: no more than that can be asked of the workers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

if __name__ == "__main__" and "--by-hand" in sys.argv:
    os.environ["POLARS_MAX_THREADS"] = "1"  # before Polars is imported

import polars as pl

from tests.benchmarks.process_cost import Cost, run
from tests.benchmarks.rules_of_comparison import BATCH, RULES, SCRIPTS, make_batch
from tests.benchmarks.slow_rule import SLOW_RULE, by_hand, make_slow_batch

TARGETS = {"r4": ("errors", "notfound", "main")}
"""Outputs of a script, in its order; other rules have one."""
FEW = 1_000
DISTINCT = 4
SLOW_SHARE = 8
"""The slow rule gets so much less to do."""
LEVEL = 1
"""Of zstd, as a Logstore writes it. Polars' own default is slower."""


def rule_of(name: str) -> str:
    return SLOW_RULE if name == "slow" else RULES[name]


def targets_of(name: str) -> tuple[str, ...]:
    return TARGETS.get(name, ("main",))


# ── the other program ───────────────────────────────────────────────────


def polars_script(name: str, files: Iterable[Path], out: Path) -> None:
    """File by file, as one would write it."""
    for number, path in enumerate(files):
        logs = pl.read_parquet(path, hive_partitioning=False).drop("~time_ns")
        for target, frame in zip(targets_of(name), SCRIPTS[name](logs), strict=True):
            frame.write_parquet(out / f"{target}-{number}.parquet", compression="zstd", compression_level=LEVEL)


def python_script(files: Iterable[Path], out: Path) -> None:
    """Log by log, in calls of some thousand."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for number, path in enumerate(files):
        writer = None
        for batch in pq.ParquetFile(path).iter_batches(8_192):
            table = pa.Table.from_pylist(by_hand(batch.drop_columns("~time_ns").to_pylist()))
            writer = writer or pq.ParquetWriter(out / f"main-{number}.parquet", table.schema, compression="zstd", compression_level=LEVEL)
            writer.write_table(table)
        if writer is not None:
            writer.close()


# ── the logs ────────────────────────────────────────────────────────────


def make_logstore(home: Path, name: str, logstore: str, events: int) -> None:
    """A Logstore of one shard; different batches come again and again, with later times."""
    from pipelines.home import Home
    from transforms.core.log_group import LogGroup
    from transforms.stores.logstore import LogstoreDescriptor
    from transforms.stores.shard import even_shards

    opened = Home.create(home)
    try:
        store = opened.create_logstore(LogstoreDescriptor("default", logstore, "", even_shards(1)))
        batches = [
            make_slow_batch(seed) if name == "slow" else make_batch(name, seed) for seed in range(min(DISTINCT, -(-events // BATCH)))
        ]

        def groups() -> Iterator[LogGroup]:
            for number, start in enumerate(range(0, events, BATCH)):
                logs = batches[number % len(batches)].head(events - start)
                times = pl.col("__time__") + number * (BATCH // 50 + 1)
                yield LogGroup.from_frame(logs.with_columns(times, pl.lit(0, pl.Int32).alias("~time_ns")))

        store.append(groups())
    finally:
        opened.close()


def files_of(home: Path, logstore: str) -> list[Path]:
    return sorted((home / "logstores" / "default" / logstore).rglob("*.parquet"))


# ── runs ────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Setting:
    """A rule over a Logstore, and where to do it."""

    folder: Path
    name: str
    logstore: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def ours(self, cores: int = 1, steps: str | None = None) -> Cost:
        """A run of a job of its own into Logstores of its own."""
        job = self.folder / "job.yaml"
        rule = indent(steps or rule_of(self.name), "  ")
        targets = "".join(f"  {target}: {{logstore: out-{target}, create: true}}\n" for target in reversed(targets_of(self.name)))
        job.write_text(
            f"job: job-{os.getpid()}-{next(_numbers)}\nsource: {{logstore: {self.logstore}}}\nrule: |\n{rule}\n"
            f"targets:\n{targets}dead_letters: {{logstore: out-dead, create: true}}\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "pipelines", "--home", str(self.home), "transform", str(job)]
        return run([*command, *(["--", "--direct_num_workers", str(cores)] if cores > 1 else [])], cores)

    def theirs(self, beside: int = 0) -> Cost:
        """A run of the other program."""
        out = self.folder / (f"by-hand-{beside}" if beside else "by-hand")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        files = map(str, files_of(self.home, self.logstore))
        return run([sys.executable, "-m", __spec__.name, "--by-hand", self.name, str(out), *files], 1, beside)

    def theirs_at_once(self, cores: int) -> float:
        """Wall seconds of the other program on so many cores at the same time, each doing all: what the cores have in common (memory,
        caches) lets no program do better."""
        with ThreadPoolExecutor(cores) as pool:
            return max(cost.wall for cost in pool.map(self.theirs, range(cores)))

    def outputs(self) -> dict[str, tuple[list[Path], list[Path]]]:
        """For each target the files of both sides."""
        by_target = {target: files_of(self.home, f"out-{target}") for target in targets_of(self.name)}
        return {target: (files, sorted((self.folder / "by-hand").glob(f"{target}-*.parquet"))) for target, files in by_target.items()}

    def clear(self) -> None:
        """Drop what runs wrote."""
        for target in (*targets_of(self.name), "dead"):
            run([sys.executable, "-m", "pipelines", "--home", str(self.home), "logstore", "delete", f"out-{target}", "--yes"], 1)


def _count() -> Iterator[int]:
    number = 0
    while True:
        number += 1
        yield number


_numbers = _count()


def digest(files: list[Path]) -> dict[str, tuple[int, int]]:
    """What must be the same on both sides: for each field how many logs have it, and the bytes of its texts."""
    whole = pl.concat([pl.scan_parquet(path, hive_partitioning=False) for path in files], how="diagonal")
    names = [name for name in whole.collect_schema().names() if not name.startswith("~")]
    counts = whole.select(
        *(pl.col(name).count().alias(f"c{name}") for name in names),
        *(pl.col(name).cast(pl.String).str.len_bytes().cast(pl.Int64).sum().alias(f"b{name}") for name in names),
    ).collect()
    # Column names of ours escape what a field may not be called; those of these rules are the same on both sides.
    return {name: (counts[f"c{name}"].item(), counts[f"b{name}"].item()) for name in names if counts[f"c{name}"].item()}


def check(setting: Setting) -> None:
    """Stop unless both sides wrote the same."""
    for target, (ours, theirs) in setting.outputs().items():
        left, right = digest(ours), digest(theirs)
        if left != right:
            different = {
                name: (left.get(name), right.get(name)) for name in left.keys() | right.keys() if left.get(name) != right.get(name)
            }
            raise SystemExit(f"{setting.name}: {target} differs, ours and theirs: {different}")


def measure(folder: Path, name: str, events: int, rounds: int, cores: int) -> Mapping[str, float]:
    """Medians of one rule."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    many, few = Setting(folder, name, "many"), Setting(folder, name, "few")
    make_logstore(many.home, name, "many", events)
    make_logstore(few.home, name, "few", FEW)
    found: dict[str, list[Cost]] = {kind: [] for kind in ("ours", "theirs", "ours few", "theirs few", "more", "more few")}
    at_once: list[float] = []
    for number in range(rounds):
        if cores > 1:
            at_once.append(many.theirs_at_once(cores))
        found["theirs"].append(many.theirs())
        found["ours"].append(many.ours())
        if number == 0:
            check(many)
        found["ours few"].append(few.ours())
        found["theirs few"].append(few.theirs())
        if cores > 1:
            found["more"].append(many.ours(cores))
            found["more few"].append(few.ours(cores))
        many.clear()
    shutil.rmtree(folder)

    def median(kind: str, what: str = "cpu") -> float:
        return float(statistics.median(getattr(cost, what) for cost in found[kind]))

    ours, theirs = (median(side) - median(f"{side} few") for side in ("ours", "theirs"))
    more = (median("ours", "wall") - median("ours few", "wall")) / (median("more", "wall") - median("more few", "wall")) if cores > 1 else 0
    return {
        "their rate": events / theirs, "our rate": events / ours, "ratio": theirs / ours, "start": median("ours few"),
        "their start": median("theirs few"), "whole": median("ours"), "their whole": median("theirs"),
        "peak": median("ours", "peak_mb"), "their peak": median("theirs", "peak_mb"), "speed-up": more,
        "ceiling": cores * median("theirs", "wall") / statistics.median(at_once) if at_once else 0,
    }  # fmt: skip


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/logsluice-benchmark/transform"))
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rules, with commas between; all without it")
    parser.add_argument("--cores", type=int, default=1, help="measure with so many workers as well; wall seconds, on a quiet machine")
    arguments = parser.parse_args()
    out = sys.stdout.write
    out("| rule | by hand, events/s | `logsluice transform`, events/s | ratio | CPU s by hand, of it start | CPU s, of it start | ")
    out(f"MB by hand | MB |{f' {arguments.cores} cores, by hand at once |' if arguments.cores > 1 else ''}\n")
    out(f"|---|{'---:|' * (7 + (arguments.cores > 1))}\n")
    for name in filter(None, arguments.only.split(",")) if arguments.only else (*RULES, "slow"):
        events = arguments.events // (SLOW_SHARE if name == "slow" else 1)
        row = measure(arguments.folder, name, events, arguments.rounds, arguments.cores)
        out(
            f"| {name} | {row['their rate']:,.0f} | {row['our rate']:,.0f} | {row['ratio']:.2f} | {row['their whole']:.2f}, "
            f"{row['their start']:.2f} | {row['whole']:.2f}, {row['start']:.2f} | {row['their peak']:.0f} | {row['peak']:.0f} |"
        )
        out(f" {row['speed-up']:.2f} ×, {row['ceiling']:.2f} × |\n" if arguments.cores > 1 else "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if "--by-hand" in sys.argv:
        rule, folder, *paths = sys.argv[sys.argv.index("--by-hand") + 1 :]
        if rule == "slow":
            python_script(map(Path, paths), Path(folder))
        else:
            polars_script(rule, map(Path, paths), Path(folder))
    else:
        main()
