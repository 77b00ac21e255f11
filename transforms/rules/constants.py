"""Names that the rule language defines, besides its functions."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["CONSTANTS", "JOB_CONSTANTS", "OPERATIONS"]

CONSTANTS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "F_TAGS": "__tag__:.+",
    "F_META": "__tag__:.+|__topic__|__source__",
    "F_TIME": "__time__",
    "F_PACK_META": "__pack_meta__|__tag__:__pack_id__",
    "F_RECEIVE_TIME": "__tag__:__receive_time__",
    "MATH_PI": math.pi,
    "MATCH_E": math.e,
    "MATH_E": math.e,
}
"""Name → value. ``MATCH_E`` is how the log service spells Euler's number; the other spelling is accepted too."""

JOB_CONSTANTS = ("C_JOB_REGION", "C_JOB_PROJECT", "C_JOB_NAME", "C_JOB_ID")
"""Texts that a job gives its rule; None where there is no job."""

OPERATIONS = {"DROP": "e_drop", "KEEP": "e_keep"}
"""Bare names that stand for a call without arguments."""
