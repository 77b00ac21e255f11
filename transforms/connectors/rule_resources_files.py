"""Files for rules: below a folder or in an object store, read whole, looked at again when they change.

`FilePlace` is where a job's files lie. Its ``BUCKET/FILE`` never leave that place, whatever a rule says.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from transforms.core.errors import NotFound, ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.core.secret import is_reference
from transforms.stores.rule_resources import FileRequest

__all__ = ["ChangingFile", "FileContent", "FilePlace", "file_at", "place_of", "threats"]

_MOST_BYTES = 2 * 2**30
_UNSURE_SECONDS = 2.0
"""A file that changed so shortly before it was looked at may change again without a sign: clocks of file systems are coarse."""


@dataclass(frozen=True)
class FilePlace:
    """One file: ``path`` below ``root`` (a folder or a URL), and how to get into an object store. Shows no secret.

    ``options``: of the object store's client; values may be references.
    """

    root: str
    path: str
    options: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"{self.root.rstrip('/')}/{self.path}"

    @property
    def local(self) -> Path | None:
        """The file on this machine; None in an object store. Raises ParameterInvalid when a link leads out of the root."""
        parts = urlsplit(self.root)
        if "://" in self.root and parts.scheme != "file":
            return None
        root = Path(unquote(parts.path) if parts.scheme == "file" else self.root).expanduser().resolve()
        found = (root / self.path).resolve()
        if not found.is_relative_to(root):
            raise ParameterInvalid(f"the file {self.path!r} is a link that leads out of the folder {root}")
        return found


@dataclass(frozen=True)
class FileContent:
    """A file's bytes and by what a change shows: (time of change in nanoseconds, bytes)."""

    content: bytes
    sign: tuple[int, int] | None
    looked: float


class ChangingFile:
    """A file that may change. `load` reads it, `refresh` reads it again when it has; both are called by one thread at a time."""

    def __init__(self, place: FilePlace) -> None:
        self._place = place
        self.name = f"the file {place!r}"

    def load(self) -> FileContent:
        """Raises NotFound, StoreRejected, StoreUnavailable, ParameterInvalid."""
        with _told(self._place):
            path = self._place.local
            return _of_path(path, self._place) if path is not None else _of_object(self._place)

    def refresh(self, old: FileContent) -> FileContent:
        """The same object when the file is the same."""
        with _told(self._place):
            path = self._place.local
            sign = _sign_of_path(path) if path is not None else _object(self._place)[1]
        sure = sign is not None and old.looked - sign[0] / 1e9 > _UNSURE_SECONDS
        if sign == old.sign and sure:
            return old
        new = self.load()
        return FileContent(old.content, new.sign, new.looked) if new.content == old.content else new


def place_of(files: str | None, request: FileRequest) -> FilePlace:
    """Where the file of a request lies. Raises ParameterInvalid for a name that leads elsewhere, NotFound without a place.

    Below ``files`` as ``BUCKET/FILE``. Where that is a bare scheme (``s3://``), or nothing and the request names an endpoint, the
    bucket is one of that object store.
    """
    path = _inner(request.file)
    _inner(request.bucket)
    if files is not None and not files.endswith("://"):
        return FilePlace(files, f"{request.bucket}/{path}", _options(request) if "://" in files and not files.startswith("file:") else ())
    if files is None and not request.endpoint:
        raise NotFound(
            f"no file {request.file!r} is at hand", hint="name the folder or URL of files in the job's resources (files: ./lookup)"
        )
    return FilePlace(f"{files or 's3://'}{request.bucket}", path, _options(request))


def file_at(where: str) -> FilePlace:
    """A path or URL of one file."""
    if "://" in where and not where.startswith("file:"):
        root, _, name = where.rpartition("/")
        return FilePlace(root, name)
    path = Path(unquote(urlsplit(where).path) if where.startswith("file:") else where).expanduser().absolute().resolve()
    return FilePlace(str(path.parent), path.name)


