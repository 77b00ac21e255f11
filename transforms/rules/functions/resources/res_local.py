"""res_local"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Annotated, Any

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue, Text, choice_of

_GIVEN = {"res_local": {"region": "eu-1", "codes": '{"200": "ok"}', "count": "3", "list": "(1, 2)"}}


@expression(
    "resources",
    parameters={
        "param": "The key of the job's parameter.",
        "default": "What to give when the job has no such parameter.",
        "type": "How its text is read: ``auto`` (JSON, or text as it is), ``JSON`` (or the default) or ``raw`` (always text).",
    },
    examples=[
        Example('res_local("region")', {}, "eu-1", resources=_GIVEN),
        Example('res_local("codes")', {}, {"200": "ok"}, title="JSON becomes a value", resources=_GIVEN),
        Example('res_local("count", type="raw")', {}, "3", resources=_GIVEN),
        Example('res_local("list")', {}, "(1, 2)", title="What is not JSON stays text", resources=_GIVEN),
        Example('res_local("list", default="none", type="JSON")', {}, "none", resources=_GIVEN),
        Example('res_local("other", default=5)', {}, 5, resources=_GIVEN),
        Example('res_local("region", type="yaml")', {}, error="one of auto, JSON, raw"),
    ],
)
def res_local(
    context: Context, param: Text, default: AnyValue = None, type_: Annotated[str, choice_of("type", ("auto", "JSON", "raw"))] = "auto"
) -> Any:
    """Gives a parameter of the job.

    Parameters are set with the job and not in the rule, which is where passwords and texts that differ from job to job belong. The JSON is
    read strictly: ``True``, ``(1, 2)`` and ``NaN`` are text, ``"123"`` with its quotes is the text 123.
    """
    text = context.resources.parameter(param)
    if text is None:
        return default
    if type_ == "raw":
        return text
    known, value = _json(text)
    if known:
        return value
    return text if type_ == "auto" else default


@lru_cache(maxsize=256)
def _json(text: str) -> tuple[bool, Any]:
    """Whether the text is JSON, and its value: the same object each time, so that what is derived from it can be kept."""
    try:
        return True, json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return False, None


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
