"""How the catalogue talks to its database: the URL, transactions that are safe under concurrent processes, errors in our words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from transforms.core.durable import durable
from transforms.core.errors import ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.core.secret import Secret, is_reference

__all__ = ["failures_in_words", "make_engine", "reading", "writing"]

_BUSY_SECONDS = 30.0
_MYSQL = {"mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"}


def make_engine(where: str | Path) -> sa.Engine:
    """An engine for a SQLite file by path, or for ``sqlite:///PATH`` or ``mysql://USER:PASSWORD@HOST:PORT/DATABASE``.

    The password may be a reference (``env:NAME``, ``file:PATH``). Raises ParameterInvalid for other URLs, without repeating the text.
    """
    if isinstance(where, Path):
        return _sqlite_engine(sa.URL.create("sqlite", database=str(where)))
    try:
        url = sa.make_url(where)
    except (exc.ArgumentError, ValueError):
        # The cause would carry the text, which may hold a password.
        raise ParameterInvalid("the catalogue's URL cannot be read", hint=_HINT) from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return _sqlite_engine(url)
    if url.drivername not in _MYSQL:
        raise ParameterInvalid(f"a catalogue cannot be kept in {url.drivername!r}", hint=_HINT)
    if not url.database:
        raise ParameterInvalid("the catalogue's URL names no database", hint=_HINT)
    password = url.password or ""
    if is_reference(password):
        url = url.set(password=Secret(password).reveal())
    url = url.set(drivername=f"{url.get_backend_name()}+pymysql").update_query_dict({"charset": "utf8mb4"})
    # A statement sees what others committed before it, so a row locked first is the newest one.
    return sa.create_engine(
        url, isolation_level="READ COMMITTED", pool_pre_ping=True, hide_parameters=True, connect_args={"connect_timeout": 10}
    )


_HINT = "write sqlite:///PATH or mysql://USER:env:NAME@HOST:3306/DATABASE"


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver starts no transactions of its own: `_begun` does
        _ensure_wal(connection)
        connection.execute("pragma synchronous = full")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        # A writer takes the lock at once: one that starts as a reader may find its view outdated when it comes to write.
        connection.exec_driver_sql("begin immediate" if connection.get_execution_options().get("write") else "begin")

    return engine


def _ensure_wal(connection: Any) -> None:
    # SQLite answers "locked" at once, whatever the timeout, when two processes change the journal's mode together.
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            if connection.execute("pragma journal_mode").fetchone()[0] == "wal":
                return
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that only reads."""
    with failures_in_words(engine), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that writes; durable when the block ends."""
    with failures_in_words(engine), durable("catalogue.commit"), engine.execution_options(write=True).begin() as connection:
        yield connection


@contextmanager
def failures_in_words(engine: sa.Engine) -> Iterator[None]:
    """Database failures as StoreUnavailable or StoreRejected. Uniqueness violations pass: the caller knows what was taken."""
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except exc.IntegrityError:
        raise
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise StoreUnavailable(f"the catalogue {where} does not answer: {_reason(error)}", hint="check that it can be reached") from None
    except exc.DBAPIError as error:
        raise StoreRejected(f"the catalogue {where} refused: {_reason(error)}") from None


def _reason(error: exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    arguments = [str(argument) for argument in cause.args if not isinstance(argument, int)]
    return arguments[0] if arguments else type(cause).__name__
