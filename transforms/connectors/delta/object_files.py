"""Files of an object store, through the table library's own client: one set of options for commits, writing and reading.

What the client reports may quote a request, and a request a signature: errors leave this file in one line and without secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from transforms.core.errors import ParameterInvalid, StoreUnavailable
from transforms.core.secret import MASK, Secret, is_reference
from transforms.core.suggest import suggestion
from transforms.stores.logstore import DataFile

__all__ = ["SCHEMES", "ObjectFiles", "Scrub", "file_system", "resolved", "told"]

SCHEMES = ("s3", "s3a", "gs", "az", "abfs", "abfss", "azure", "adl")
"""What a Logstore's location may begin with, beside ``file``."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SIGNED = re.compile(r"(?i)\b(sig|x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|access_token)=[^&\s\"')]+")


@dataclass(frozen=True)
class ObjectFiles:
    """How a reader on any machine opens the data files below ``url``. Holds references, no secret.

    ``options``: (key, value) pairs; values may be ``env:NAME`` or ``file:PATH``.
    """

    url: str
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def file_system(self) -> Any:
        """The Arrow file system; references are resolved now.

        Raises ParameterInvalid for one that cannot be had, StoreUnavailable when the client refuses the options.
        """
        options, secrets = resolved(self.url, dict(self.options))
        try:
            return file_system(self.url, options, Scrub(secrets))
        except OSError as error:
            raise StoreUnavailable(f"the data files at {self.url} cannot be opened: {error}", hint="check the storage options") from error

    def relative(self, file: DataFile) -> str:
        """The file's path in that file system."""
        return file.path.removeprefix(self.url + "/")


class Scrub:
    """Takes secrets out of what the client says."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), quote(secret)) if len(secret) > 3}
        self._secrets = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        text = " ".join(part for part in _ANSI.sub("", text).split() if part != "↳")
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return _SIGNED.sub(rf"\1={MASK}", text)

    def error(self, error: Exception) -> Exception:
        """The same error, its own text scrubbed in place: a traceback shows causes too."""
        error.args = (self(str(error)),)
        return error


def resolved(url: str, options: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Options as the client takes them, and which of their values are secrets.

    Commits on S3 are safe unless the options say otherwise: a log entry is put only where there is none. An endpoint that is
    written with ``http://`` is taken at its word.
    """
    scheme = urlsplit(url).scheme
    if scheme not in (*SCHEMES, "file"):
        raise ParameterInvalid(
            f"a Logstore cannot lie at a location that begins with {scheme}://",
            hint=suggestion(scheme, SCHEMES, "scheme") or "use s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH or a folder",
        )
    out, secrets = {}, []
    for key, value in options.items():
        out[key] = Secret(value).reveal() if is_reference(value) else value
        if is_reference(value):
            secrets.append(out[key])
    given = {key.casefold().removeprefix("aws_"): value for key, value in out.items()}
    if scheme in ("s3", "s3a"):
        if not given.keys() & {"conditional_put", "s3_allow_unsafe_rename", "s3_locking_provider"}:
            out["aws_conditional_put"] = "etag"
        if given.get("endpoint_url", given.get("endpoint", "")).startswith("http://") and "allow_http" not in given:
            out["aws_allow_http"] = "true"
    return out, tuple(secrets)


def file_system(url: str, options: dict[str, str], scrub: Scrub) -> Any:
    """The objects below a URL as an Arrow file system. Raises OSError with what the client says about the options."""
    import pyarrow as pa
    import pyarrow.fs
    from deltalake.fs import DeltaStorageHandler

    class Files(DeltaStorageHandler):
        """Opens files whose errors are scrubbed."""

        def open_input_file(self, path: str) -> Any:
            with told(scrub):
                return pa.PythonFile(_Reader(self._handler.open_input_file(path), scrub), mode="r")

        open_input_stream = open_input_file

    with told(scrub):
        return pyarrow.fs.PyFileSystem(Files(url, options or None))


class told:  # noqa: N801 - reads as a phrase: with told(scrub)
    """A block whose OSErrors are scrubbed."""

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, Exception):
            self._scrub.error(error)


class _Reader:
    """A file that is read in pieces."""

    def __init__(self, file: Any, scrub: Scrub) -> None:
        self._file = file
        self._scrub = scrub
        self.closed = False

    def read(self, size: int = -1) -> Any:
        with told(self._scrub):
            return self._file.read(size) if size >= 0 else self._file.read()

    def seek(self, offset: int, whence: int = 0) -> Any:
        return self._file.seek(offset, whence)

    def tell(self) -> Any:
        return self._file.tell()

    def size(self) -> Any:
        return self._file.size()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def flush(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        self.closed = True
        self._file.close()
