"""Parts of libraries that are left out of a start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines.lean_import import without


def test_a_module_is_away_for_a_while() -> None:
    sys.modules.pop("this", None)
    with without("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules


def test_what_is_imported_already_stays() -> None:
    with without("sys", "pytest"):
        import pytest as again

        assert again is pytest
    assert sys.modules["pytest"] is pytest


@pytest.mark.parametrize(
    ("module", "absent"), [("pipelines.association_query", ("bson", "pymongo")), ("pipelines.worker", ("bson", "pymongo")),
                           ("pipelines.cli.query", ("numpy", "polars", "pyarrow", "duckdb", "sqlalchemy", "sqlglot"))],
)  # fmt: skip
def test_what_a_start_leaves_out(module: str, absent: tuple[str, ...]) -> None:
    """And it says nothing about it."""
    script = f"import sys, {module}\nprint([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
