"""Kinds of arguments of the functions for times."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.functions.times._moments import as_datetime, as_timestamp
from transforms.rules.functions.times._strftime import TimeFormat, format_of
from transforms.rules.functions.times._strptime import ReadFormat, read_format_of
from transforms.rules.functions.times._zones import Zone, zone_of
from transforms.rules.kinds import Kind

__all__ = ["AnyMoment", "Datetime", "Timestamp", "ToRead", "ToWrite", "ZoneName"]


def _present(value: Any) -> Any:
    if value is None:
        raise ValueError("None is not a time: the field is missing")
    return value


AnyMoment = Annotated[Any, Kind("a time: Datetime, text or Unix timestamp", _present, is_text=True)]
Datetime = Annotated[Any, Kind("a Datetime", as_datetime)]
Timestamp = Annotated[Any, Kind("a Unix timestamp in seconds, or text of one", as_timestamp)]
ZoneName = Annotated[Zone, Kind("the IANA name of a time zone", zone_of)]
ToWrite = Annotated[TimeFormat, Kind("a time format", format_of)]
ToRead = Annotated[ReadFormat, Kind("a time format", read_format_of)]
