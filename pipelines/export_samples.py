"""Export the samples of a Metricstore in Prometheus' text format; memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from transforms.core.durable import durable
from transforms.core.interval import ALL_TIME, Interval
from transforms.stores.metricstore import decode_labels

if TYPE_CHECKING:
    from transforms.stores.logstore import Logstore

__all__ = ["export_samples", "label_set", "prometheus_text"]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def export_samples(
    store: Logstore, out: BinaryIO, *, times: Interval = ALL_TIME, latest: bool = False, watch: Callable[[int], None] | None = None
) -> int:
    """Write the samples of an interval to a binary stream; gives how many. ``latest``: only the newest of each series.

    Samples that arrive meanwhile are not seen. ``watch`` is told the samples of each batch.
    """
    from transforms.sql.sorted_samples import sorted_samples

    written = 0

    def watched() -> Iterator[Any]:
        nonlocal written
        for batch in sorted_samples(store.snapshot(times), times, latest=latest):
            written += batch.num_rows
            yield batch
            if watch is not None:
                watch(batch.num_rows)

    with durable("export.write"):
        for text in prometheus_text(watched()):
            out.write(text)
    return written


def prometheus_text(batches: Iterable[Any]) -> Iterator[bytes]:
    """Record batches as of `transforms.sql.sorted_samples` as lines ``name{key="value",…} number milliseconds``.

    All lines of a name stand together, after a line that says that its type is not known.
    """
    import polars as pl
    import pyarrow as pa

    from transforms.sql.value_texts import texts_of

    before: str | None = None
    for batch in batches:
        if not batch.num_rows:
            continue
        labels = batch["labels"].dictionary_encode()
        sets = pa.array([label_set(text) for text in labels.dictionary.to_pylist()], pa.string()).take(labels.indices)
        frame = pl.DataFrame({
            "name": pl.from_arrow(batch["name"]), "labels": pl.from_arrow(sets), "nano": pl.from_arrow(batch["nano"]),
            "value": pl.from_arrow(texts_of(batch["value"])),
        })  # fmt: skip
        name = pl.col("name")
        first = name != name.shift(1, fill_value="" if before is None else before)
        head = pl.when(first).then(pl.concat_str(pl.lit("# TYPE "), name, pl.lit(" untyped\n"))).otherwise(pl.lit(""))
        milliseconds = pl.col("nano").floordiv(1_000_000).cast(pl.String)
        line = pl.concat_str(head, name, pl.col("labels"), pl.lit(" "), pl.col("value"), pl.lit(" "), milliseconds)
        before = frame["name"][-1]
        yield ("\n".join(frame.select(line).to_series().to_list()) + "\n").encode()


def label_set(text: str) -> str:
    """The labels of a sample as Prometheus writes them; nothing for none."""
    labels = decode_labels(text)
    return "{" + ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in labels.items()) + "}" if labels else ""
