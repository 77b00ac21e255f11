"""What a job has put where, in columns: fit for millions of logs. And the same of one bounded run of its rule that nothing disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import polars as pl

from tests.conftest import ROOT
from tests.jobs.job_rule import DEAD, ERRORS, MAIN, TENANTS, rule
from tests.jobs.job_world import SOURCE, JobWorld
from transforms.core.errors import ExitCode
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["check_once", "check_same_as_bounded"]

_BOUNDED = "bounded-"


@dataclass(frozen=True)
class _Digest:
    """A Logstore's logs whatever their order: how many, their fields, the sum of their hashes."""

    logs: int
    fields: tuple[str, ...]
    hashes: int


def _frames(world: JobWorld, logstore: str) -> list[pl.DataFrame]:
    """The logs' fields, group by group."""
    if logstore not in world.home.catalogue().list_logstores("default").names:
        return []
    frames = []
    for group in world.home.open_logstore("default", logstore).read():
        frame = pl.DataFrame(pl.from_arrow(group.table))
        frames.append(frame.select(name for name in frame.columns if not name.startswith(("_", "~"))))
    return frames


def _numbers(world: JobWorld, logstore: str, where: pl.Expr | None = None) -> pl.Series:
    """The numbers of a Logstore's logs; of dead letters those of the logs that failed."""
    number = pl.col("log").str.json_path_match("$.n") if logstore == DEAD else pl.col("n")
    parts = [
        (frame if where is None else frame.filter(where)).select(number.cast(pl.Int64)).to_series() for frame in _frames(world, logstore)
    ]
    return pl.concat(parts) if parts else pl.Series([], dtype=pl.Int64)


def check_once(world: JobWorld) -> int:
    """Each log of the source is where the rule sends it, once; nothing else is anywhere. Gives how many logs there are."""
    level, tenant = pl.col("level"), pl.col("tenant")
    wanted = {
        MAIN: level.is_in(["info", "error"]),
        ERRORS: level == "error",
        DEAD: level == "bad",
        **{name: (level == "tenant") & (tenant == name.removeprefix("tenant-")) for name in TENANTS},
    }
    for target, which in wanted.items():
        there, due = _numbers(world, target), _numbers(world, SOURCE, which)
        twice = there.filter(there.is_duplicated())
        assert twice.is_empty(), f"{target}: twice {sorted(twice.unique().head(10))}\n{world.errors()}"
        missing, surplus = set(due.to_list()) - set(there.to_list()), set(there.to_list()) - set(due.to_list())
        assert not missing and not surplus, (
            f"{target}: {len(missing)} missing ({sorted(missing)[:10]}), {len(surplus)} too many ({sorted(surplus)[:10]})\n{world.errors()}"
        )
    return len(_numbers(world, SOURCE))


def check_same_as_bounded(world: JobWorld, *, dead_letters: bool = True) -> None:
    """`logsluice transform` of the same rule into other Logstores writes the same rows.

    ``dead_letters``: compare these in all their fields but those that tell the job, not only in the logs that failed.
    """
    for name in TENANTS:
        world.home.create_logstore(LogstoreDescriptor("default", _BOUNDED + name, "", even_shards(1)))
    path = world.folder / "bounded.yaml"
    text = "".join(f"  {line}\n" for line in rule().replace('"tenant-"', f'"{_BOUNDED}tenant-"').splitlines())
    path.write_text(
        f"job: bounded\nsource: {{logstore: {SOURCE}}}\nrule: |\n{text}"
        f"targets:\n  main: {{logstore: {_BOUNDED}{MAIN}, create: true}}\n  errors: {{logstore: {_BOUNDED}{ERRORS}, create: true}}\n"
        f"dead_letters: {{logstore: {_BOUNDED}dead, create: true}}\n"
    )
    catalogue = ["--catalogue", world.home.catalogue_url] if world.home.catalogue_url else []
    command = [sys.executable, "-m", "pipelines", "--home", str(world.home.path), *catalogue, "transform", str(path)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.PROBLEMS, done.stderr
    for name in (MAIN, ERRORS, *TENANTS):
        assert _digest(world, name) == _digest(world, _BOUNDED + name), name
    other = _BOUNDED + "dead"
    told = ["log", "error", "step", "position"] if dead_letters else None
    for frames in (_letters(world, DEAD, told),):
        assert frames.equals(_letters(world, other, told)), "dead letters differ"


def _digest(world: JobWorld, logstore: str) -> _Digest:
    logs, hashes, fields = 0, 0, set[str]()
    for frame in _frames(world, logstore):
        frame = frame.select(sorted(frame.columns))
        fields.update(frame.columns)
        logs += frame.height
        hashes += int(frame.hash_rows(1).cast(pl.UInt64).cast(pl.Int128).sum())
    return _Digest(logs, tuple(sorted(fields)), hashes)


def _letters(world: JobWorld, logstore: str, told: list[str] | None) -> Any:
    frames = _frames(world, logstore)
    if not frames:
        return pl.DataFrame()
    number = pl.col("log").str.json_path_match("$.n").cast(pl.Int64).alias("n")
    whole = pl.concat(frames, how="diagonal")
    return whole.select(number, *(name for name in told or () if name in whole.columns)).sort("n")
