"""The catalogue in a database: SQLite in the home, or MySQL for several machines. Adapter of `transforms.stores.catalogue`.

Every writing method first locks the project's row (SQLite: the whole file), so that racing processes come one after the other
and never deadlock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from transforms.connectors import sql_catalogue_imports as imports
from transforms.connectors import sql_catalogue_transforms as transforms
from transforms.connectors.sql_catalogue_engine import failures_in_words, make_engine, reading, writing
from transforms.connectors.sql_catalogue_schema import (
    consumer,
    consumer_group,
    external_store,
    import_lane,
    import_run,
    logstore,
    migrate,
    name,
    project,
    schedule_task,
    seat,
)
from transforms.connectors.sql_job_tables import job
from transforms.core.errors import AlreadyExists, NotFound, UserError
from transforms.core.secret import Secret
from transforms.core.suggest import suggestion
from transforms.stores import names
from transforms.stores.catalogue import ImportRun, Page
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.index import Index
from transforms.stores.logstore import LogstoreDescriptor, Telemetry
from transforms.stores.shard import Shard
from transforms.stores.transform_ledger import TransformRun

__all__ = ["SqlCatalogue", "open_sql_catalogue"]

_LOGSTORE = "logstore"
_EXTERNAL_STORE = "external_store"
_CODES = {_LOGSTORE: ("Logstore", "LogStoreNotExist"), _EXTERNAL_STORE: ("ExternalStore", "ExternalStoreNotExist")}


def open_sql_catalogue(where: str | Path) -> SqlCatalogue:
    """Open a catalogue by URL or by the path of its SQLite file; its tables are made or migrated.

    Errors as in `make_engine` and `migrate`.
    """
    engine = make_engine(where)
    with failures_in_words(engine):
        migrate(engine)
    return SqlCatalogue(engine)


class SqlCatalogue:
    """A `Catalogue` in a database with the newest tables."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        self._engine.dispose()

    # Projects

    def create_project(self, project_name: str, description: str = "") -> None:
        names.check_project(project_name)
        try:
            with writing(self._engine) as connection:
                connection.execute(project.insert().values(project=project_name, description=description))
        except IntegrityError:
            raise AlreadyExists(f"the project {project_name!r} exists already", code="ProjectAlreadyExist") from None

    def list_projects(self) -> tuple[str, ...]:
        with reading(self._engine) as connection:
            return tuple(sorted(connection.execute(sa.select(project.c.project)).scalars()))

    def delete_project(self, project_name: str) -> None:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            left = connection.execute(sa.select(name.c.name).where(name.c.project == project_name).order_by(name.c.name)).scalars().all()
            if left:
                raise UserError(
                    f"the project {project_name!r} is not empty: it has {', '.join(left[:5])}{' …' if len(left) > 5 else ''}",
                    hint="delete its Logstores and ExternalStores first",
                    code="ProjectNotEmpty",
                )
            tasks = connection.execute(sa.select(schedule_task.c.name).where(schedule_task.c.project == project_name)).scalars().all()
            if tasks:
                raise UserError(
                    f"the project {project_name!r} has scheduled SQL: {', '.join(sorted(tasks)[:5])}{' …' if len(tasks) > 5 else ''}",
                    hint="delete its tasks first, with `task delete`",
                    code="ProjectNotEmpty",
                )
            jobs = connection.execute(sa.select(job.c.name).where(job.c.project == project_name)).scalars().all()
            if jobs:
                raise UserError(
                    f"the project {project_name!r} has jobs: {', '.join(sorted(jobs)[:5])}{' …' if len(jobs) > 5 else ''}",
                    hint="delete its jobs first, with `job delete`",
                    code="ProjectNotEmpty",
                )
            connection.execute(project.delete().where(project.c.project == project_name))

    # Logstores

    def create_logstore(self, descriptor: LogstoreDescriptor) -> None:
        names.check_logstore(descriptor.name)
        names.check_storage(descriptor)
        values = {
            "kind": descriptor.kind,
            "location": descriptor.location,
            "shards": json.dumps([[shard.id, f"{shard.begin:x}", f"{shard.end:x}"] for shard in descriptor.shards]),
            "retention_days": descriptor.retention_days,
            "index_json": _index_text(descriptor.index),
            "storage_options": json.dumps(dict(descriptor.storage_options)),
            "telemetry": descriptor.telemetry,
        }
        self._create(logstore, _LOGSTORE, descriptor.project, descriptor.name, values)

    def logstore(self, project_name: str, logstore_name: str) -> LogstoreDescriptor:
        with reading(self._engine) as connection:
            return _descriptor(_row(connection, logstore, _LOGSTORE, project_name, logstore_name))

    def every_logstore(self) -> tuple[LogstoreDescriptor, ...]:
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(logstore)).all()
        return tuple(sorted((_descriptor(row) for row in rows), key=lambda found: (found.project, found.name)))

    def list_logstores(
        self, project_name: str, pattern: str = "", offset: int = 0, size: int = -1, *, telemetry: Telemetry | None = None
    ) -> Page:
        wanted = [] if telemetry is None else [logstore.c.telemetry == telemetry]
        return self._list(logstore, project_name, pattern, offset, size, *wanted)

    def update_logstore(
        self, project_name: str, logstore_name: str, *, retention_days: int | None, index: Index | None
    ) -> LogstoreDescriptor:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            _row(connection, logstore, _LOGSTORE, project_name, logstore_name)
            connection.execute(
                logstore.update()
                .where(logstore.c.project == project_name, logstore.c.name == logstore_name)
                .values(retention_days=retention_days, index_json=_index_text(index))
            )
            return _descriptor(_row(connection, logstore, _LOGSTORE, project_name, logstore_name))

    def delete_logstore(self, project_name: str, logstore_name: str) -> LogstoreDescriptor:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            descriptor = _descriptor(_row(connection, logstore, _LOGSTORE, project_name, logstore_name))
            _refuse_read(connection, project_name, logstore_name)
            for table in (import_run, import_lane, consumer_group, consumer, seat):
                connection.execute(table.delete().where(table.c.project == project_name, table.c.logstore == logstore_name))
            _delete(connection, logstore, project_name, logstore_name)
            return descriptor

    # ExternalStores

    def create_external_store(self, project_name: str, descriptor: ExternalStoreDescriptor) -> None:
        names.check_external_store(descriptor.name)
        self._create(external_store, _EXTERNAL_STORE, project_name, descriptor.name, _external_values(descriptor))

    def external_store(self, project_name: str, store_name: str) -> ExternalStoreDescriptor:
        with reading(self._engine) as connection:
            row = _row(connection, external_store, _EXTERNAL_STORE, project_name, store_name)
        return ExternalStoreDescriptor(row.name, row.kind, json.loads(row.parameter), Secret(row.password_reference))

    def list_external_stores(self, project_name: str, pattern: str = "", offset: int = 0, size: int = -1) -> Page:
        return self._list(external_store, project_name, pattern, offset, size)

    def update_external_store(self, project_name: str, descriptor: ExternalStoreDescriptor) -> None:
        values = _external_values(descriptor)
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            _row(connection, external_store, _EXTERNAL_STORE, project_name, descriptor.name)
            connection.execute(
                external_store.update()
                .where(external_store.c.project == project_name, external_store.c.name == descriptor.name)
                .values(values)
            )

    def delete_external_store(self, project_name: str, store_name: str) -> None:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            _row(connection, external_store, _EXTERNAL_STORE, project_name, store_name)
            _delete(connection, external_store, project_name, store_name)

    # Imports

    def start_import(self, project_name: str, logstore_name: str, import_id: str) -> ImportRun:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            _row(connection, logstore, _LOGSTORE, project_name, logstore_name)
            return imports.start(connection, project_name, logstore_name, import_id)

    def record_import(self, project_name: str, run: ImportRun) -> None:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            imports.record(connection, project_name, run)

    def forget_import(self, project_name: str, logstore_name: str, import_id: str) -> None:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            imports.forget(connection, project_name, logstore_name, import_id)

    def list_imports(self, project_name: str, logstore_name: str) -> Sequence[ImportRun]:
        with reading(self._engine) as connection:
            _row(connection, logstore, _LOGSTORE, project_name, logstore_name)
            return imports.every(connection, project_name, logstore_name)

    # Transformation jobs

    def start_transform(self, project_name: str, run: TransformRun, *, finished: int | None = None) -> TransformRun:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            return transforms.start(connection, project_name, run, finished)

    def record_transform(self, project_name: str, run: TransformRun) -> None:
        with writing(self._engine) as connection:
            _lock_project(connection, project_name)
            transforms.record(connection, project_name, run)

    def list_transforms(self, project_name: str, job: str) -> Sequence[TransformRun]:
        with reading(self._engine) as connection:
            return transforms.every(connection, project_name, job)

    def list_transform_jobs(self, project_name: str) -> Sequence[str]:
        with reading(self._engine) as connection:
            return transforms.jobs(connection, project_name)

    # What Logstores and ExternalStores share

    def _create(self, table: sa.Table, kind: str, project_name: str, new: str, values: dict[str, Any]) -> None:
        try:
            with writing(self._engine) as connection:
                _lock_project(connection, project_name)
                connection.execute(name.insert().values(project=project_name, name=new, kind=kind))
                connection.execute(table.insert().values(project=project_name, name=new, **values))
        except IntegrityError:
            raise AlreadyExists(
                f"the name {new!r} is taken in the project {project_name!r}",
                hint="Logstores and ExternalStores share their names: choose another one, or change the one that is there with its verb update",
                code="LogStoreAlreadyExist",
            ) from None

    def _list(self, table: sa.Table, project_name: str, pattern: str, offset: int, size: int, *wanted: Any) -> Page:
        with reading(self._engine) as connection:
            _find_project(connection, project_name, lock=False)
            every = connection.execute(sa.select(table.c.name).where(table.c.project == project_name, *wanted)).scalars()
            # Filtered here: databases differ in what LIKE and instr() call equal.
            found = sorted(each for each in every if pattern in each)
        return Page(tuple(found[offset:] if size < 0 else found[offset : offset + size]), len(found))


