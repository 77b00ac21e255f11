"""The coder of LogGroup: one Arrow IPC stream, with a size that costs nothing to tell.

Beam samples element sizes by encoding elements, and a pickled slice of a record batch would carry its whole parent.
"""

from __future__ import annotations

from apache_beam import coders

from transforms.core.log_group import LogGroup

__all__ = ["LogGroupCoder", "register_log_group_coder"]


class LogGroupCoder(coders.Coder):
    """LogGroup ↔ Arrow IPC."""

    def encode(self, group: LogGroup) -> bytes:
        return group.to_ipc()

    def decode(self, encoded: bytes) -> LogGroup:
        return LogGroup.from_ipc(encoded)

    def estimate_size(self, group: LogGroup) -> int:
        return group.nbytes

    def is_deterministic(self) -> bool:
        return False

    def to_type_hint(self) -> type[LogGroup]:
        return LogGroup


def register_log_group_coder() -> None:
    """Make Beam use it. Called where a transform with LogGroups is imported, so that worker processes have it too."""
    coders.registry.register_coder(LogGroup, LogGroupCoder)
