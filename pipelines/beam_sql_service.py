"""The Java service that Beam's SqlTransform needs: found or started once for this process, and never left behind.

It is a jar: the user's own, or the one Beam publishes and keeps in its cache. A service that runs already is used as it is.
Everything that waits for it has a time limit.
"""

from __future__ import annotations

import atexit
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from transforms.core.errors import NotFound, ParameterInvalid, StoreUnavailable

__all__ = ["BeamSqlService", "is_serving", "running_service", "within"]

START_SECONDS = 180.0
"""A cold JVM takes ten seconds; on a machine under load much more."""
DOWNLOAD_SECONDS = 600.0
_SUPERVISED = 'exec 3<&0; (cat <&3 >/dev/null; kill -KILL $$ 2>/dev/null) & exec 3<&-; exec "$@" </dev/null'
"""Runs a command that ends when this process does, however that ends: then its standard input is closed."""
_GRADLE_TARGET = ":sdks:java:extensions:sql:expansion-service:shadowJar"

_lock = threading.Lock()
_running: dict[str, BeamSqlService] = {}
T = TypeVar("T")


class BeamSqlService:
    """A service process on a port of this machine, with a loopback worker in it.

    Raises StoreUnavailable when it does not come up; NotFound when there is no Java or no jar.
    """

    def __init__(self, jar: Path) -> None:
        if not jar.is_file():
            raise NotFound(f"there is no file {jar}", hint="--beam_sql_jar is the path of a jar with Beam's SQL expansion service")
        java = shutil.which("java")
        if java is None:
            raise NotFound("there is no Java for the engine beam-sql", hint="install Java 11 or newer, or leave --sql-engine away")
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the process)
        port = _free_port()
        self.address = f"localhost:{port}"
        command = [java, "-XX:+UseSerialGC", "-Xshare:auto", "-jar", str(jar), str(port), "--alsoStartLoopbackWorker"]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISED, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        atexit.register(self.stop)
        try:
            self._wait(port)
        except BaseException:
            self.stop()
            raise

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive:
                raise StoreUnavailable(f"the Java service of beam-sql ended at its start: {self.last_words()}", hint="is it the right jar?")
            try:
                with socket.create_connection(("localhost", port), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise StoreUnavailable(f"the Java service of beam-sql did not answer within {START_SECONDS:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """The last line it wrote that says something."""
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        told = [line for line in lines if "rror" in line or "xception" in line]
        return (told or lines or ["it said nothing"])[-1][:300]

    def stop(self) -> None:
        """End the process. May be called again."""
        atexit.unregister(self.stop)
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        if self.alive:
            self._process.kill()
        self._process.wait(timeout=10)
        self._log.close()


def running_service(jar: str | None, address: str | None) -> str:
    """Address of a service that answers: the given one, or one of this process, started from the jar or from Beam's own, and kept.

    Raises StoreUnavailable, NotFound, ParameterInvalid.
    """
    if address is not None:
        return _answering(address)
    with _lock:
        path = Path(jar) if jar is not None else Path(within(DOWNLOAD_SECONDS, "the download of Beam's SQL service", _published_jar))
        service = _running.get(str(path))
        if service is None or not service.alive:
            service = _running[str(path)] = BeamSqlService(path)
        return service.address


def is_serving(address: str) -> bool:
    """Whether a service of this process still runs; of others nothing is known, so they count as running."""
    return next((service.alive for service in _running.values() if service.address == address), True)


def _answering(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ParameterInvalid(f"{address!r} is no address of a service", hint="write host:port")
    try:
        with socket.create_connection((host, int(port)), timeout=10):
            return address
    except OSError as error:
        raise StoreUnavailable(f"the Java service of beam-sql at {address} does not answer: {error}", hint="is it started?") from error


def _published_jar() -> str:
    """Beam's own jar of this version, fetched once into Beam's cache."""
    from apache_beam.utils.subprocess_server import JavaJarServer

    try:
        return str(JavaJarServer.local_jar(JavaJarServer.path_to_beam_jar(_GRADLE_TARGET)))
    except Exception as error:
        raise StoreUnavailable(
            f"Beam's SQL service cannot be downloaded: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            hint="give --beam_sql_jar, a jar of your own, or --beam_sql_service host:port; or leave --sql-engine away",
        ) from error


def within(
    seconds: float,
    what: str,
    call: Callable[[], T],
    alive: Callable[[], bool] = lambda: True,
    hint: str = "a longer limit: --beam_sql_timeout SECONDS",
) -> T:
    """The result of a call that may hang for ever: after some seconds, or when ``alive`` says no, StoreUnavailable is raised.

    The call goes on in a thread that does not keep the process.
    """
    result: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(call())
        except BaseException as error:  # noqa: BLE001  (raised again by who waits)
            failure.append(error)

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    deadline = time.monotonic() + seconds
    while thread.is_alive():
        thread.join(0.2)
        if thread.is_alive() and time.monotonic() > deadline:
            raise StoreUnavailable(f"{what} took more than {seconds:.0f} s", hint=hint)
        if thread.is_alive() and not alive():
            raise StoreUnavailable(f"the Java service of beam-sql died during {what}", hint="try again; the embedded engine needs no Java")
    if failure:
        raise failure[0]
    return result[0]  # type: ignore[no-any-return]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
