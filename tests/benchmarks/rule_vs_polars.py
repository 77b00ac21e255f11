"""Rules against what a person would write in Polars: columns in memory on both sides, one core, alternating rounds, medians.

    python -m tests.benchmarks.rule_vs_polars [--only r1] [--rounds 5] [--profile]

Both sides work on the same logs in batches of 65,536 and give all columns of all targets. Ratios are what counts: absolute
figures belong to the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

if __name__ == "__main__":
    os.environ["POLARS_MAX_THREADS"] = "1"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import polars as pl

from tests.benchmarks.rules_of_comparison import BATCH, RULES, SCRIPTS, make_batch
from transforms.rules.context import Context
from transforms.rules.frame import Frame, SourceTimes, State
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import Rule, compile_rule

DISTINCT = 4
"""Different batches; they are gone through again and again."""

Columns = dict[str, pl.Series]


def run_rule(rule: Rule, logs: pl.DataFrame) -> list[Columns]:
    """A batch through a rule: the columns of each target, as a writer asks for them."""
    seconds = logs.get_column("__time__")
    times = SourceTimes(seconds, pl.Series("", [0], pl.Int32).new_from_index(0, len(logs)))
    state = State(Context(), times)
    frame = rule.run(Frame.of({series.name: series for series in logs.get_columns() if series.name != "__time__"}, len(logs), state))
    outputs: list[Columns] = []
    for part in (*(emission.frame.without_failed(0) for emission in state.emitted), frame):
        columns = {"__time__": seconds.gather(part.origin)} | {
            name: column for name in part.names() if part.holds(name) and (column := part.column(name)) is not None
        }
        outputs.append(columns)
    return outputs


def same(ours: list[Columns], theirs: list[pl.DataFrame]) -> bool:
    """Whether both sides give the same logs."""
    return len(ours) == len(theirs) and all(
        pl.DataFrame(columns).select(sorted(columns)).equals(frame.select(sorted(frame.columns)))
        for columns, frame in zip(ours, theirs, strict=True)
    )


def measure(work: Callable[[pl.DataFrame], object], batches: list[pl.DataFrame], events: int) -> float:
    """Events per second of processor time."""
    started = time.process_time()
    done = 0
    while done < events:
        for batch in batches:
            work(batch)
            done += BATCH
    return done / (time.process_time() - started)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--profile", action="store_true", help="where the rule's time goes")
    arguments = parser.parse_args()
    out = sys.stdout.write
    out("| rule | Polars, events/s | the rule, events/s | ratio |\n|---|---:|---:|---:|\n")
    for name, text in RULES.items():
        if arguments.only not in name:
            continue
        try:
            rule = compile_rule(text)
        except RuleInvalid as error:
            out(f"| {name} | | {error} | |\n")
            continue
        script = SCRIPTS[name]
        batches = [make_batch(name, seed) for seed in range(DISTINCT)]
        if not same(run_rule(rule, batches[0]), script(batches[0])):
            raise SystemExit(f"{name}: the rule and the script give different logs")
        if arguments.profile:
            profile(rule, batches)
            continue
        theirs: list[float] = []
        ours: list[float] = []
        for _ in range(arguments.rounds):
            theirs.append(measure(script, batches, arguments.events))
            ours.append(measure(lambda batch, rule=rule: run_rule(rule, batch), batches, arguments.events))  # type: ignore[misc]
        polars, logsluice = statistics.median(theirs), statistics.median(ours)
        out(f"| {name} | {polars:,.0f} | {logsluice:,.0f} | {logsluice / polars:.2f} |\n")
        sys.stdout.flush()


def profile(rule: Rule, batches: list[pl.DataFrame]) -> None:
    """The functions that take most of the time."""
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    profiler.enable()
    measure(lambda batch: run_rule(rule, batch), batches, 2_000_000)
    profiler.disable()
    pstats.Stats(profiler, stream=sys.stdout).sort_stats("tottime").print_stats(22)


if __name__ == "__main__":
    main()
