"""The home: one folder with the catalogue, the Logstores and everything else that a Logsluice on one machine keeps.

    .logsluice/
      catalogue.sqlite     projects, Logstores, ExternalStores, imports (unless a catalogue URL is given)
      logstores/PROJECT/   one Delta table a Logstore
      secrets/             passwords that were handed over once and are referred to as file:PATH
      dead-letters/        lines and logs that could not be taken, with the reason
      alerts/RULE/         events that nobody has taken yet

Only the launcher opens it; workers get descriptors.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from transforms import connectors
from transforms.core.durable import durable
from transforms.core.errors import AlreadyExists, NotFound, StoreUnavailable
from transforms.stores import names

if TYPE_CHECKING:
    from transforms.jobs.ledger import JobLedger
    from transforms.schedule.ledger import ScheduleLedger
    from transforms.stores.catalogue import Catalogue
    from transforms.stores.consumer_group import ConsumerGroups
    from transforms.stores.external_store import ExternalStore
    from transforms.stores.logstore import Logstore, LogstoreDescriptor

__all__ = ["DEFAULT_PROJECT", "Home", "default_path"]

DEFAULT_PROJECT = "default"


def default_path() -> Path:
    """``LOGSLUICE_HOME``, else ``.logsluice`` in the current folder."""
    return Path(os.environ.get("LOGSLUICE_HOME") or ".logsluice")


class Home:
    """An open home. Folders and the catalogue are made when they are first needed."""

    def __init__(self, path: Path, catalogue_url: str | None = None) -> None:
        self.path = path.expanduser().absolute()
        self._catalogue_url = catalogue_url
        self._catalogue: Catalogue | None = None
        self._schedule_ledger: ScheduleLedger | None = None
        self._job_ledger: JobLedger | None = None
        self._consumer_groups: dict[tuple[str, str], ConsumerGroups] = {}

    @classmethod
    def create(cls, path: Path, catalogue_url: str | None = None) -> Home:
        """Make a home with its folders and the project ``default``; one that exists is opened."""
        home = cls(path, catalogue_url)
        for folder in (home.logstores_dir, home.secrets_dir, home.dead_letters_dir):
            home._folder(folder)
        home.catalogue()
        return home

    @property
    def logstores_dir(self) -> Path:
        return self.path / "logstores"

    @property
    def secrets_dir(self) -> Path:
        return self.path / "secrets"

    @property
    def dead_letters_dir(self) -> Path:
        return self.path / "dead-letters"

    def catalogue(self) -> Catalogue:
        """The catalogue, opened once; it has the project ``default`` from its first opening on."""
        if self._catalogue is None:
            if self._catalogue_url is None:
                self._folder(self.path)
            catalogue = connectors.open_catalogue(self._where)
            if not catalogue.list_projects():
                with suppress(AlreadyExists):
                    catalogue.create_project(DEFAULT_PROJECT)
            self._catalogue = catalogue
        return self._catalogue

    def schedule_ledger(self) -> ScheduleLedger:
        """The ledger of scheduled SQL, opened once; it is in the catalogue's database."""
        if self._schedule_ledger is None:
            self.catalogue()  # makes the folder, and the project ``default``
            self._schedule_ledger = connectors.open_schedule_ledger(self._where)
        return self._schedule_ledger

    def job_ledger(self) -> JobLedger:
        """The ledger of continuous jobs, opened once; it is in the catalogue's database."""
        if self._job_ledger is None:
            self.catalogue()  # makes the folder, and the project ``default``
            self._job_ledger = connectors.open_job_ledger(self._where, lambda project, name: self.open_logstore(project, name).extents)
        return self._job_ledger

    def consumer_groups(self, project: str, logstore: str) -> ConsumerGroups:
        """The consumer groups of a Logstore, opened once; they are in the catalogue's database. Raises NotFound with the nearest name."""
        groups = self._consumer_groups.get((project, logstore))
        if groups is None:
            extents = self.open_logstore(project, logstore).extents  # a reader of its own, whose places nobody moves
            groups = connectors.open_consumer_groups(self._where, project, logstore, extents)
            self._consumer_groups[project, logstore] = groups
        return groups

    @property
    def catalogue_url(self) -> str | None:
        """Where the catalogue is when it is not in the home; may hold a password."""
        return self._catalogue_url

    @property
    def _where(self) -> str | Path:
        return self._catalogue_url or self.path / "catalogue.sqlite"

    def once_more(self) -> Home:
        """The same home, to be opened by another thread."""
        return Home(self.path, self._catalogue_url)

    def open_logstore(self, project: str, name: str) -> Logstore:
        """Open a Logstore by name. Raises NotFound with the nearest name."""
        return connectors.open_logstore(self.catalogue().logstore(project, name))

    def open_external_store(self, project: str, name: str) -> ExternalStore:
        """Open an ExternalStore by name. Raises NotFound with the nearest name."""
        return connectors.open_external_store(self.catalogue().external_store(project, name))

    def create_logstore(self, descriptor: LogstoreDescriptor) -> Logstore:
        """Make a Logstore: its storage first, then its name. An empty ``location`` means a folder in the home.

        Two processes that make the same name each make a folder of their own; who comes second to the catalogue drops its own
        again. A crash in between leaves a folder without a name, which stands in nobody's way.
        """
        names.check_logstore(descriptor.name)  # before it becomes a folder's name
        names.check_storage(descriptor)
        catalogue = self.catalogue()
        catalogue.list_logstores(descriptor.project)  # an unknown project is refused before anything is made
        own = not descriptor.location
        if own:
            descriptor = replace(descriptor, location=str(self._claim_folder(descriptor.project, descriptor.name)))
        else:
            _refuse_taken(descriptor)
        try:
            store = connectors.create_logstore(descriptor)
        except BaseException:
            # At a place the user named there may be somebody else's logs: only what was claimed here is taken away.
            if own:
                self._remove_folder(descriptor)
            raise
        try:
            with durable("home.create_logstore"):
                catalogue.create_logstore(descriptor)
        except BaseException:
            self._drop(descriptor)
            raise
        return store

    def delete_logstore(self, project: str, name: str) -> None:
        """Delete a Logstore with its logs: its name first, then its storage. A crash in between frees the name all the same."""
        if (groups := self._consumer_groups.pop((project, name), None)) is not None:
            groups.close()
        with durable("home.delete_logstore"):
            descriptor = self.catalogue().delete_logstore(project, name)
        with durable("home.drop_logstore"):
            self._drop(descriptor)

    def close(self) -> None:
        """Let go of the catalogue, the ledger and the consumer groups."""
        while self._consumer_groups:
            self._consumer_groups.popitem()[1].close()
        if self._schedule_ledger is not None:
            self._schedule_ledger.close()
            self._schedule_ledger = None
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def _claim_folder(self, project: str, name: str) -> Path:
        folder = self._folder(self.logstores_dir / project)
        number = 1
        while True:
            claimed = folder / (name if number == 1 else f"{name}.{number}")
            try:
                claimed.mkdir(mode=0o700)
            except FileExistsError:
                number += 1
            else:
                return claimed

    def _drop(self, descriptor: LogstoreDescriptor) -> None:
        if descriptor.kind != "delta" or not self._in_home(descriptor):
            connectors.drop_logstore(descriptor)
            self._remove_folder(descriptor)
            return
        # In one step out of the way: the folder's name is free while its files are removed, and whoever claims it keeps what is his.
        folder = Path(descriptor.location)
        gone = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
        with suppress(FileNotFoundError):
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _in_home(self, descriptor: LogstoreDescriptor) -> bool:
        return Path(descriptor.location).is_relative_to(self.logstores_dir)

    def _remove_folder(self, descriptor: LogstoreDescriptor) -> None:
        # A folder that cannot be removed is left over, without a name, and blocks nothing.
        if self._in_home(descriptor):
            shutil.rmtree(descriptor.location, ignore_errors=True)

    def _folder(self, path: Path) -> Path:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path == self.path or self.path in path.parents:
                self.path.chmod(0o700)
        except OSError as error:
            raise StoreUnavailable(
                f"the folder {path} cannot be made: {error.strerror}", hint="name another home with --home or LOGSLUICE_HOME"
            ) from error
        return path


def _refuse_taken(descriptor: LogstoreDescriptor) -> None:
    with suppress(NotFound):
        connectors.open_logstore(descriptor)
        raise AlreadyExists(
            f"there is a Logstore at {descriptor.location} already",
            hint="choose another --location; deleting one of two names for the same logs would delete them for both",
            code="LogStoreAlreadyExist",
        )
