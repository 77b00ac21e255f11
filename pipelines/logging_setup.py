"""Logging of the program's libraries: warnings to stderr, without the ones that concern nobody.

Importing Beam logs a line through the root logger when its cloud extras are absent, which also makes Python install a handler
and ignore a later configuration. So this runs first, wherever Beam is about to be imported.
"""

from __future__ import annotations

import logging

from transforms.core.error_transport import MARK

__all__ = ["configure_logging"]

_OF_NO_CONCERN = (
    "apitools not found",  # Beam without its cloud extras
    "Could not find a compatible bson package",  # see pipelines.association_query
    "No semi_persistent_directory found",  # worker processes on one machine
)


def configure_logging(level: int = logging.WARNING) -> None:
    """Send records of ``level`` and above to stderr, one line each."""
    handler = logging.StreamHandler()
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(_is_of_concern)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _is_of_concern(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    # An error of ours is told once, by the launcher, and not by every layer of the runner that it passes.
    ours = MARK in message or (record.exc_info is not None and MARK in str(record.exc_info[1]))
    interrupted = message.startswith("KeyboardInterrupt")
    return not ours and not interrupted and not any(text in message for text in _OF_NO_CONCERN)
