"""What an instance of a job writes into a table: its rows once, whatever is repeated, killed, or overtaken meanwhile.

The rows and a record of the instance are committed together, in the destination's own database. A repeat of the same attempt is
known by the record; an attempt that a later one of the job has overtaken is refused. The rows of an earlier run are found again by
one of three ways, and replaced:

=================  =================================================  =========================================================
key columns        rows with the keys of the result                   a row whose key the result no longer has stays behind: only
                                                                      the other two ways know it for the instance's
window column      rows whose time lies in the instance's window      all such rows of the table are the job's: another writer's
                                                                      rows, or those of overlapping windows, are replaced as well
instance column    rows that carry the instance's id                  the table has a text column for it, the result has not
(none of them)     nothing is replaced                                an instance that succeeded cannot run again
=================  =================================================  =========================================================
"""

from __future__ import annotations

from dataclasses import dataclass

from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval

__all__ = ["LONGEST_ID", "TableCommit", "TableCommitted"]

LONGEST_ID = 128
"""Characters of a job's and of an instance's id."""


@dataclass(frozen=True)
class TableCommit:
    """Whose rows they are, and how rows of an earlier run are found again. Raises ParameterInvalid when it contradicts itself.

    Attributes:
        job: the job's id; its attempts are numbered.
        attempt: the number of this attempt, from 1; it rises with every attempt at any instance of the job, so that a worker that
            was given up and wakes again is known by a number below its successor's. Several instances may share one.
        instance: the instance's id.
        run: which run of the instance this is, from 1; attempts of one run are tries at the same.
        window: ``[from, to)`` in Unix seconds.
        succeeded_before: an earlier run of the instance is known to have succeeded, so that this one is a re-run on purpose.
        key_columns, window_column, instance_column: at most one is given, see above.
    """

    job: str
    attempt: int
    instance: str
    run: int
    window: Interval
    succeeded_before: bool = False
    key_columns: tuple[str, ...] = ()
    window_column: str = ""
    instance_column: str = ""

    def __post_init__(self) -> None:
        for what, text in (("job", self.job), ("instance", self.instance)):
            if not text or text != text.strip() or len(text) > LONGEST_ID or "\0" in text:
                raise ParameterInvalid(
                    f"{text[: 2 * LONGEST_ID]!r} is no id of {'an' if what == 'instance' else 'a'} {what}",
                    hint=f"1 to {LONGEST_ID} characters, no blank at either end",
                )
        if self.attempt < 1 or self.run < 1:
            raise ParameterInvalid(f"attempt {self.attempt}, run {self.run}: both are counted from 1")
        given = [self.key_columns, self.window_column, self.instance_column]
        if sum(map(bool, given)) > 1:
            raise ParameterInvalid(
                "key columns, window column and instance column exclude each other",
                hint="choose one way to find an instance's earlier rows",
            )
        if len(set(self.key_columns)) < len(self.key_columns) or "" in self.key_columns:
            raise ParameterInvalid(f"the key columns {', '.join(map(repr, self.key_columns))} are not distinct names")
        if self.window_column and self.window.start >= self.window.end:
            raise ParameterInvalid(f"the window [{self.window.start}, {self.window.end}) is empty")

    @property
    def replaces(self) -> bool:
        """Whether rows of an earlier run are found again."""
        return bool(self.key_columns or self.window_column or self.instance_column)

    @property
    def found_by(self) -> str:
        """How its rows are found again, as the record keeps it."""
        if self.key_columns:
            return f"key {', '.join(self.key_columns)}"
        if self.window_column:
            return f"window {self.window_column}"
        return f"instance {self.instance_column}" if self.instance_column else ""


@dataclass(frozen=True)
class TableCommitted:
    """What stands in the table.

    Attributes:
        rows: of the instance, as its record says.
        applied: this commit wrote them; False: they were there.
        attempt: the attempt that wrote them. Not the asked one when an earlier attempt of the same run had committed without anybody
            learning of it: then its rows stand, with what it had read.
    """

    rows: int
    applied: bool
    attempt: int
