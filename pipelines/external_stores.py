"""Registering ExternalStores in a home: where their passwords and uploaded files are kept, and in which order things are written.

A password given as text goes to a file of its own in the home's secrets folder, readable by its owner only; the catalogue holds
`file:` and that path. New files are written before the catalogue names them and removed after it forgets them, so that a crash leaves
at most a file that nobody names; it is removed when the store is next changed.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from transforms.core.durable import durable
from transforms.core.errors import NotFound, ParameterInvalid, StoreUnavailable
from transforms.core.secret import Secret
from transforms.stores.external_store_config import ExternalStoreConfig, config_json, parse_config, with_parameter

if TYPE_CHECKING:
    from pipelines.home import Home
    from transforms.stores.external_store import ExternalStoreDescriptor

__all__ = ["create_store", "delete_store", "list_stores", "read_config", "store_json", "update_store"]

_ABANDONED_SECONDS = 60.0
_LARGEST_CONFIG = 32 * 2**20
_LARGEST_PAGE = 500


def read_config(argument: str) -> ExternalStoreConfig:
    """The configuration behind ``--config``: ``file://PATH``, ``-`` (standard input), or JSON itself.

    JSON on the command line must not contain a password's text: every user of the machine can read it there.
    """
    if argument == "-":
        return parse_config(sys.stdin.read(), "standard input")
    if argument.startswith("file:"):
        path = Path(argument.removeprefix("file:").removeprefix("//")).expanduser()
        return parse_config(_read(path), str(path))
    if not argument.lstrip().startswith(("{", '"', "[")):
        hint = f"write file://{argument}" if Path(argument).is_file() else "give file:///path/config.json, or the JSON itself"
        raise ParameterInvalid("--config is neither a file:// address nor JSON", hint=hint)
    config = parse_config(argument)
    if config.secret is not None:
        raise ParameterInvalid(
            "a password on the command line can be read by everybody on this machine; it was not stored",
            hint="put the configuration into a file (--config file:///path/config.json), or write the password as env:NAME or file:PATH; "
            "change this password if others use this machine",
        )
    return config


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_CONFIG + 1)
    except OSError as error:
        raise ParameterInvalid(f"the configuration {path} cannot be read: {error.strerror}", hint="check the path after file://") from None
    if len(content) > _LARGEST_CONFIG:
        raise ParameterInvalid(f"the configuration {path} is larger than 32 MB", hint="name a CSV file with the parameter path instead")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ParameterInvalid(f"the configuration {path} is not UTF-8 at byte {error.start}", hint="save it as UTF-8") from None


def create_store(home: Home, project: str, config: ExternalStoreConfig) -> None:
    """Register a store. AlreadyExists when a Logstore or ExternalStore has the name."""
    catalogue = home.catalogue()
    with _project_hint(project):
        catalogue.list_external_stores(project, size=1)
        descriptor = _keep_files(home, project, config)
        try:
            with durable("external-store.create"):
                catalogue.create_external_store(project, descriptor)
        except BaseException:
            _remove_files(home, descriptor)
            raise
    _sweep(home, project, descriptor)


def update_store(home: Home, project: str, config: ExternalStoreConfig) -> None:
    """Replace all parameters of a store; its old password file goes."""
    catalogue = home.catalogue()
    with _project_hint(project):
        old = catalogue.external_store(project, config.descriptor.name)
        descriptor = _keep_files(home, project, config)
        try:
            with durable("external-store.update"):
                catalogue.update_external_store(project, descriptor)
        except BaseException:
            _remove_files(home, descriptor)
            raise
    _remove_files(home, old, keep=descriptor)
    _sweep(home, project, descriptor)


def delete_store(home: Home, project: str, name: str) -> None:
    """Forget a store, its password and its uploaded file. The table in the database stays."""
    catalogue = home.catalogue()
    with _project_hint(project):
        old = catalogue.external_store(project, name)
        with durable("external-store.delete"):
            catalogue.delete_external_store(project, name)
    _remove_files(home, old)
    _sweep(home, project, old, all_of_it=True)


def store_json(home: Home, project: str, name: str) -> dict[str, Any]:
    """The store's configuration without its password; a reference the user gave is shown."""
    with _project_hint(project):
        descriptor = home.catalogue().external_store(project, name)
    return config_json(descriptor, show_reference=not _is_own(home, descriptor.password))


