"""Alert rules: a YAML file that says whom to tell when instances fail, fall behind or become stale, or how jobs that never end are.

rules:
  - name: failed-or-late
    project: .*                      # regular expressions, whole names; both may be left out
    task: spend-.*
    when: fallbehind > 300           # failed | stale | fallbehind > SECONDS
    severity: high
    command: [/usr/local/bin/page, --team, logs]      # the event as JSON on its stdin; or:
    webhook: env:HOOK                # a URL, or where it is: env:NAME, file:PATH
    headers: {Authorization: env:HOOK_TOKEN}
  - name: slow
    job: clean-.*                    # instead of task: continuous jobs
    when: lag > 120                  # see `pipelines.jobs.job_conditions`; told when it begins to hold and when it ends
    command: [/usr/local/bin/page]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pipelines.jobs.job_conditions import JOB_CONDITIONS, JobCondition, read_condition
from pipelines.schedule.task_file import read_task_file
from transforms.core.secret import Secret, is_reference
from transforms.schedule.config_fields import Fields, Places
from transforms.schedule.problems import Problem, refusal

__all__ = ["AlertRule", "Event", "read_alert_rules"]

Event = Literal["failed", "fallbehind", "stale", "lag", "errors", "accept", "delivered", "job failed"]
_WHEN = re.compile(r"(failed|stale)|fallbehind\s*>\s*([0-9]{1,9})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_KEYS = ("name", "project", "task", "job", "when", "severity", "command", "webhook", "headers")


@dataclass(frozen=True)
class AlertRule:
    """Which events, and whom to tell. Holds references to secrets, no secret, unless the file's URL is one.

    ``task`` is for the names of tasks, or of jobs when there is a ``condition``.
    """

    name: str
    project: re.Pattern[str]
    task: re.Pattern[str]
    event: Event
    seconds: int
    severity: str
    command: tuple[str, ...] = ()
    webhook: str = field(default="", repr=False)
    headers: Mapping[str, Secret] = field(default_factory=dict)
    condition: JobCondition | None = None

    def concerns(self, project: str, task: str) -> bool:
        """Whether the rule looks at a task or job of that name."""
        return self.project.fullmatch(project) is not None and self.task.fullmatch(task) is not None

    def url(self) -> str:
        """Where to post; fetched now. Raises ParameterInvalid when a reference cannot be had."""
        return Secret(self.webhook).reveal() if is_reference(self.webhook) else self.webhook


def read_alert_rules(path: Path) -> tuple[AlertRule, ...]:
    """The rules of a file. Raises NotFound, or ParameterInvalid that says all that is wrong, with places."""
    document, places = read_task_file(path, "rule")
    problems: list[Problem] = []
    top = Fields(document, (), problems, places)
    top.finish(("rules",))
    found = document.get("rules")
    if not isinstance(found, list) or not found:
        top.refuse("rules", "the file has no list of rules", "write `rules:` and under it `- name: …`, one for each")
        raise refusal(problems)
    rules = [_rule(item, ("rules", str(number)), problems, places) for number, item in enumerate(found)]
    names = [rule.name for rule in rules if rule is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem(f"two rules are called {name!r}", "a rule is known by its name", places(("rules",))))
    if problems:
        raise refusal(problems)
    return tuple(rule for rule in rules if rule is not None)


def _rule(item: Any, path: tuple[str, ...], problems: list[Problem], places: Places) -> AlertRule | None:
    if not isinstance(item, Mapping):
        problems.append(Problem("a rule is a mapping", "write `- name: …` and further `key: value` lines under it", places(path)))
        return None
    before = len(problems)
    fields = Fields(item, path, problems, places)
    name = fields.text("name", required=True)
    if name is not None and not _NAME.fullmatch(name):
        fields.refuse("name", f"{name!r} is no name of a rule", "use letters, digits, - and _")
    match, condition = _when(fields)
    named = "job" if condition is not None else "task"
    patterns = [_pattern(fields, key) for key in ("project", named)]
    severity = fields.text("severity", "medium") or "medium"
    command, webhook = _command(fields), _webhook(fields)
    if fields.has("command") == fields.has("webhook"):
        fields.refuse(None, "a rule has a command or a webhook", "write one of the two")
    headers = _headers(fields)
    fields.finish(_KEYS)
    if len(problems) > before or name is None or None in patterns:
        return None
    project, task = cast(list[re.Pattern[str]], patterns)
    if condition is not None:
        return AlertRule(name, project, task, condition.kind, condition.limit, severity, command, webhook, headers, condition)
    assert match is not None
    return AlertRule(name, project, task, cast(Event, match[1] or "fallbehind"), int(match[2] or 0), severity, command, webhook, headers)


def _when(fields: Fields) -> tuple[re.Match[str] | None, JobCondition | None]:
    """The event of instances, or the condition of jobs; neither when it is refused."""
    when = fields.text("when", required=True)
    if when is None:
        return None, None
    match, condition = _WHEN.fullmatch(when.strip()), read_condition(when)
    if match is None and condition is None:
        fields.refuse("when", f"unknown condition {when!r}", f"write failed, stale, fallbehind > SECONDS; for jobs {JOB_CONDITIONS}")
    wrong = "task" if condition is not None else "job"
    if (match is not None or condition is not None) and fields.has(wrong):
        of = "jobs that never end" if condition is not None else "instances of tasks"
        fields.refuse(wrong, f"{when!r} is about {of}", f"write {'job' if wrong == 'task' else 'task'}: instead of {wrong}:")
    return match, condition


def _pattern(fields: Fields, key: str) -> re.Pattern[str] | None:
    text = fields.text(key, ".*") or ".*"
    try:
        return re.compile(text)
    except re.error as error:
        fields.refuse(key, f"{text!r} is no regular expression: {error}", "`.*` stands for all")
        return None


def _command(fields: Fields) -> tuple[str, ...]:
    given = fields.raw("command")
    if given is None:
        return ()
    if not isinstance(given, list) or not given or not all(isinstance(word, str | int | float) for word in given):
        fields.refuse("command", "a command is a list of words", "write [program, argument, …]; there is no shell")
        return ()
    return tuple(str(word) for word in given)


def _webhook(fields: Fields) -> str:
    text = fields.text("webhook", "") or ""
    if not text or is_reference(text):
        return text
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        usable = None
    if not usable:
        fields.refuse("webhook", "a webhook is an http or https URL", "or where the URL is: env:NAME, file:PATH")
    elif parts.username or parts.password:
        fields.refuse("webhook", "the URL holds a password", "keep the whole URL elsewhere and write env:NAME or file:PATH")
    return text


def _headers(fields: Fields) -> dict[str, Secret]:
    given = fields.section("headers")
    found = {}
    for name in fields.raw("headers") if isinstance(fields.raw("headers"), Mapping) else ():
        text = given.text(name, required=True)
        if text is None:
            continue
        if is_reference(text) and re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            found[name] = Secret(text)
        else:
            given.refuse(name, f"the header {name} must be given as env:NAME or file:PATH", "what it holds may be a secret")
    return found
