"""Fixtures of the whole suite: a throw-away home, the command line as its users run it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.home import Home

ROOT = Path(__file__).resolve().parents[1]

pytest_plugins = ["tests.mariadb"]


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
        environment = {**os.environ, "LOGSLUICE_HOME": str(home.path), "PYTHONPATH": child_path(), **(env or {})}
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", *arguments],
            input=input, capture_output=True, text=True, encoding="utf-8", env=environment, cwd=cwd or ROOT, timeout=120, check=False,
        )  # fmt: skip
        return CliResult(done.stdout, done.stderr, done.returncode)

    return run


def child_path() -> str:
    """PYTHONPATH for child processes: the checkout first."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
