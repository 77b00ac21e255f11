"""Functions the engine lacks: installed on a connection, only those a statement needs.

They work on whole Arrow columns; a value is only looked at once for each distinct argument where that pays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["install"]


def install(connection: Any, names: Iterable[str]) -> None:
    """Create what is needed and not there yet.

    Args:
        connection: a DuckDB connection.
        names: `Analysis.uses`.
    """
    from transforms.sql.functions.prelude_functions import PRELUDE

    for name in sorted(set(names)):
        PRELUDE[name](connection)