def threats(content: bytes, source: str) -> dict[tuple[str, str], bytes]:
    """(category, value) → what a JSON lines file (gzip or plain) says of it, as JSON. Raises ParameterInvalid naming the line."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = zlib.decompress(content, wbits=31)
        except zlib.error as error:
            raise ParameterInvalid(f"{source} is a damaged gzip file: {error}") from None
    found: dict[tuple[str, str], bytes] = {}
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not line.strip():
            continue
        try:
            told: Any = json.loads(line)
            category, value = told["category"], told["value"]
            if not (isinstance(category, str) and isinstance(value, str)):
                raise TypeError
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ParameterInvalid(
                f'{source}, line {number}: not a JSON object with the texts "category" and "value"',
                hint='{"category": "ip", "value": "203.0.113.9", "severity": 4}',
            ) from None
        found[category, threat_key(category, value)] = line
    return found


def threat_key(category: str, value: str) -> str:
    """An address or a name as threats are looked up by."""
    if category == "domain":
        return value.strip().rstrip(".").lower()
    if category == "ip":
        import ipaddress

        try:
            return str(ipaddress.ip_address(value.strip()))
        except ValueError:
            return value
    return value


def threat_of(line: bytes) -> Mapping[str, Any]:
    """What a line says, without what it is looked up by."""
    told: dict[str, Any] = json.loads(line)
    del told["category"], told["value"]
    return told


def _inner(name: str) -> str:
    """A name that stays below its place."""
    parts = name.split("/")
    if not name or name.startswith("/") or "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ParameterInvalid(
            f"{name!r} is no name of a bucket or of a file in one", hint="a file's name begins without a slash and has no `..` in it"
        )
    return name


def _options(request: FileRequest) -> tuple[tuple[str, str], ...]:
    options: dict[str, str] = {}
    if request.endpoint:
        options["aws_endpoint_url"] = request.endpoint if "://" in request.endpoint else f"https://{request.endpoint}"
        options["aws_region"] = os.environ.get("AWS_REGION") or "us-east-1"  # the client wants one, few servers look at it
    if request.ak_id and request.ak_key:
        options |= {"aws_access_key_id": request.ak_id, "aws_secret_access_key": request.ak_key}
    return tuple(options.items())


@contextmanager
def _told(place: FilePlace) -> Iterator[None]:
    """Errors of the file system as ours."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"there is no file {place!r}", hint="files lie below the resources' `files`, as BUCKET/FILE") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise StoreRejected(
            f"the file {place!r} cannot be read: {error.strerror or error}", hint="check its path and permissions"
        ) from None
    except OSError as error:
        text = str(error)
        kind = (
            StoreRejected
            if any(word in text for word in ("AccessDenied", "Forbidden", "SignatureDoesNotMatch", "InvalidAccessKey"))
            else None
        )
        raise (kind or StoreUnavailable)(
            f"the file {place!r} cannot be read: {text[:400]}", hint="check the endpoint and the keys"
        ) from None


def _sign_of_path(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _of_path(path: Path, place: FilePlace) -> FileContent:
    looked, sign = time.time(), _sign_of_path(path)
    _limit(sign[1], place)
    return FileContent(path.read_bytes(), sign, looked)


def _of_object(place: FilePlace) -> FileContent:
    looked = time.time()
    files, sign = _object(place)
    _limit(sign[1] if sign is not None else 0, place)
    with files.open_input_stream(place.path) as stream:
        return FileContent(bytes(stream.read()), sign, looked)


def _object(place: FilePlace) -> tuple[Any, tuple[int, int] | None]:
    """The file system of an object store, and the sign of the object there."""
    import pyarrow.fs

    from transforms.connectors.delta.object_files import SCHEMES, Scrub, file_system, resolved, told

    scheme = urlsplit(place.root).scheme
    if scheme not in SCHEMES:
        raise ParameterInvalid(f"files cannot lie at a location that begins with {scheme}://", hint=f"use one of {', '.join(SCHEMES)}")
    # A key that is no reference came from the job's parameters: it is a secret all the same.
    options, secrets = resolved(place.root, dict(place.options))
    plain = tuple(value for key, value in place.options if key == "aws_secret_access_key" and not is_reference(value))
    scrub = Scrub((*secrets, *plain))
    with told(scrub):
        files = file_system(place.root, options, scrub)
        info = files.get_file_info(place.path)
    if info.type != pyarrow.fs.FileType.File:
        raise FileNotFoundError(place.path)
    return files, None if info.mtime_ns is None else (int(info.mtime_ns), int(info.size or 0))


def _limit(size: int, place: FilePlace) -> None:
    if size > _MOST_BYTES:
        raise StoreRejected(f"the file {place!r} has {size:,} bytes; {_MOST_BYTES:,} are the most")
