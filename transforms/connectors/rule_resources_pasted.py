"""Files that stand in for databases, Logstores and files in a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from transforms.core.errors import NotFound, ParameterInvalid, StoreRejected
from transforms.core.suggest import suggestion
from transforms.stores.rule_resources import TableData

__all__ = ["pasted_bytes", "pasted_rows", "stand_in"]


def stand_in(pasted: Mapping[str, str], *names: str | None) -> str | None:
    """The file that stands in for something of these names, the fuller name first; None when none does."""
    return next((pasted[name] for name in names if name and name in pasted), None)


def pasted_bytes(path: str) -> bytes:
    """The bytes of a stand-in. Raises NotFound, StoreRejected."""
    try:
        return Path(path).expanduser().read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", hint="it stands in for a table, a Logstore or a file of the rule") from None
    except OSError as error:
        raise StoreRejected(f"the file {path} cannot be read: {error.strerror}") from error


def pasted_rows(path: str, fields: Sequence[tuple[str, str]] | None, *, lenient: bool) -> TableData:
    """The rows of a CSV file with a header; an empty cell is null, ``""`` an empty text.

    ``lenient``: a field that the file lacks is null everywhere, as in a Logstore; else StoreRejected. Raises ParameterInvalid for a
    file that is no CSV.
    """
    import polars as pl

    content = pasted_bytes(path)
    try:
        frame = pl.read_csv(content, infer_schema=False) if content.strip() else pl.DataFrame()
    except pl.exceptions.PolarsError as error:
        raise ParameterInvalid(f"{path} is no CSV file: {str(error).splitlines()[0]}", hint="a header line, then rows") from None
    if fields is not None:
        chosen = []
        for column, name in fields:
            if column in frame.columns:
                chosen.append(pl.col(column).alias(name))
            elif lenient:
                chosen.append(pl.lit(None, pl.String).alias(name))
            else:
                raise StoreRejected(f"{path} has no column {column!r}", hint=suggestion(column, frame.columns, "column"))
        frame = frame.select(chosen)
    return TableData(frame.to_arrow(compat_level=pl.CompatLevel.newest()))
