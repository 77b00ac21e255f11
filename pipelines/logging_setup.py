"""Logging of the program's libraries: warnings to stderr, without the ones that concern nobody.

Importing Beam logs a line through the root logger when its cloud extras are absent, which also makes Python install a handler
and ignore a later configuration. So this runs first, wherever Beam is about to be imported.
"""

from __future__ import annotations

import logging

__all__ = ["configure_logging"]

_OF_NO_CONCERN = (
    "apitools not found",  # Beam without its cloud extras
    "No semi_persistent_directory found",  # worker processes on one machine
)


def configure_logging(level: int = logging.WARNING) -> None:
    """Send records of ``level`` and above to stderr, one line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda record: not record.getMessage().startswith(_OF_NO_CONCERN))
    logging.basicConfig(level=level, handlers=[handler], force=True)
