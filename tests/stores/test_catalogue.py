"""The catalogue's contract, on SQLite and on MariaDB, with several processes at once."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from transforms.connectors import open_catalogue
from transforms.core.errors import (
    AlreadyExists,
    CommitConflict,
    LogsluiceError,
    NotFound,
    ParameterInvalid,
    StoreRejected,
    StoreUnavailable,
    UserError,
)
from transforms.core.secret import Secret
from transforms.stores.catalogue import Catalogue, ImportRun
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.index import FieldIndex, FullTextIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

PROCESSES = 3


DATABASES = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]
TABLES = ("project", "name", "logstore", "external_store", "import_run", "import_lane")


@pytest.fixture(scope="module")
def one_database(request: pytest.FixtureRequest) -> Any:
    """One MariaDB database for the module: emptying its tables is ten times quicker than making them."""
    database = request.getfixturevalue("mariadb").database()
    open_catalogue(mysql_url(database)).close()
    return database


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty catalogue."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    database = request.getfixturevalue("one_database")
    database.execute(*(f"delete from {table}" for table in TABLES))
    return mysql_url(database)


@pytest.fixture(params=DATABASES)
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A catalogue that nobody has opened yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.sqlite'}"
    return mysql_url(request.getfixturevalue("mariadb").database())


def mysql_url(database: Any) -> str:
    return f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"


@pytest.fixture
def catalogue(url: str) -> Iterator[Catalogue]:
    opened = open_catalogue(url)
    opened.create_project("shop")
    yield opened
    opened.close()


def logstore(name: str = "nginx", **more: Any) -> LogstoreDescriptor:
    return LogstoreDescriptor("shop", name, f"/logs/{name}", even_shards(3), **more)


def external(name: str = "users", **parameter: str) -> ExternalStoreDescriptor:
    return ExternalStoreDescriptor(
        name, "rds-vpc", {"host": "db", "port": "3306", "table": "Ünï日", **parameter}, Secret("env:DB_PASSWORD")
    )


class TestNames:
    def test_a_logstore_comes_back_as_it_was_given(self, catalogue: Catalogue) -> None:
        index = Index(
            FullTextIndex(delimiters=" ,\t", chn=True, include=("a", "b")),
            {
                "status": FieldIndex("long"),
                "日本 \"x'": FieldIndex(alias="a", analysable=False),
                "info": FieldIndex("json", leaves={"a.b": FieldIndex("double")}),
            },
        )
        descriptor = logstore(index=index, retention_days=30, storage_options={"AWS_SECRET": "env:KEY"})
        catalogue.create_logstore(descriptor)
        assert catalogue.logstore("shop", "nginx") == descriptor

    def test_no_index_and_an_empty_index_stay_different(self, catalogue: Catalogue) -> None:
        catalogue.create_logstore(logstore("none"))
        catalogue.create_logstore(logstore("empty", index=Index()))
        assert catalogue.logstore("shop", "none").index is None
        assert catalogue.logstore("shop", "empty").index == Index()

    def test_an_external_store_comes_back_with_its_reference_only(self, catalogue: Catalogue) -> None:
        catalogue.create_external_store("shop", external())
        assert catalogue.external_store("shop", "users") == external()

    @pytest.mark.parametrize("key", ["password", "accesskey", "AccessKey", "access-key-secret"])
    def test_a_secret_among_the_parameters_is_refused_and_not_repeated(self, catalogue: Catalogue, key: str) -> None:
        with pytest.raises(ParameterInvalid) as caught:
            catalogue.create_external_store("shop", external(**{key: "s3cr3t-text"}))
        assert "s3cr3t-text" not in str(caught.value)
        catalogue.create_external_store("shop", external(**{key: "env:KEY"}))

    @pytest.mark.parametrize("key", ["AWS_SECRET_ACCESS_KEY", "azure_storage_sas_token", "access_key"])
    def test_a_secret_among_the_storage_options_is_refused_and_not_repeated(self, catalogue: Catalogue, key: str) -> None:
        with pytest.raises(ParameterInvalid) as caught:
            catalogue.create_logstore(logstore(storage_options={key: "s3cr3t-text"}))
        assert "s3cr3t-text" not in str(caught.value)
        with pytest.raises(ParameterInvalid):
            catalogue.create_logstore(replace(logstore(), location="s3://key:s3cr3t@bucket/path"))
        catalogue.create_logstore(logstore(storage_options={key: "env:KEY", "AWS_ACCESS_KEY_ID": "public", "region": "x"}))

    def test_logstores_and_external_stores_share_their_names(self, catalogue: Catalogue) -> None:
        catalogue.create_logstore(logstore("both"))
        with pytest.raises(AlreadyExists) as caught:
            catalogue.create_external_store("shop", external("both"))
        assert caught.value.code == "LogStoreAlreadyExist"
        catalogue.delete_logstore("shop", "both")
        catalogue.create_external_store("shop", external("both"))
        with pytest.raises(AlreadyExists):
            catalogue.create_logstore(logstore("both"))

    def test_names_compare_by_their_exact_text(self, catalogue: Catalogue) -> None:
        catalogue.create_external_store("shop", external("Users"))
        catalogue.create_external_store("shop", external("users"))
        assert catalogue.list_external_stores("shop").names == ("Users", "users")
        with pytest.raises(NotFound, match="'USERS'") as caught:
            catalogue.external_store("shop", "USERS")
        assert caught.value.code == "ExternalStoreNotExist"
        assert caught.value.hint is not None

    @pytest.mark.parametrize("name", ["a", "a" * 64, "Nginx", "-ab", "ab_", "a b", "", "日志", "ab\n", "log"])
    def test_a_bad_logstore_name_is_refused(self, catalogue: Catalogue, name: str) -> None:
        with pytest.raises(ParameterInvalid) as caught:
            catalogue.create_logstore(logstore(name))
        assert caught.value.hint

    @pytest.mark.parametrize("name", ["ab", "a" * 63, "0_-9", "log2"])
    def test_a_good_logstore_name_is_taken(self, catalogue: Catalogue, name: str) -> None:
        catalogue.create_logstore(logstore(name))
        assert catalogue.list_logstores("shop").names == (name,)

    @pytest.mark.parametrize("name", ["a", "a.b", "a b", "log", "LOG", "ü1"])
    def test_a_bad_external_store_name_is_refused(self, catalogue: Catalogue, name: str) -> None:
        with pytest.raises(ParameterInvalid):
            catalogue.create_external_store("shop", external(name))

    def test_an_unknown_name_is_answered_with_the_nearest(self, catalogue: Catalogue) -> None:
        catalogue.create_logstore(logstore("access-log"))
        with pytest.raises(NotFound) as caught:
            catalogue.logstore("shop", "acess-log")
        assert (caught.value.code, caught.value.hint) == ("LogStoreNotExist", "did you mean 'access-log'?")

    @pytest.mark.parametrize(
        "call",
        [
            lambda c: c.logstore("shpo", "x1"),
            lambda c: c.list_logstores("shpo"),
            lambda c: c.list_external_stores("shpo"),
            lambda c: c.external_store("shpo", "x1"),
            lambda c: c.delete_project("shpo"),
            lambda c: c.create_external_store("shpo", external()),
            lambda c: c.start_import("shpo", "x1", "i"),
        ],
    )
    def test_an_unknown_project_is_answered_with_the_nearest(self, catalogue: Catalogue, call: Callable[[Catalogue], Any]) -> None:
        with pytest.raises(NotFound) as caught:
            call(catalogue)
        assert (caught.value.code, caught.value.hint) == ("ProjectNotExist", "did you mean 'shop'?")

    def test_pages(self, catalogue: Catalogue) -> None:
        for name in ("web-1", "web-2", "web_3", "db-1"):
            catalogue.create_logstore(logstore(name))
        page = catalogue.list_logstores("shop", "web", 1, 1)
        assert (page.names, page.total) == (("web-2",), 3)
        assert catalogue.list_logstores("shop", "_").names == ("web_3",)
        assert catalogue.list_logstores("shop", "", 0, 0).names == ()
        assert catalogue.list_logstores("shop", "", 3).names == ("web_3",)

    def test_update_replaces_retention_and_index(self, catalogue: Catalogue) -> None:
        catalogue.create_logstore(logstore(retention_days=3, index=Index(FullTextIndex())))
        changed = catalogue.update_logstore("shop", "nginx", retention_days=None, index=None)
        assert changed == catalogue.logstore("shop", "nginx") == logstore()
        with pytest.raises(NotFound):
            catalogue.update_logstore("shop", "nginy", retention_days=None, index=None)

    def test_update_replaces_all_parameters_of_an_external_store(self, catalogue: Catalogue) -> None:
        catalogue.create_external_store("shop", external(timezone="+08:00"))
        catalogue.update_external_store("shop", external(host="db2"))
        assert catalogue.external_store("shop", "users") == external(host="db2")
        with pytest.raises(NotFound):
            catalogue.update_external_store("shop", external("user"))
        with pytest.raises(ParameterInvalid):
            catalogue.update_external_store("shop", external(password="text"))

    def test_projects(self, catalogue: Catalogue) -> None:
        with pytest.raises(AlreadyExists) as taken:
            catalogue.create_project("shop")
        assert taken.value.code == "ProjectAlreadyExist"
        catalogue.create_logstore(logstore())
        with pytest.raises(UserError, match="nginx"):
            catalogue.delete_project("shop")
        catalogue.delete_logstore("shop", "nginx")
        catalogue.delete_project("shop")
        assert catalogue.list_projects() == ()
        with pytest.raises(ParameterInvalid):
            catalogue.create_project("No Good")

    def test_every_logstore_of_every_project_in_one_answer(self, catalogue: Catalogue) -> None:
        assert list(catalogue.every_logstore()) == []
        catalogue.create_project("other")
        made = [logstore("nginx", retention_days=3), logstore("metrics", telemetry="metrics"), replace(logstore("web"), project="other")]
        for one in made:
            catalogue.create_logstore(one)
        assert list(catalogue.every_logstore()) == [made[2], made[1], made[0]]
        catalogue.delete_logstore("shop", "nginx")
        assert list(catalogue.every_logstore()) == [made[2], made[1]]

    def test_metricstores_are_told_from_logstores(self, catalogue: Catalogue) -> None:
        catalogue.create_logstore(logstore())
        catalogue.create_logstore(logstore("nginx-errors", telemetry="metrics"))
        assert catalogue.logstore("shop", "nginx-errors").telemetry == "metrics"
        assert catalogue.list_logstores("shop").names == ("nginx", "nginx-errors")
        assert catalogue.list_logstores("shop", telemetry="logs").names == ("nginx",)
        assert catalogue.list_logstores("shop", "x", telemetry="metrics").names == ("nginx-errors",)


class TestImports:
    @pytest.fixture(autouse=True)
    def _logstore(self, catalogue: Catalogue) -> None:
        catalogue.create_logstore(logstore())

    def test_the_same_import_is_found_again(self, catalogue: Catalogue) -> None:
        run = catalogue.start_import("shop", "nginx", "i1")
        assert run == ImportRun("i1", "nginx", 0, 0, {}, {}, False, {})
        intent = replace(run, version=1, start={"file": 0}, end={"file": 2, "name": "ü"}, summary={"logs": 5})
        catalogue.record_import("shop", intent)
        catalogue.record_import("shop", intent)
        assert catalogue.start_import("shop", "nginx", "i1") == intent
        assert catalogue.list_imports("shop", "nginx") == (intent,)

    def test_unfinished_runs_have_lanes_of_their_own_and_a_finished_one_frees_its(self, catalogue: Catalogue) -> None:
        runs = [catalogue.start_import("shop", "nginx", f"i{n}") for n in range(3)]
        assert [run.lane for run in runs] == [0, 1, 2]
        catalogue.record_import("shop", replace(runs[1], version=7, end={"n": 1}))
        catalogue.record_import("shop", replace(runs[1], version=7, end={"n": 1}, finished=True))
        again = catalogue.start_import("shop", "nginx", "i9")
        assert (again.lane, again.version, again.start, again.finished) == (1, 7, {}, False)
        assert catalogue.start_import("shop", "nginx", "i1").finished

    def test_forgetting_frees_the_lane_and_keeps_its_version(self, catalogue: Catalogue) -> None:
        run = catalogue.start_import("shop", "nginx", "i1")
        catalogue.record_import("shop", replace(run, version=4, end={"n": 1}))
        catalogue.forget_import("shop", "nginx", "i1")
        fresh = catalogue.start_import("shop", "nginx", "i1")
        assert (fresh.lane, fresh.version, fresh.end) == (0, 4, {})
        with pytest.raises(NotFound):
            catalogue.forget_import("shop", "nginx", "i2")

    def test_forgetting_a_finished_run_leaves_the_lane_to_its_present_holder(self, catalogue: Catalogue) -> None:
        first = catalogue.start_import("shop", "nginx", "i1")
        catalogue.record_import("shop", replace(first, finished=True))
        second = catalogue.start_import("shop", "nginx", "i2")
        assert second.lane == first.lane
        catalogue.forget_import("shop", "nginx", "i1")
        assert catalogue.start_import("shop", "nginx", "i3").lane != second.lane

    def test_a_process_that_fell_behind_cannot_overwrite(self, catalogue: Catalogue) -> None:
        run = catalogue.start_import("shop", "nginx", "i1")
        ahead = replace(run, version=2, start={"n": 1}, end={"n": 2})
        catalogue.record_import("shop", ahead)
        for late in (replace(run, version=1, end={"n": 1}), replace(ahead, end={"n": 3}), replace(ahead, lane=5, version=3)):
            with pytest.raises(CommitConflict):
                catalogue.record_import("shop", late)
        catalogue.record_import("shop", replace(ahead, finished=True))
        with pytest.raises(CommitConflict):
            catalogue.record_import("shop", replace(ahead, version=3))
        assert catalogue.list_imports("shop", "nginx") == (replace(ahead, finished=True),)

    def test_a_forgotten_run_cannot_be_recorded(self, catalogue: Catalogue) -> None:
        run = catalogue.start_import("shop", "nginx", "i1")
        catalogue.forget_import("shop", "nginx", "i1")
        with pytest.raises(NotFound):
            catalogue.record_import("shop", replace(run, version=1))

    def test_a_deleted_logstore_takes_its_ledger_along(self, catalogue: Catalogue) -> None:
        run = catalogue.start_import("shop", "nginx", "i1")
        catalogue.record_import("shop", replace(run, version=9))
        catalogue.delete_logstore("shop", "nginx")
        catalogue.create_logstore(logstore())
        assert catalogue.list_imports("shop", "nginx") == ()
        assert catalogue.start_import("shop", "nginx", "i2").version == 0

    @pytest.mark.parametrize("import_id", ["", "x" * 129])
    def test_an_id_that_does_not_fit_is_refused(self, catalogue: Catalogue, import_id: str) -> None:
        with pytest.raises(ParameterInvalid):
            catalogue.start_import("shop", "nginx", import_id)


class TestManyProcesses:
    def test_opening_a_new_catalogue_together(self, new_url: str) -> None:
        assert set(_together(_open_and_create_project, [(new_url, n) for n in range(PROCESSES)])) == {"made", "taken"}
        assert open_catalogue(new_url).list_projects() == ("shop",)

    def test_one_creation_of_a_name_wins(self, catalogue: Catalogue, url: str) -> None:
        outcomes = _together(_create_and_delete, [(url, n) for n in range(PROCESSES)])
        assert sum(made - deleted for made, deleted, _ in outcomes) == catalogue.list_logstores("shop").total
        assert sum(made for made, _, _ in outcomes) >= 20
        assert {code for _, _, codes in outcomes for code in codes} <= {"LogStoreAlreadyExist", "LogStoreNotExist"}

    def test_no_two_unfinished_runs_share_a_lane(self, catalogue: Catalogue, url: str) -> None:
        catalogue.create_logstore(logstore())
        outcomes = _together(_import_many, [(url, n) for n in range(PROCESSES)])
        committed = [pair for outcome in outcomes for pair in outcome]
        assert len(committed) == PROCESSES * 15
        assert len(set(committed)) == len(committed), "two runs committed one version under one app id"
        assert {lane for lane, _ in committed} <= set(range(PROCESSES))

    def test_starting_the_same_import_together_gives_one_run(self, catalogue: Catalogue, url: str) -> None:
        catalogue.create_logstore(logstore())
        assert len(set(_together(_start_same, [(url, n) for n in range(PROCESSES)]))) == 1
        assert len(catalogue.list_imports("shop", "nginx")) == 20


class TestDatabase:
    def test_a_newer_database_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "c.sqlite"
        open_catalogue(path).close()
        with sqlite3.connect(path) as raw:
            raw.execute("update schema_version set version = 99")
        raw.close()
        with pytest.raises(StoreRejected, match="version 99") as caught:
            open_catalogue(path)
        assert "upgrade" in (caught.value.hint or "")

    def test_an_older_database_is_migrated_step_by_step(self, new_url: str) -> None:
        import sqlalchemy as sa

        from transforms.connectors.sql_catalogue_engine import make_engine
        from transforms.connectors.sql_catalogue_schema import MIGRATIONS, migrate

        def add_note(connection: sa.Connection) -> None:
            columns = {column["name"] for column in sa.inspect(connection).get_columns("project")}
            if "note" not in columns:
                connection.execute(sa.text("alter table project add column note varchar(10)"))

        def fill_note(connection: sa.Connection) -> None:
            connection.execute(sa.text("update project set note = 'old'"))

        opened = open_catalogue(new_url)
        opened.create_project("shop")
        opened.close()
        engine = make_engine(new_url)
        later = [*MIGRATIONS, add_note, fill_note]
        migrate(engine, later)
        migrate(engine, later)
        with engine.connect() as connection:
            assert connection.execute(sa.text("select note from project")).scalars().all() == ["old"]
            assert connection.execute(sa.text("select version from schema_version")).scalars().all() == [len(later)]
        engine.dispose()

    def test_logstores_from_before_metricstores_keep_logs(self, new_url: str) -> None:
        import sqlalchemy as sa

        from transforms.connectors.sql_catalogue_engine import make_engine
        from transforms.connectors.sql_catalogue_schema import MIGRATIONS, migrate

        opened = open_catalogue(new_url)
        opened.create_project("shop")
        opened.create_logstore(logstore())
        opened.close()
        engine = make_engine(new_url)
        step = 3  # the one that adds the column
        for statement in ("alter table logstore drop column telemetry", f"update schema_version set version = {step}"):
            with engine.connect() as connection, connection.begin():
                connection.execute(sa.text(statement))
        migrate(engine)
        with engine.connect() as connection, connection.begin():
            MIGRATIONS[step](connection)  # once more, as after a crash before the version was written
        engine.dispose()
        opened = open_catalogue(new_url)
        assert opened.logstore("shop", "nginx") == logstore()
        opened.close()

    def test_a_migration_that_fails_is_tried_again(self, new_url: str) -> None:
        import sqlalchemy as sa

        from transforms.connectors.sql_catalogue_engine import make_engine
        from transforms.connectors.sql_catalogue_schema import MIGRATIONS, migrate

        def fails(connection: sa.Connection) -> None:
            raise RuntimeError("power cut")

        engine = make_engine(new_url)
        with pytest.raises(RuntimeError):
            migrate(engine, [*MIGRATIONS, fails])
        migrate(engine)
        engine.dispose()
        assert open_catalogue(new_url).list_projects() == ()

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "c.sqlite"
        path.write_bytes(b"something else entirely, and long enough to be looked at" * 100)
        with pytest.raises(StoreRejected, match="not a database"):
            open_catalogue(path)

    def test_a_path_with_characters_that_urls_reserve(self, tmp_path: Path) -> None:
        folder = tmp_path / "a?b#c%20d ü"
        folder.mkdir()
        open_catalogue(folder / "c.sqlite").create_project("shop")
        assert (folder / "c.sqlite").exists()

    @pytest.mark.parametrize("url", ["nonsense", "oracle://x/y", "mysql://user:s3cr3t@host", "mysql://user:s3cr3t@host:port/db"])
    def test_a_bad_url_is_refused_without_its_password(self, url: str) -> None:
        with pytest.raises(ParameterInvalid) as caught:
            open_catalogue(url)
        assert "s3cr3t" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"

    @pytest.mark.mariadb
    def test_the_password_may_be_a_reference(self, mariadb: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        database = mariadb.database()
        monkeypatch.setenv("CATALOGUE_PASSWORD", database.password)
        (tmp_path / "pw").write_text(database.password + "\n")
        for reference in ("env:CATALOGUE_PASSWORD", f"file:{tmp_path / 'pw'}"):
            opened = open_catalogue(f"mysql://{database.user}:{reference}@{database.host}:{database.port}/{database.name}")
            opened.list_projects()
            opened.close()

    @pytest.mark.mariadb
    def test_a_wrong_password_is_reported_without_it(self, mariadb: Any) -> None:
        database = mariadb.database()
        with pytest.raises(StoreUnavailable, match="Access denied") as caught:
            open_catalogue(f"mysql://{database.user}:wr0ng-one@{database.host}:{database.port}/{database.name}")
        assert "wr0ng-one" not in f"{caught.value!r} {caught.value.hint}"

    def test_nothing_listens(self) -> None:
        with pytest.raises(StoreUnavailable):
            open_catalogue("mysql://u:p@127.0.0.1:1/db")


def _together(work: Callable[[tuple[str, int]], Any], arguments: list[tuple[str, int]]) -> list[Any]:
    with ProcessPoolExecutor(len(arguments), mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, arguments))


def _open_and_create_project(argument: tuple[str, int]) -> str:
    opened = open_catalogue(argument[0])
    try:
        opened.create_project("shop")
    except AlreadyExists:
        return "taken"
    return "made"


def _create_and_delete(argument: tuple[str, int]) -> tuple[int, int, list[str]]:
    opened = open_catalogue(argument[0])
    made, deleted, codes = 0, 0, []
    for n in range(30):
        name = f"store-{n % 3}"
        try:
            opened.create_logstore(logstore(name))
            made += 1
        except LogsluiceError as error:
            codes.append(error.code)
        try:
            if n % 2:
                opened.delete_logstore("shop", name)
                deleted += 1
        except LogsluiceError as error:
            codes.append(error.code)
    return made, deleted, codes


def _import_many(argument: tuple[str, int]) -> list[tuple[int, int]]:
    opened = open_catalogue(argument[0])
    committed = []
    for n in range(5):
        run = opened.start_import("shop", "nginx", f"import-{argument[1]}-{n}")
        for step in range(3):
            run = replace(run, version=run.version + 1, start={"n": step}, end={"n": step + 1})
            opened.record_import("shop", run)
            committed.append((run.lane, run.version))
        opened.record_import("shop", replace(run, finished=True))
    return committed


def _start_same(argument: tuple[str, int]) -> str:
    opened = open_catalogue(argument[0])
    runs = [opened.start_import("shop", "nginx", f"same-{n}") for n in range(20)]
    return json.dumps([[run.id, run.lane, run.version] for run in runs])
