"""What an import is told about the times and constants of its logs, as text: on the command line, and again in each dead letter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from transforms.formats.event_times import LogSettings
from transforms.formats.json_object import NotALog
from transforms.formats.times import TimeFormat, zone_of

__all__ = ["LogOptions"]


@dataclass(frozen=True)
class LogOptions:
    """Options of an import; None = not given. The zone is UTC when none is given, the rest is as in `LogSettings`."""

    time_field: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    time_pattern: str | None = None
    topic: str | None = None
    source: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def given(self) -> dict[str, Any]:
        """Those that were given, as JSON takes them."""
        values = {option.name: getattr(self, option.name) for option in fields(self)}
        return {name: dict(value) if name == "tags" else value for name, value in values.items() if value not in (None, {})}

    def over(self, other: LogOptions) -> LogOptions:
        """These, and those of another where these are not given; tags one by one."""
        return LogOptions(**{**other.given(), **self.given(), "tags": {**other.tags, **self.tags}})

    def settings(self, started_us: int, *, time_required: bool = False) -> LogSettings:
        """What they mean for an import that began at ``started_us`` (microseconds). Raises ParameterInvalid for what makes no sense."""
        default = "epoch-s" if self.time_field is None and self.time_pattern is None else "auto"
        return LogSettings(
            started_us, self.time_field, TimeFormat(self.time_format or default, zone_of(self.time_zone or "UTC")), self.time_pattern,
            self.topic, self.source, self.tags, time_required, self.given(),
        )  # fmt: skip

    @classmethod
    def of_letter(cls, text: str) -> LogOptions:
        """The options that a dead letter carries. Raises NotALog when the text, JSON, holds anything else."""
        try:
            value = json.loads(text)
        except ValueError as error:
            raise NotALog("not-a-dead-letter", f"import: {error}") from error
        names = {option.name for option in fields(cls)}
        if not isinstance(value, dict) or not value.keys() <= names:
            raise NotALog("not-a-dead-letter", f"import is an object of {', '.join(sorted(names))}")
        tags = value.get("tags", {})
        texts = [*(item for name, item in value.items() if name != "tags"), *(tags.values() if isinstance(tags, dict) else [None])]
        if not all(isinstance(item, str) for item in texts):
            raise NotALog("not-a-dead-letter", "import: every option is a string, tags is an object of strings")
        return cls(**value)
