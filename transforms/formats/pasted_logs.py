"""A few logs as people paste them: a JSON object, a JSON array, JSON lines, or blocks of ``key: value`` lines.

Blocks are separated by an empty line. A key may be quoted; a value with line breaks stands between triple backticks.
"""

from __future__ import annotations

import json
import re
from typing import Any

from transforms.core.errors import Location, ParameterInvalid

__all__ = ["MOST_CHARACTERS", "pasted_logs"]

MOST_CHARACTERS = 1_000_000
_KEY = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([^:\s][^:]*(?::[^:\s]+:[^:\s]+)?|__tag__:[^:]+))\s*:(?:[ \t]|$)')


def pasted_logs(text: str, source: str) -> list[dict[str, str]]:
    """The logs of a text. Raises ParameterInvalid with the line of what cannot be read."""
    if len(text) > MOST_CHARACTERS:
        raise ParameterInvalid(
            f"{source} has {len(text):,} characters; a preview reads {MOST_CHARACTERS:,}", hint="`logsluice apply` has no limit"
        )
    if text.lstrip()[:1] in ("{", "["):
        return _of_json(text, source)
    return _of_blocks(text, source)


def _of_json(text: str, source: str) -> list[dict[str, str]]:
    decoder = json.JSONDecoder()
    logs: list[dict[str, str]] = []
    at = 0
    while (at := _skip(text, at)) < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            place = getattr(error, "pos", at)
            message = getattr(error, "msg", "nested too deeply")
            raise ParameterInvalid(f"this is no JSON: {message}", location=Location(text, place, place + 1, source)) from None
        for log in value if isinstance(value, list) else [value]:
            if not isinstance(log, dict):
                raise ParameterInvalid("a log is a JSON object", location=Location(text, at, end, source))
            logs.append({name: _text(field) for name, field in log.items()})
        at = end
    return logs


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _of_blocks(text: str, source: str) -> list[dict[str, str]]:
    logs: list[dict[str, str]] = [{}]
    lines = text.splitlines(keepends=True)
    at, number = 0, 0
    while number < len(lines):
        line = lines[number]
        if not line.strip():
            if logs[-1]:
                logs.append({})
        else:
            match = _KEY.match(line.rstrip("\r\n"))
            if match is None:
                hint = "lines are `key: value`; an empty line ends a log; or give JSON"
                raise ParameterInvalid("this line has no key", hint=hint, location=Location(text, at, at + len(line.rstrip()), source))
            key = next(part for part in match.groups() if part is not None).strip()
            value = line.rstrip("\r\n")[match.end() :].strip()
            if value.startswith("```"):
                block = [value[3:]]
                while not block[-1].rstrip().endswith("```") and number + 1 < len(lines):
                    at += len(lines[number])
                    number += 1
                    block.append(lines[number].rstrip("\r\n"))
                value = "\n".join(block).rstrip().removesuffix("```").removeprefix("\n").removesuffix("\n")
            logs[-1][key] = value
        at += len(lines[number])
        number += 1
    return [log for log in logs if log]
