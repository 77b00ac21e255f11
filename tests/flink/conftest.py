"""Flink for tests: fetched beforehand (`./run_local.sh java`); without it these tests are skipped, and say why."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT


@dataclass(frozen=True)
class Flink:
    """Where Flink's own jars are, and Beam's job server for it."""

    folder: Path
    job_server: Path


@pytest.fixture(scope="session")
def flink() -> Flink:
    """What is needed to run a cluster."""
    # A JVM that lives for a minute has no use for its second compiler.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    if shutil.which("java") is None:
        pytest.skip("there is no Java for the tests on Flink")
    found = []
    for command in (["tests/flink/get_flink.sh", "--find"], ["tests/java/build.sh", "flink", "--find"]):
        done = subprocess.run([str(ROOT / command[0]), *command[1:]], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            pytest.skip(done.stderr.strip())
        found.append(Path(done.stdout.strip()))
    return Flink(*found)
