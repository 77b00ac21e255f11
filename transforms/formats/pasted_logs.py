"""A few logs as people paste them: a JSON object, a JSON array, JSON lines, or blocks of ``key: value`` lines.

Blocks are separated by an empty line. A key may be quoted; a value with line breaks stands between triple backticks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

from transforms.core.errors import Location, ParameterInvalid
from transforms.formats.json_object import NotALog, parse_object

__all__ = ["MOST_CHARACTERS", "pasted_logs"]

MOST_CHARACTERS = 1_000_000
"""More of an input is not read."""
_DECODER = json.JSONDecoder(strict=False)
_KEY = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([^:\s][^:]*(?::[^:\s]+:[^:\s]+)?|__tag__:[^:]+))\s*:(?:[ \t]|$)')


def pasted_logs(text: str, source: str, most: int) -> list[dict[str, str]]:
    """The first ``most`` logs of a text: values as JSON lines have them (`parse_object`). What follows them is not looked at.

    Raises ParameterInvalid with the place of what cannot be read.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] in ("{", "["):
        return list(islice(_of_json(text, source), most))
    return list(islice(_of_blocks(text, source), most))


def _of_json(text: str, source: str) -> Iterator[dict[str, str]]:
    at = 0
    inside = False  # an array
    while (at := _skip(text, at)) < len(text):
        if text[at] == "[" and not inside:
            inside, at = True, at + 1
            continue
        if text[at] == "]" and inside:
            inside, at = False, at + 1
            continue
        try:
            _, end = _DECODER.raw_decode(text, at)
            log = parse_object(text[at:end])
        except json.JSONDecodeError as error:
            cut = "; only the beginning of it was read" if len(text) >= MOST_CHARACTERS else ""
            raise ParameterInvalid(
                f"this is no JSON: {error.msg}{cut}", location=Location(text, error.pos, error.pos + 1, source)
            ) from None
        except RecursionError:
            raise ParameterInvalid("this is no JSON: nested too deeply", location=Location(text, at, at + 1, source)) from None
        except NotALog as error:
            raise ParameterInvalid(f"this is no log: {error}", location=Location(text, at, end, source)) from None
        yield log
        at = end
    if inside:
        raise ParameterInvalid("this is no JSON: the array is not closed", location=Location(text, len(text) - 1, len(text), source))


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _of_blocks(text: str, source: str) -> Iterator[dict[str, str]]:
    log: dict[str, str] = {}
    lines = text.splitlines(keepends=True)
    at, number = 0, 0
    while number < len(lines):
        line = lines[number]
        if not line.strip():
            if log:
                yield log
                log = {}
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
            log[key] = value
        at += len(lines[number])
        number += 1
    if log:
        yield log