def list_stores(home: Home, project: str, pattern: str, offset: int, size: int) -> dict[str, Any]:
    """One page: ``{count, total, externalstores: [names]}``; ``size`` −1 gives all, otherwise at most 500."""
    if size > _LARGEST_PAGE:
        raise ParameterInvalid(f"a page has at most {_LARGEST_PAGE} names, not {size}", hint="--size -1 gives all")
    with _project_hint(project):
        page = home.catalogue().list_external_stores(project, pattern, offset, size)
    return {"count": len(page.names), "total": page.total, "externalstores": list(page.names)}


@contextmanager
def _project_hint(project: str) -> Iterator[None]:
    """Tells how to make a project that does not exist."""
    try:
        yield
    except NotFound as error:
        if error.code == "ProjectNotExist" and "project create" not in (error.hint or ""):
            make = f"create it with: logsluice project create {project}"
            error.hint = f"{error.hint}; {make}" if error.hint else make
        raise


def _prefix(project: str, name: str) -> str:
    return f"{quote(project, safe='')}.{quote(name, safe='')}."


def _uploads(home: Home) -> Path:
    return home.path / "external-stores"


def _keep_files(home: Home, project: str, config: ExternalStoreConfig) -> ExternalStoreDescriptor:
    """The descriptor with paths made absolute, its secret and its upload in files."""
    descriptor = config.descriptor
    if descriptor.password.reference.startswith("file:"):
        path = Path(descriptor.password.reference.removeprefix("file:").removeprefix("//")).expanduser().absolute()
        descriptor = with_parameter(descriptor, Secret(f"file:{path}"))
    for key, kind in (("db", "sqlite"), ("path", "csv")):
        if descriptor.kind == kind and descriptor.parameter.get(key):
            value = descriptor.parameter[key].removeprefix("file://")
            descriptor = with_parameter(descriptor, None, {key: str(Path(value).expanduser().absolute())})
    stem = f"{_prefix(project, descriptor.name)}{secrets.token_hex(6)}"
    if config.secret is not None:
        target = home.secrets_dir / stem
        with durable("external-store.secret"):
            _write_private(target, config.secret.encode())
        descriptor = with_parameter(descriptor, Secret(f"file:{target}"))
    if config.csv is not None:
        target = _uploads(home) / f"{stem}.csv"
        with durable("external-store.upload"):
            _write_private(target, config.csv)
        descriptor = with_parameter(descriptor, None, {"path": str(target)})
    return descriptor


def _write_private(target: Path, content: bytes) -> None:
    """Write whole or not at all, readable by the owner only."""
    passing = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        passing.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            passing.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"{target.parent} cannot be written: {error.strerror}", hint="check the home's permissions and free space"
        ) from None


def _own_files(home: Home, descriptor: ExternalStoreDescriptor) -> set[Path]:
    files = {Path(descriptor.password.reference.removeprefix("file:"))} if _is_own(home, descriptor.password) else set()
    upload = Path(descriptor.parameter.get("path", ""))
    return files | ({upload} if upload.parent == _uploads(home) else set())


def _is_own(home: Home, password: Secret) -> bool:
    kind, _, path = password.reference.partition(":")
    return kind == "file" and Path(path).parent == home.secrets_dir


def _remove_files(home: Home, descriptor: ExternalStoreDescriptor, keep: ExternalStoreDescriptor | None = None) -> None:
    kept = _own_files(home, keep) if keep is not None else set()
    for path in _own_files(home, descriptor) - kept:
        # What cannot be removed now is swept when the store is next changed.
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _sweep(home: Home, project: str, descriptor: ExternalStoreDescriptor, all_of_it: bool = False) -> None:
    """Remove what crashes have left under the store's name; files of a registration that is under way are younger."""
    kept = set() if all_of_it else _own_files(home, descriptor)
    prefix = _prefix(project, descriptor.name)
    for folder in (home.secrets_dir, _uploads(home)):
        for path in folder.glob("*") if folder.is_dir() else ():
            if path.name.removeprefix(".").startswith(prefix) and path not in kept:
                with suppress(OSError):
                    if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                        path.unlink()
