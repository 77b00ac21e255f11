"""The suite cannot leave the machine: not in this process, not in a child, not through a library."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

FAR = "192.0.2.1"  # reserved for documentation: nobody answers there
ATTEMPTS = [
    f"socket.create_connection(('{FAR}', 80), timeout=1)",
    f"socket.socket().connect_ex(('{FAR}', 80))",
    f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{FAR}', 53))",
    "socket.getaddrinfo('example.org', 80)",
    "socket.gethostbyname('example.org')",
    "__import__('urllib.request').request.urlopen('http://example.org', timeout=1)",
    f"__import__('pymysql').connect(host='{FAR}', connect_timeout=1)",
]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_blocked_here(attempt: str) -> None:
    with pytest.raises(RuntimeError, match="tests must stay on this machine"):
        eval(attempt, {"socket": socket})


def test_blocked_in_child_processes() -> None:
    program = (
        "import socket\nblocked = 0\n"
        f"for attempt in {ATTEMPTS!r}:\n    try:\n        eval(attempt)\n"
        "    except RuntimeError as error:\n        blocked += type(error).__name__ == 'NetworkBlocked'\nprint(blocked)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str(len(ATTEMPTS))


def test_this_machine_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(("localhost", server.getsockname()[1]), timeout=5):
        pass
    one, other = socket.socketpair()
    one.close()
    other.close()
