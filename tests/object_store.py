"""A real S3 server on loopback (moto), with answers that can be lost on their way.

It runs in a process of its own: the table library's client keeps Python waiting while it opens a file, a server in the same
process too. ``object_store`` is one server for the whole run; each test takes a bucket of its own from it.
"""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["SECRET", "ObjectStore"]

SECRET = "s3cr3t/Key+VALUE=9d1f"
"""What the environment variable ``S3_SECRET`` holds while a test uses the server."""
_CONTROL = "/-control/"


class ObjectStore:
    """A running server, seen from the tests."""

    def __init__(self) -> None:
        root = Path(__file__).resolve().parents[1]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.object_store"], stdout=subprocess.PIPE, text=True, cwd=root)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), "the S3 server did not start: is moto[s3] installed, with flask and flask-cors?"
        self._numbers = itertools.count()

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"logs-{next(self._numbers)}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str) -> list[str]:
        """The objects in a bucket."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def client(self) -> Any:
        """The vendor's own client: what it sees does not come from the library under test."""
        import boto3

        return boto3.client("s3", endpoint_url=self.url, aws_access_key_id="reader", aws_secret_access_key=SECRET, region_name="us-east-1")

    def options(self, **more: str) -> dict[str, str]:
        """Storage options of a Logstore on this server."""
        return {
            "aws_endpoint_url": self.url, "aws_region": "us-east-1", "aws_access_key_id": "reader",
            "aws_secret_access_key": "env:S3_SECRET", **more,
        }  # fmt: skip

    def lose_next_commit(self) -> None:
        """The server takes the next log entry and answers 503."""
        self._control("lose")

    def requests(self) -> list[tuple[str, str]]:
        """(method, path) of the requests since this was last asked."""
        return [(method, path) for method, path in self._control("requests")]

    def close(self) -> None:
        self._process.terminate()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()

    def _control(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{_CONTROL}{what}") as answer:
            return json.load(answer)


class _Server:
    """The WSGI application in the server's process."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._lose = False
        self._requests: list[tuple[str, str]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path.startswith(_CONTROL):
            seen: list[tuple[str, str]] = []
            if path.endswith("lose"):
                self._lose = True
            else:
                seen, self._requests = self._requests, []
            start("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(seen).encode()]
        self._requests.append((method, path))
        if not (self._lose and method == "PUT" and "_delta_log/" in path):
            return self._app(environ, start)
        self._lose = False
        list(self._app(environ, lambda *_: lambda _data: None))
        start("503 Service Unavailable", [("Content-Length", "0")])
        return [b""]


def _serve() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = _Server(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, True, request_handler=MotoRequestHandler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


@pytest.fixture(scope="session")
def object_store_server() -> Iterator[ObjectStore]:
    server = ObjectStore()
    yield server
    server.close()


@pytest.fixture
def object_store(object_store_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The server, with ``S3_SECRET`` set and no other credentials in reach."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("S3_SECRET", SECRET)
    object_store_server.requests()
    return object_store_server


if __name__ == "__main__":
    _serve()
