"""The rule of the tests' jobs: it drops, copies, fails, and sends logs to Logstores that it names itself; and what comes of a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

LEVELS = ("info", "debug", "error", "info", "tenant", "info", "error", "bad", "tenant", "info")
"""Of the log with number n it is number n % 10."""
MAIN, ERRORS, TENANTS, DEAD = "main", "errors", ("tenant-0", "tenant-1"), "source-dead-letters"

_RULE = """\
e_set("rule", "{version}")
e_if(v("level") == "debug", DROP)
e_if(v("level") == "error", e_coutput("errors"))
e_if(v("level") == "tenant", e_output(project="default", logstore=op_add("tenant-", v("tenant"))))
e_if(v("level") == "bad", e_set("size", ct_int(v("size"))))
"""


def rule(version: str = "one") -> str:
    """The rule's text; what it writes tells its version."""
    return _RULE.format(version=version)


def expected(logs: Iterable[Mapping[str, str]]) -> dict[str, Counter[str]]:
    """Target → numbers of the logs it has after some logs of the source were transformed, each once."""
    found: dict[str, Counter[str]] = {name: Counter() for name in (MAIN, ERRORS, *TENANTS, DEAD)}
    for log in logs:
        level, number = log["level"], log["n"]
        if level == "error":
            found[ERRORS][number] += 1
        target = {"debug": None, "bad": DEAD, "tenant": f"tenant-{log['tenant']}"}.get(level, MAIN)
        if target is not None:
            found[target][number] += 1
    return found
