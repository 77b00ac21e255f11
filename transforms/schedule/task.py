"""A task: what is computed again and again (statement, source, window, destination), and when (schedule)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from transforms.core.interval import Interval
from transforms.schedule.calendar import ScheduleRule
from transforms.schedule.destinations import Destination
from transforms.schedule.local_times import LAST_MOMENT
from transforms.schedule.retry import RetryLimits
from transforms.schedule.script_variables import fill_variables
from transforms.schedule.sql_time_window import SqlTimeWindow

__all__ = ["MOST_RESULT_ROWS", "LateLogs", "Task", "TaskName"]

MOST_RESULT_ROWS = 1_000_000
"""Rows that one instance may write. More is an error: nothing is written then."""

TaskName = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}[a-z0-9]")


@dataclass(frozen=True)
class LateLogs:
    """What happens when logs arrive inside the window of an instance that has ended.

    Attributes:
        mode: the instance is reported as stale, or runs again.
        horizon: how long after the end of its window an instance is watched, in seconds.
        debounce: how long no further log must have arrived before it runs again, in seconds.
    """

    mode: Literal["report", "rerun"] = "report"
    horizon: int = 7 * 86_400
    debounce: int = 300


@dataclass(frozen=True)
class Task:
    """A valid configuration.

    Attributes:
        project, name: what it is called.
        display_name, description: for people.
        rule: yields the schedule times.
        zone: the zone of a schedule by the clock, and the one times are shown in.
        delay: seconds from a schedule time until its instance may start.
        from_time, to_time: Unix seconds; the first possible schedule time, and the first that is too late (None: none is).
        window: the ends of the SQL window.
        script: the statement, with variables in it.
        source: the Logstore or Metricstore that is read.
        data_format: how rows become logs, samples or rows of a table.
        destination: where they go.
        limits: when an instance stops being tried.
        late: what logs do that come late.
        document: the configuration as it was given.
    """

    project: str
    name: str
    display_name: str
    description: str
    rule: ScheduleRule
    zone: dt.tzinfo
    delay: int
    from_time: int
    to_time: int | None
    window: SqlTimeWindow
    script: str
    source: str
    data_format: str
    destination: Destination
    limits: RetryLimits = field(default_factory=RetryLimits)
    late: LateLogs = field(default_factory=LateLogs)
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def range(self) -> Interval:
        """The schedule times of the plan lie inside."""
        return Interval(self.from_time, LAST_MOMENT if self.to_time is None else self.to_time)

    def first_schedule_time(self) -> int | None:
        """The plan's first schedule time, or None."""
        return self._inside(self.rule.first(self.from_time))

    def schedule_time_after(self, last: int) -> int | None:
        """The plan's next schedule time after one that was made, whatever the rule was then; None when the plan ends."""
        return self._inside(self.rule.following(last))

    def window_at(self, schedule_time: int) -> Interval:
        """``[from, to)``: it depends on the schedule time alone."""
        return self.window.at(schedule_time)

    def statement_at(self, schedule_time: int, window: Interval) -> str:
        """The script with its variables filled in, for the window the instance was made with."""
        return fill_variables(self.script, window, schedule_time)

    def _inside(self, schedule_time: int | None) -> int | None:
        return schedule_time if schedule_time is not None and schedule_time < self.range.end else None
