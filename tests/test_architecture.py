"""The house's rules as tests: who imports whom, sizes, names, what help costs, errors that travel."""

from __future__ import annotations

import ast
import fnmatch
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipelines.cli.main import cli as top
from tests.conftest import ROOT, Cli
from transforms.core import errors
from transforms.core.errors import Location, LogsluiceError
from transforms.rules.problems import Problem, RuleInvalid

SOURCES = sorted(path for room in ("pipelines", "transforms") for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_LINES = 600
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
IMPORTERS = {
    "apache_beam": ["transforms/*.py", "pipelines/*.py", "pipelines/jobs/*.py", "pipelines/transformation/rule_wiring.py"],
    "sqlalchemy": [
        "transforms/connectors/sql_catalogue*.py",
        "transforms/connectors/sql_consumer_group*.py",
        "transforms/connectors/sql_database*.py",
        "transforms/connectors/sql_job_*.py",
        "transforms/connectors/sql_schedule_*.py",
    ],
    "pymysql": ["transforms/connectors/sql_database*.py", "pipelines/demo_database.py"],
    "psycopg": ["transforms/connectors/sql_database*.py"],
    "deltalake": ["transforms/connectors/delta/*.py"],
    "duckdb": ["transforms/sql/**.py", "transforms/connectors/**.py"],
    "sqlglot": ["transforms/sql/**.py"],
    "click": ["pipelines/cli/*.py"],
}
HEAVY = ("apache_beam", "pyarrow", "polars", "duckdb", "sqlalchemy", "sqlglot", "deltalake", "numpy", "pymysql")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def may_import(path: str, patterns: list[str]) -> bool:
    """``*`` stays inside one folder, ``**`` goes down."""
    return any(
        fnmatch.fnmatchcase(path, pattern.replace("**", "*")) and ("**" in pattern or path.count("/") == pattern.count("/"))
        for pattern in patterns
    )


def test_import_directions() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_library_is_imported_where_it_belongs() -> None:
    strangers = [
        f"{relative(path)} imports {module}"
        for path in SOURCES
        for module in imported(path)
        if (patterns := IMPORTERS.get(module.partition(".")[0])) is not None and not may_import(relative(path), patterns)
    ]
    assert strangers == []


def test_the_check_of_libraries_can_fail() -> None:
    assert not may_import("transforms/stores/logstore.py", IMPORTERS["duckdb"])
    assert not may_import("pipelines/cli/query.py", IMPORTERS["apache_beam"])
    assert may_import("transforms/connectors/delta/table.py", IMPORTERS["deltalake"])


def test_no_file_is_too_long() -> None:
    long = {relative(path): lines for path in [*SOURCES, *TESTS] if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES}
    assert long == {}


def test_no_vague_file_names() -> None:
    assert [relative(path) for path in [*SOURCES, *TESTS] if path.stem in VAGUE_NAMES or path.parent.name in VAGUE_NAMES] == []


def test_every_package_can_be_shipped() -> None:
    assert [relative(path.parent) for path in SOURCES if not (path.parent / "__init__.py").exists()] == []


def test_nothing_is_printed_past_the_two_streams() -> None:
    calls = [
        f"{relative(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def subclasses(kind: type[LogsluiceError]) -> Iterator[type[LogsluiceError]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def test_every_error_survives_pickling() -> None:
    # RuleInvalid is made of problems, not of a message: below.
    kinds: list[type[LogsluiceError]] = [LogsluiceError, *(kind for kind in subclasses(LogsluiceError) if kind is not RuleInvalid)]
    assert {errors.ParameterInvalid, errors.SqlError, errors.CommitConflict} <= set(kinds), "the walk misses some"
    for kind in kinds:
        error = kind("what", hint="next", location=Location("a b", 2, 3), code="Special")
        back = pickle.loads(pickle.dumps(error))
        assert type(back) is kind
        assert (back.message, back.hint, back.location, back.code) == ("what", "next", Location("a b", 2, 3), "Special")
        assert pickle.loads(pickle.dumps(kind("plain"))).code == kind.default_code
    invalid = RuleInvalid([Problem("what", Location("a b", 2, 3), "next"), Problem("more", Location("a b", 0, 1))])
    again = pickle.loads(pickle.dumps(invalid))
    assert again.problems == invalid.problems and (again.message, again.hint, again.code) == (invalid.message, invalid.hint, invalid.code)


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group, info_name=path[-1] if path else "logsluice")
        for name in group.list_commands(context):
            child = group.get_command(context, name)
            assert child is not None
            yield from commands(child, (*path, name))


COMMANDS = dict(commands(top))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does_and_shows_an_example(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    text = (command.help or "") + (command.epilog or "")
    assert command.get_short_help_str(), "no first line"
    assert "Example" in text
    assert f"logsluice {' '.join(path)}".strip() in text, "the example does not call the command"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{parameter.opts} has no help"


def modules_after(*arguments: str, env: dict[str, str] | None = None) -> set[str]:
    program = (
        "import sys\nfrom pipelines.cli.main import main\n"
        f"code = main({list(arguments)!r})\nprint('\\x00'.join(sorted(sys.modules)), file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.strip().split("\x00"))


@pytest.mark.parametrize("arguments", [("--help",), *((*path, "--help") for path in COMMANDS if path)], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    loaded = modules_after(*arguments)
    assert loaded.isdisjoint(HEAVY), loaded.intersection(HEAVY)


@pytest.mark.parametrize("arguments", [("logstore", "list"), ("project", "list")], ids=" ".join)
def test_listing_imports_no_engine(arguments: tuple[str, ...], tmp_path: Path) -> None:
    loaded = modules_after(*arguments, env={"LOGSLUICE_HOME": str(tmp_path / "home")})
    assert "sqlalchemy" in loaded, "the check looks at the wrong process"
    assert loaded.isdisjoint({"apache_beam", "polars", "duckdb", "sqlglot", "deltalake", "pyarrow", "numpy"}), loaded


@pytest.mark.parametrize("arguments", [("--help",), ("logstore", "--help"), ("logstore", "create", "--help"), ("--version",)], ids=" ".join)
def test_help_goes_to_stdout_alone(cli: Cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout
