"""Where consumer groups and ledgers are kept, as a value that travels to workers: it holds references and no secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from transforms.core.errors import ParameterInvalid
from transforms.core.secret import Secret, is_reference

__all__ = ["ControlDatabase"]

_PASSWORD = re.compile(r"[^:/]+://[^:@/]*:(?P<password>.*)@")


@dataclass(frozen=True)
class ControlDatabase:
    """The catalogue's database.

    ``place`` is the path of its SQLite file (all workers are on one machine then), a URL such as
    ``mysql://USER:env:NAME@HOST:3306/DATABASE``, or a reference (``env:NAME``, ``file:PATH``) to such a URL. References are resolved
    where the database is opened. Raises ParameterInvalid for a URL that has its password in it.
    """

    place: str

    def __post_init__(self) -> None:
        found = _PASSWORD.match(self.place)
        if found and found["password"] and not is_reference(found["password"]):
            raise ParameterInvalid(
                "workers would be sent the password of the catalogue's database",
                hint="write mysql://USER:env:NAME@HOST:3306/DATABASE, and set NAME here and on the workers",
            )

    def where(self) -> str | Path:
        """What an adapter opens; a secret, maybe. Raises ParameterInvalid for a reference that cannot be had."""
        if is_reference(self.place):
            return Secret(self.place).reveal()
        return self.place if "://" in self.place else Path(self.place)
