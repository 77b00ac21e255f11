"""The Java service of beam-sql: built beforehand (`./run_local.sh java`), started once for all tests here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.home import Home
from tests.beam_sql.beam_world import make_world
from tests.conftest import ROOT


@pytest.fixture(scope="session")
def beam_sql_jar() -> str:
    """Path of the service's jar; without one these tests are skipped, and say why."""
    # A JVM that lives for a minute has no use for its second compiler.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
    given = os.environ.get("LOGSLUICE_BEAM_SQL_JAR")
    if given:
        return given
    found = subprocess.run([str(ROOT / "tests" / "java" / "build.sh"), "--find"], capture_output=True, text=True, timeout=60, check=False)
    if found.returncode != 0:
        pytest.skip(found.stderr.strip())
    return found.stdout.strip()


@pytest.fixture(scope="session")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The home of `beam_world`."""
    made = make_world(Path(tmp_path_factory.mktemp("beam-sql")))
    yield made
    made.close()