def _lock_project(connection: sa.Connection, project_name: str) -> None:
    _find_project(connection, project_name, lock=True)


def _find_project(connection: sa.Connection, project_name: str, *, lock: bool) -> None:
    query = sa.select(project.c.project).where(project.c.project == project_name)
    if connection.execute(query.with_for_update() if lock else query).first() is None:
        known = connection.execute(sa.select(project.c.project)).scalars()
        raise NotFound(f"there is no project {project_name!r}", hint=suggestion(project_name, known, "project"), code="ProjectNotExist")


def _refuse_read(connection: sa.Connection, project_name: str, logstore_name: str) -> None:
    """A job's places in what it reads would be gone, and a Logstore made anew under the name has others."""
    of_store = (job.c.source_project == project_name, job.c.source_logstore == logstore_name)
    rows = connection.execute(sa.select(job.c.project, job.c.name).where(*of_store)).all()
    if rows:
        reader = min(rows)
        where = "" if reader.project == project_name else f" of the project {reader.project!r}"
        raise UserError(
            f"the job {reader.name!r}{where} reads the Logstore {logstore_name!r}",
            hint=f"delete the job first: `logsluice job delete {reader.name}`",
            code="LogStoreInUse",
        )


def _row(connection: sa.Connection, table: sa.Table, kind: str, project_name: str, wanted: str) -> Any:
    row = connection.execute(sa.select(table).where(table.c.project == project_name, table.c.name == wanted)).first()
    if row is not None:
        return row
    _find_project(connection, project_name, lock=False)
    known = connection.execute(sa.select(table.c.name).where(table.c.project == project_name)).scalars()
    what, code = _CODES[kind]
    raise NotFound(f"there is no {what} {wanted!r} in the project {project_name!r}", hint=suggestion(wanted, known, what), code=code)


def _delete(connection: sa.Connection, table: sa.Table, project_name: str, gone: str) -> None:
    for each in (table, name):
        connection.execute(each.delete().where(each.c.project == project_name, each.c.name == gone))


def _descriptor(row: Any) -> LogstoreDescriptor:
    return LogstoreDescriptor(
        project=row.project,
        name=row.name,
        location=row.location,
        shards=tuple(Shard(number, int(begin, 16), int(end, 16)) for number, begin, end in json.loads(row.shards)),
        index=None if row.index_json is None else Index.from_json(json.loads(row.index_json)),
        retention_days=row.retention_days,
        storage_options=json.loads(row.storage_options),
        kind=row.kind,
        telemetry=row.telemetry,
    )


def _index_text(index: Index | None) -> str | None:
    return None if index is None else json.dumps(index.to_json(), ensure_ascii=False)


def _external_values(descriptor: ExternalStoreDescriptor) -> dict[str, Any]:
    names.check_parameters(descriptor)
    return {
        "kind": descriptor.kind,
        "parameter": json.dumps(dict(descriptor.parameter), ensure_ascii=False),
        "password_reference": descriptor.password.reference,
    }
