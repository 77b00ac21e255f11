"""What the whole suite stands on: no network, a throw-away home, the command line as its users run it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.home import Home

ROOT = Path(__file__).resolve().parents[1]
NETWORK_GUARD = ROOT / "tests" / "network_guard"

pytest_plugins = ["tests.mariadb", "tests.object_store", "tests.ledger_database"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the full numbers of the long tests too")


def pytest_configure() -> None:
    runpy.run_path(str(NETWORK_GUARD / "sitecustomize.py"))
    paths = [str(NETWORK_GUARD), str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
    for name in ("LOGSLUICE_HOME", "LOGSLUICE_PROJECT", "LOGSLUICE_CATALOGUE"):
        os.environ.pop(name, None)  # the developer's own home is not the tests' business


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    soak = [item for item in items if item.get_closest_marker("soak")]
    if config.getoption("--soak"):
        for item in soak:
            item.add_marker(pytest.mark.timeout(3_600))
        return
    if soak:
        config.hook.pytest_deselected(items=soak)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


@dataclass(frozen=True)
class CliResult:
    """What a finished command left: both streams as text, and its exit code."""

    stdout: str
    stderr: str
    code: int


Cli = Callable[..., CliResult]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A new, empty home."""
    made = Home.create(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def cli(home: Home) -> Cli:
    """Run ``logsluice ARGUMENTS…`` in a process of its own, in that home: ``cli("logstore", "list", input=…, env=…, cwd=…)``."""

    def run(*arguments: str, input: str | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> CliResult:
        environment = {**os.environ, "LOGSLUICE_HOME": str(home.path), **(env or {})}
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", *arguments],
            input=input, stdin=subprocess.DEVNULL if input is None else None, capture_output=True, text=True, encoding="utf-8",
            env=environment, cwd=cwd or ROOT, timeout=120, check=False,
        )  # fmt: skip
        return CliResult(done.stdout, done.stderr, done.returncode)

    return run
