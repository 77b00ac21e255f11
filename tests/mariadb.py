"""A private MariaDB server for the tests: real tables, real types, restarted and killed at will.

`mariadb` is a session fixture. It starts `mariadbd` from PATH, from /usr/sbin or from `.venv/mariadb` in a temporary folder, on the
loopback address only, and the kernel ends the server with the test process. `LOGSLUICE_TEST_MYSQL_URL` (mysql://user:password@host:port)
names a running server instead; tests that restart the server need the private one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

__all__ = ["Database", "MariadbServer", "mariadb"]

_MISSING = (
    "no MariaDB server for the tests: `./run_local.sh setup` unpacks one into .venv/mariadb, or `apt-get install mariadb-server`, "
    "or set LOGSLUICE_TEST_MYSQL_URL=mysql://user:password@host:port"
)
_REPOSITORY = Path(__file__).resolve().parents[1]
# Runs the server under a request to the kernel to end it with its parent, whatever happens to the parent.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); "
    "os.getppid() == int(sys.argv[1]) or sys.exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)
_ACCESS_DENIED = 1045


@dataclass(frozen=True)
class Database:
    """A fresh database with its own user, who may do anything in it."""

    host: str
    port: int
    name: str
    user: str
    password: str

    def connect(self, **options: Any) -> Any:
        return pymysql.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, database=self.name, charset="utf8mb4", **options
        )

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Run statements and commit; the rows of the last one."""
        rows: tuple[tuple[Any, ...], ...] = ()
        with contextlib.closing(self.connect(autocommit=True)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = tuple(cursor.fetchall())
        return rows

    def parameter(self, table: str, **more: str) -> dict[str, str]:
        """The parameters of an ExternalStore on one table, the password's text included."""
        return {
            "region": "",
            "vpc-id": "",
            "instance-id": "",
            "host": self.host,
            "port": str(self.port),
            "username": self.user,
            "password": self.password,
            "db": self.name,
            "table": table,
            **more,
        }


class MariadbServer:
    """One server process and its folder."""

    def __init__(self, folder: Path) -> None:
        self.host = "127.0.0.1"
        self.user = "root"
        self.password = secrets.token_hex(8)
        self._folder = folder
        self._daemon = _program("mariadbd", "mysqld")
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind((self.host, 0))
            self.port = int(probe.getsockname()[1])
        self._install()
        self.start()

    @property
    def url(self) -> str:
        return f"mysql://{self.user}:{self.password}@{self.host}:{self.port}"

    @property
    def socket_path(self) -> Path:
        return self._folder / "server.sock"

    def _install(self) -> None:
        script = _program("mariadb-install-db", "mysql_install_db")
        prefix = script.parents[1]
        options = ["--no-defaults", f"--datadir={self._folder / 'data'}", "--auth-root-authentication-method=normal", "--skip-test-db"]
        if prefix != Path("/usr") and (prefix / "share").is_dir():
            options.append(f"--basedir={prefix}")
        self._run([str(script), *options, *_user_option()])
        boot = self._folder / "boot.sql"
        boot.write_text(
            f"alter user root@localhost identified by '{self.password}';\n"
            f"create or replace user root@'127.0.0.1' identified by '{self.password}';\n"
            "grant all on *.* to root@'127.0.0.1' with grant option;\n"
        )
        boot.chmod(0o600)

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def start(self) -> None:
        boot = self._folder / "boot.sql"
        prefix = self._daemon.parents[1]
        options = [
            "--no-defaults",
            f"--datadir={self._folder / 'data'}",
            f"--socket={self.socket_path}",
            f"--port={self.port}",
            f"--bind-address={self.host}",
            f"--pid-file={self._folder / 'server.pid'}",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=2",
            "--loose-innodb-flush-method=nosync",  # a killed server loses nothing by it, only a machine without power would
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            "--key-buffer-size=8M",
            "--performance-schema=OFF",
            "--character-set-server=utf8mb4",
        ]
        if boot.exists():
            options.append(f"--init-file={boot}")
        if prefix != Path("/usr") and (prefix / "share").is_dir():
            options.append(f"--basedir={prefix}")
        log = (self._folder / "server.log").open("ab")
        with log:
            command = [sys.executable, "-I", "-c", _DIE_WITH_PARENT, str(os.getpid()), str(self._daemon), *options, *_user_option()]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._wait_until_ready()
        boot.unlink(missing_ok=True)

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + 60
        while True:
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"mariadbd did not start: {(self._folder / 'server.log').read_text(errors='replace')[-3000:]}")
            try:
                self._connect().close()
                return
            except pymysql.err.OperationalError as error:
                if error.args[0] == _ACCESS_DENIED:
                    raise
                time.sleep(0.03)

    def _connect(self) -> Any:
        return pymysql.connect(host=self.host, port=self.port, user=self.user, password=self.password, autocommit=True, charset="utf8mb4")

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Run statements as the administrator; the rows of the last one."""
        rows: tuple[tuple[Any, ...], ...] = ()
        with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = tuple(cursor.fetchall())
        return rows

    def database(self) -> Database:
        """A fresh database and a user of its own."""
        name = f"t_{secrets.token_hex(6)}"
        password = f"pw-{secrets.token_hex(8)}"
        self.execute(
            f"create database {name} character set utf8mb4",
            f"create user {name}@'%' identified by '{password}'",
            f"grant all on {name}.* to {name}@'%'",
        )
        return Database(self.host, self.port, name, name, password)

    def kill(self) -> None:
        """The server dies at once, as with a power cut."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=30)
        self._process = None


class _GivenServer(MariadbServer):
    """A server that somebody else runs: it is neither started nor stopped here."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 3306
        self.user = unquote(parts.username or "root")
        self.password = unquote(parts.password or "")
        self._connect().close()

    def start(self) -> None:
        pytest.fail("this test starts and stops the server: unset LOGSLUICE_TEST_MYSQL_URL to let the suite run its own")

    stop = kill = restart = start


def _program(*names: str) -> Path:
    private = _REPOSITORY / ".venv" / "mariadb"
    places = [private / "usr" / "sbin", private / "usr" / "bin", private / "sbin", private / "bin", private / "scripts"]
    search = os.pathsep.join([*map(str, places), os.environ.get("PATH", ""), "/usr/sbin"])
    for name in names:
        found = shutil.which(name, path=search)
        if found:
            return Path(found)
    pytest.fail(_MISSING)


def _user_option() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariadbServer]:
    """The server of this test run."""
    given = os.environ.get("LOGSLUICE_TEST_MYSQL_URL")
    if given:
        yield _GivenServer(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="logsluice-mariadb-"))
    try:
        server = MariadbServer(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
