"""Dead letters of a rule: the original log, which rule and step it failed in, where, why and when; and the way back.

A dead letter is a log itself, with the event time of the moment it failed and these fields:

    job        the job, if there is one
    rule       what the rule is called          step      number and function of the top-level step
    position   LINE:COLUMN in the rule's text   reason    as the rule language words it
    source     PROJECT/LOGSTORE it came from    cursor    receive time in that Logstore, microseconds
    log        the original log: a JSON object of its fields, ``__time__`` (seconds, with fraction) among them
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS
from transforms.core.log_group import LogGroup
from transforms.rules.batch import RuleBatch
from transforms.rules.rule import Rule

__all__ = ["FIELDS", "dead_letters", "original_logs"]

FIELDS = ("job", "rule", "step", "position", "reason", "source", "cursor", "log")


def dead_letters(batch: RuleBatch, rule: Rule, now_us: int, source: str = "", job: str | None = None) -> LogGroup | None:
    """The failed events of a batch as dead letters, or None if none failed."""
    failed = batch.failed()
    if not failed:
        return None
    originals = batch.source.chosen([row for row, _ in failed])
    seconds, nanoseconds = originals.table[TIME].to_pylist(), originals.table[TIME_NS].to_pylist()
    received = None if originals.receive_times is None else originals.receive_times.to_pylist()
    letters: list[dict[str, str]] = []
    for number, ((_, failure), log) in enumerate(zip(failed, originals.to_logs(), strict=True)):
        location = rule.location(failure)
        letter = {
            "rule": rule.source,
            "step": rule.step_at(failure.start),
            "position": f"{location.line}:{location.column}",
            "reason": failure.reason,
            "log": json.dumps({TIME: _moment(seconds[number], nanoseconds[number]), **log}, ensure_ascii=False),
        }
        if job is not None:
            letter["job"] = job
        if source:
            letter["source"] = source
        if received is not None and received[number] is not None:
            letter["cursor"] = str(received[number])
        letters.append(letter)
    return LogGroup.from_logs(letters, [now_us // 1_000_000] * len(letters), [now_us % 1_000_000 * 1_000] * len(letters))


def original_logs(letters: Sequence[Mapping[str, str]]) -> LogGroup:
    """The original logs of dead letters, with the receive times their cursors say (0 for none).

    Raises ParameterInvalid for a log that is no dead letter.
    """
    import pyarrow as pa

    logs: list[dict[str, str]] = []
    seconds: list[int] = []
    nanoseconds: list[int] = []
    received: list[int] = []
    for letter in letters:
        try:
            original: dict[str, Any] = json.loads(letter["log"])
            whole, _, fraction = str(original.pop(TIME)).partition(".")
            seconds.append(int(whole))
            nanoseconds.append(int(fraction.ljust(9, "0")[:9]) if fraction else 0)
            received.append(int(letter.get("cursor", "0")))
            logs.append({str(name): str(text) for name, text in original.items()})
        except (KeyError, ValueError, AttributeError):
            raise ParameterInvalid("a log is no dead letter of a rule", hint=f"dead letters have the fields {', '.join(FIELDS)}") from None
    group = LogGroup.from_logs(logs, seconds, nanoseconds)
    return LogGroup(group.table.append_column(RECEIVE_TIME, pa.array(received, pa.int64())))


def _moment(seconds: int, nanoseconds: int) -> str:
    return f"{seconds}.{nanoseconds:09d}" if nanoseconds else str(seconds)
