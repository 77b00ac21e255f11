"""The home that a pipeline's options name, for as long as the launcher needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.home import Home, default_path
from pipelines.options import HomeOptions

__all__ = ["home_of"]


@contextmanager
def home_of(options: PipelineOptions, *, create: bool = False) -> Iterator[Home]:
    """The home of ``--home`` and ``--catalogue``; ``create``: made if it is not there.

    The catalogue's URL is taken out of the options: a runner shows them to others, and it may hold a password that only the launcher needs.
    """
    names = options.view_as(HomeOptions)
    make = Home.create if create else Home
    home = make(Path(names.home) if names.home else default_path(), names.catalogue or os.environ.get("LOGSLUICE_CATALOGUE"))
    names.catalogue = None
    try:
        yield home
    finally:
        home.close()
