"""A continuous job's figures for people, as lines, and for programs, as plain values."""

from __future__ import annotations

from typing import Any

from pipelines.consumer_lag import span_text
from pipelines.jobs.job_figures import JobFigures
from transforms.core.counted import counted
from transforms.core.moments import format_moment, parse_zone

__all__ = ["figures_lines", "shown_figures"]

_MINUTES = 5
_SECOND = 1_000_000


def shown_figures(figures: JobFigures) -> dict[str, Any]:
    """One object: the job's state, its lag, totals, minutes and shards. Moments and lags in microseconds."""
    job, counts = figures.job, figures.counts
    return {
        "job": job.name,
        "project": job.project,
        "state": str(job.state),
        "reason": job.reason or None,
        "at_us": figures.at_us,
        "generation": job.generation,
        "lag_us": figures.lag_us,
        "instances": list(figures.instances),
        "active_shards": figures.active_shards,
        "accept_per_second": round(figures.per_second, 1),
        "total": _counts(counts),
        "delivered_share": figures.delivered_share,
        "minutes": [{"minute_us": one.minute_us, **_counts(one.counts)} for one in figures.minutes[-_MINUTES:]],
        "shards": [
            {
                "shard": one.shard,
                "state": one.state,
                "instance": one.instance or None,
                "lag_us": one.lag_us,
                "accept_per_second": round(one.per_second, 1),
                "accept": one.counts.read,
            }
            for one in figures.shards
        ],
    }


def figures_lines(figures: JobFigures) -> list[str]:
    """The same as a few lines."""
    job = figures.job
    utc = parse_zone("UTC")
    behind = "logs were cleaned away before they were read" if figures.lag_us is None else f"{span_text(figures.lag_us)} behind"
    head = f"{job.name}  {job.state}  {behind}  {figures.per_second:,.0f} logs/s"
    shards = counted(len(figures.shards), "shard")
    lines = [f"{head}  {counted(len(figures.instances), 'instance')}, {figures.active_shards} of {shards} read"]
    if job.reason:
        lines.append(f"  {job.reason}")
    share = "" if figures.delivered_share is None else f"   {100 * figures.delivered_share:.1f} % delivered"
    rows: list[tuple[str, ...]] = [("", "accept", "delivered", "dropped", "failed")]
    rows += [
        (format_moment(one.minute_us // _SECOND, utc)[11:16], *_texts(one.counts)) for one in figures.minutes[-_MINUTES:]
    ]  # fmt: skip
    rows.append(("in total", *_texts(figures.counts)))
    lines += ["", *_aligned(rows)]
    lines[-1] += share
    if figures.shards:
        rows = [("shard", "state", "instance", "lag", "logs/s", "accept")]
        rows += [
            (str(one.shard), one.state, one.instance or "-", _lag(one.lag_us), f"{one.per_second:,.0f}", f"{one.counts.read:,}")
            for one in figures.shards
        ]
        lines += ["", *_aligned(rows, left=3)]
    return lines


def _counts(counts: Any) -> dict[str, int]:
    return {"accept": counts.read, "delivered": counts.delivered, "dropped": counts.dropped, "failed": counts.dead}


def _texts(counts: Any) -> tuple[str, ...]:
    return tuple(f"{number:,}" for number in _counts(counts).values())


def _lag(lag_us: int | None) -> str:
    return "expired" if lag_us is None else span_text(lag_us)


def _aligned(rows: list[tuple[str, ...]], left: int = 1) -> list[str]:
    """Columns under each other: so many to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) if number < left else cell.rjust(width) for number, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]  # fmt: skip
