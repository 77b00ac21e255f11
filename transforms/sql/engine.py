"""The embedded engine: one DuckDB connection, set up for one plan's statements."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from transforms.core.errors import LogsluiceError, QueryFailed, StoreUnavailable
from transforms.sql.result import Rows
from transforms.sql.scan import LOG, quoted

__all__ = ["Engine", "EngineLimits"]


_FEW_ROWS = 20_000
_PASSING = "~passing"


class EngineLimits:
    """What one engine may use. ``threads`` 0 = all cores; ``memory_fraction`` of the machine's memory, then it spills to disk."""

    def __init__(self, threads: int = 0, memory_fraction: float = 0.6, temp_directory: str = "") -> None:
        self.threads = threads
        self.memory_fraction = memory_fraction
        self.temp_directory = temp_directory


class Engine:
    """A private, in-memory DuckDB that can read files and Arrow tables, and nothing else.

    Args:
        settings: session settings such as ``TimeZone``.
        limits: threads, memory, where to spill.
    """

    def __init__(self, settings: Mapping[str, str] | None = None, limits: EngineLimits | None = None) -> None:
        import duckdb

        limits = limits or EngineLimits()
        config: dict[str, Any] = {
            "threads": limits.threads or os.cpu_count() or 1,
            # Nothing may be fetched while a statement runs: what is not built in is an error, not a download.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": limits.temp_directory or os.path.join(tempfile.gettempdir(), f"logsluice-spill-{os.getpid()}"),  # noqa: PTH118
            "memory_limit": f"{max(256, int(_machine_memory_mb() * limits.memory_fraction))}MB",
            "preserve_insertion_order": False,
        }
        self.connection = duckdb.connect(":memory:", config=config)
        self._waiter: ThreadPoolExecutor | None = None
        for name, value in (settings or {}).items():
            self._command(f"set {name} = '{value}'")

    def define_log(self, relation: str) -> None:
        """Make ``"~log"`` the rows of a SELECT."""
        with _told():
            self._command(f"create or replace temp view {quoted(LOG)} as {relation}")

    def define_table(self, name: str, table: Any) -> None:
        """Make an Arrow table (or record batch reader, for one reading) readable under a name."""
        self.connection.register(name, table)

    def load_table(self, name: str, table: Any) -> None:
        """Copy an Arrow table into the engine under a name. Joins with it are planned by its real size and run in parallel: on 500,000
        rows joined with 20 million that halves the time."""
        with _told():
            self.connection.register(_PASSING, table)
            self._command(f"create temp table {quoted(name)} as select * from {quoted(_PASSING)}")
            self.connection.unregister(_PASSING)

    def keep(self, name: str, relation: str) -> None:
        """Copy the rows of a SELECT into the engine, under a name, in place of what was there. Raises QueryFailed."""
        self._interruptibly(lambda: self._command(f"create or replace temp table {quoted(name)} as {relation}"))

    def drop(self, name: str) -> None:
        """Let go of what was kept under a name, if anything was."""
        with _told():
            self._command(f"drop table if exists {quoted(name)}")

    def run(self, sql: str) -> Any:
        """The rows of a statement as an Arrow table. Raises QueryFailed when the data does not fit it."""
        return self._interruptibly(lambda: self._relation(sql).to_arrow_table())

    def batches(self, sql: str, rows: int = 65_536) -> Iterator[Any]:
        """The rows of a statement as Arrow record batches, one by one; errors as `run`, while they are read too."""
        reader = self._interruptibly(lambda: self._relation(sql).to_arrow_reader(rows))
        while (batch := self._interruptibly(lambda: next(reader, None))) is not None:
            yield batch

    def rows(self, sql: str) -> Rows:
        """The rows of a statement, as Python values when they are few, as an Arrow table otherwise."""
        found = self._interruptibly(lambda: self._relation(sql).materialize())
        return Rows(values=found.fetchall()) if len(found) <= _FEW_ROWS else Rows(found.to_arrow_table())

    def _relation(self, sql: str) -> Any:
        if "try(" in sql.casefold():
            # What two expressions have in common the engine computes once and before them, out of reach of the try(…) it stood in.
            self._command("set disabled_optimizers = 'common_subexpressions'")
        return self.connection.sql(sql)

    def _interruptibly(self, call: Callable[[], Any]) -> Any:
        """The engine does not look up while it works: Ctrl-C would wait for the end of the statement. So the main thread, which is the
        one that Ctrl-C reaches, lets another thread wait for the engine."""
        with _told():
            if threading.current_thread() is not threading.main_thread():
                return call()
            if self._waiter is None:
                self._waiter = ThreadPoolExecutor(1)
            future = self._waiter.submit(call)
            try:
                return future.result()
            except KeyboardInterrupt:
                self.connection.interrupt()
                wait([future])
                raise

    def _command(self, sql: str) -> None:
        # The result is fetched although it is empty: a connection with an open one takes no new functions.
        self.connection.execute(sql).fetchall()

    def close(self) -> None:
        """Let go of memory and spill files."""
        if self._waiter is not None:
            self._waiter.shutdown()
        self.connection.close()


_STREAM = re.compile(r".*?reading the stream registered as '~files:\d+' failed: (?:IOError: )?(.*?)(?:\. Detail: Python exception.*)?$")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """DuckDB's errors as ours; the text of ours is refined by whoever knows the statement."""
    import duckdb

    try:
        yield
    except LogsluiceError:
        raise
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.IOException as error:
        raise StoreUnavailable(
            f"a data file cannot be read: {_first_line(error)}", hint="was the Logstore vacuumed while the statement ran? try again"
        ) from error
    except duckdb.InvalidInputException as error:
        told = _STREAM.match(_first_line(error))
        if told is None:
            raise QueryFailed(str(error)) from error
        raise StoreUnavailable(
            f"a data file cannot be read: {told[1]}", hint="was the Logstore vacuumed while the statement ran? try again"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise QueryFailed(
            f"the statement needs more memory than it may use: {_first_line(error)}",
            hint="ask for a shorter time range or fewer groups",
            code="MemoryExceeded",
        ) from error
    except duckdb.Error as error:
        raise QueryFailed(str(error)) from error


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error).strip().split("\n", 1)[0])


def _machine_memory_mb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1_048_576
