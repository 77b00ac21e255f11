"""No test may leave this machine. Python imports this file at its start when its folder is on PYTHONPATH, in child processes too.

The interpreter's audit events report every connection and every look-up of a name, whichever library makes them. Allowed are
Unix sockets, the loopback addresses, and the server that LOGSLUICE_TEST_MYSQL_URL names.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

__all__ = ["NetworkBlocked"]

_FLAG = "_logsluice_network_guard"
_WITH_ADDRESS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_WITH_HOST = {"socket.getaddrinfo", "socket.gethostbyname"}


class NetworkBlocked(RuntimeError):
    """A test tried to reach another machine."""


def _allowed_hosts() -> set[str]:
    hosts = {"", "localhost", "::1", "0.0.0.0", "::", socket.gethostname()}
    given = urlsplit(os.environ.get("LOGSLUICE_TEST_MYSQL_URL", "")).hostname
    if given:
        hosts.add(given)
        hosts.update(str(entry[4][0]) for entry in socket.getaddrinfo(given, None))
    return hosts


def _is_local(host: Any, allowed: set[str]) -> bool:
    if host is None:
        return True
    text = host.decode("idna") if isinstance(host, bytes) else str(host)
    text = text.partition("%")[0].removeprefix("::ffff:")
    return text in allowed or (text.startswith("127.") and text.replace(".", "").isdigit())


def _install() -> None:
    allowed = _allowed_hosts()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith("socket."):
            return
        if event in _WITH_ADDRESS:
            opened, address = arguments[0], arguments[1]
            if opened.family not in (socket.AF_INET, socket.AF_INET6) or address is None or _is_local(address[0], allowed):
                return
        elif event not in _WITH_HOST or _is_local(arguments[0], allowed):
            return
        raise NetworkBlocked(f"tests must stay on this machine: {event} {arguments[-1] if event in _WITH_ADDRESS else arguments[0]}")

    sys.addaudithook(hook)


if not hasattr(sys, _FLAG):  # a hook cannot be taken out again, so it must not be put in twice
    setattr(sys, _FLAG, True)
    _install()
