"""Time zones of rules: by IANA name, from the ``tzdata`` package, so that every machine knows the same zones and the same changes."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from transforms.core.suggest import suggestion
from transforms.rules.values import as_text

__all__ = ["Zone", "zone_of"]


class Zone:
    """A zone of the IANA database. Make them with `Zone.of`, which keeps those in use.

    Raises ValueError for a name that is not in the database.
    """

    __slots__ = ("name", "tzinfo")

    def __init__(self, name: str) -> None:
        from zoneinfo import ZoneInfo

        self.name = name
        if name not in _names():
            hint = suggestion(name, sorted(_names()), "zone")
            raise ValueError(
                f"unknown time zone {name[:80]!r}; use an IANA name such as Asia/Shanghai or UTC" + (f" ({hint})" if hint else "")
            )
        with _folder().joinpath(*name.split("/")).open("rb") as file:
            self.tzinfo: dt.tzinfo = ZoneInfo.from_file(file, key=name)

    @staticmethod
    def of(name: str) -> Zone:
        """The zone of a name, read once."""
        return _load(name)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Zone.of, (self.name,))

    def __repr__(self) -> str:
        return f"Zone({self.name!r})"


def zone_of(value: Any) -> Zone:
    """What a parameter for a zone is converted to."""
    return value if isinstance(value, Zone) else Zone.of(as_text(value))


@lru_cache(maxsize=1024)
def _load(name: str) -> Zone:
    return Zone(name)


def _folder() -> Any:
    from importlib.resources import files

    return files("tzdata") / "zoneinfo"


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    from importlib.resources import files

    return frozenset((files("tzdata") / "zones").read_text("utf-8").split())
