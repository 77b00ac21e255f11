"""Alerts: events that concern a rule go to its command or webhook, at least once, while nothing waits for them.

An event is a small file in the home's ``alerts`` folder until somebody has taken it, so it outlives the scheduler. The file names the
rule; where to send it, and the secrets of that, are looked up when it is sent. Of several schedulers on a machine one sends a rule's events.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pipelines.alert_rules import AlertRule
from pipelines.cli.unexpected import masked
from transforms.core.durable import durable
from transforms.core.errors import ParameterInvalid

__all__ = ["Alerts"]

_SEND_SECONDS = 15.0
_LOOK_SECONDS = 2.0
_LONGEST_WAIT = 60.0
_GIVE_UP_SECONDS = 86_400.0
_CLOSE_SECONDS = 5.0


class Alerts:
    """Takes events (`instance_ended`, `became_stale`, `job_changed`) and sends them in threads, one for each rule. Raises OSError when an event cannot
    be kept."""

    def __init__(self, folder: Path, rules: Sequence[AlertRule], say: Callable[[str], None]) -> None:
        self._rules = tuple(rules)
        self._senders = {rule.name: _Sender(folder / rule.name, rule, say) for rule in rules}

    def start(self) -> None:
        """Begin; what an earlier scheduler did not get rid of is sent first."""
        for sender in self._senders.values():
            sender.start()

    def instance_ended(self, fields: Mapping[str, str], key: tuple[str, int]) -> None:
        """An instance ended; ``fields`` as the operational log has them, ``key`` its id and the number of the run."""
        for rule in self._concerned(fields):
            behind = int(fields["fallbehind"])
            if (rule.event == "failed" and fields["status"] == "FAILED") or (rule.event == "fallbehind" and behind > rule.seconds):
                self._put(rule, fields, f"{key[0]}/{key[1]}")

    def became_stale(self, fields: Mapping[str, str], key: str) -> None:
        """Logs came late for an instance; ``key`` names the instance and the reading that missed them."""
        for rule in self._concerned(fields):
            if rule.event == "stale":
                self._put(rule, fields, key)

    def job_changed(self, rule: AlertRule, fields: Mapping[str, str], key: str) -> None:
        """A rule's condition began to hold of a job, or does no more; ``key`` names the job and how often that was so."""
        self._put(rule, fields, key)

    @property
    def job_rules(self) -> tuple[AlertRule, ...]:
        """The rules about continuous jobs."""
        return tuple(rule for rule in self._rules if rule.condition is not None)

    def close(self) -> None:
        """Try once more what waits; the rest is sent by whoever runs next."""
        for sender in self._senders.values():
            sender.stop()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for sender in self._senders.values():
            sender.join(max(0.0, deadline - time.monotonic()))

    def _concerned(self, fields: Mapping[str, str]) -> list[AlertRule]:
        return [rule for rule in self._rules if rule.concerns(fields["project"], fields["job_name"])]

    def _put(self, rule: AlertRule, fields: Mapping[str, str], key: str) -> None:
        self._senders[rule.name].put({"rule": rule.name, "severity": rule.severity, "event": rule.event, **fields}, key)


class _Sender(threading.Thread):
    """Sends the events of one rule, oldest first."""

    def __init__(self, folder: Path, rule: AlertRule, say: Callable[[str], None]) -> None:
        super().__init__(name=f"alert-{rule.name}", daemon=True)
        self._folder = folder
        self._rule = rule
        self._say = say
        self._wake = threading.Event()
        self._stopping = False
        self._said: str | None = None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, event: Mapping[str, str], key: str) -> None:
        """Keep an event. The same key again, while it waits, is the same event."""
        path = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}")
            with durable("alerts.put"):
                with part.open("w", encoding="utf-8") as file:
                    json.dump(event, file, ensure_ascii=False)
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(path)
        self._wake.set()

    def stop(self) -> None:
        """End after one more try."""
        self._stopping = True
        self._wake.set()

    def run(self) -> None:
        with (self._folder / "lock").open("w") as lock:
            wait = 0.0
            while not self._stopping:
                self._wake.wait(wait or _LOOK_SECONDS)
                self._wake.clear()
                wait = 0.0 if self._send_all(lock) else min(_LONGEST_WAIT, max(1.0, 2 * wait))
                if wait and not self._stopping:
                    # New events do not shorten the wait for who does not answer.
                    self._pause(wait)
            self._send_all(lock)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            self._wake.wait(until - time.monotonic())
            self._wake.clear()

    def _send_all(self, lock: IO[str]) -> bool:
        """Send what waits; whether all of it went."""
        try:
            # The lock ends with the process that holds it.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True  # another scheduler of this machine sends them
        waiting = []
        for path in self._folder.glob("*.json"):
            try:
                waiting.append((path.stat().st_mtime, path))
            except FileNotFoundError:
                continue
        for since, path in sorted(waiting):
            problem = self._send(path.read_bytes())
            if problem is not None and time.time() - since < _GIVE_UP_SECONDS:
                if problem != self._said:
                    self._say(f"alert {self._rule.name}: {problem}; trying again")
                    self._said = problem
                return False
            if problem is not None:
                self._say(f"alert {self._rule.name}: an event was given up after a day: {problem}")
            path.unlink(missing_ok=True)
            self._said = None
        return True

    def _send(self, event: bytes) -> str | None:
        """Why it did not go, without a secret; None when it did."""
        try:
            return self._run_command(event) if self._rule.command else self._post(event)
        except ParameterInvalid as error:
            return error.message

    def _run_command(self, event: bytes) -> str | None:
        program = self._rule.command[0]
        try:
            done = subprocess.run(
                self._rule.command, input=event, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=_SEND_SECONDS, check=False,
                start_new_session=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"{program} took longer than {_SEND_SECONDS:g} s"
        except OSError as error:
            return f"{program} cannot be run: {error.strerror}"
        if done.returncode == 0:
            return None
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return masked(f"{program} ended with exit code {done.returncode}{': ' + words[-1][:200] if words else ''}")

    def _post(self, event: bytes) -> str | None:
        headers = {name: secret.reveal() for name, secret in self._rule.headers.items()}
        url = self._rule.url()
        if not url.startswith(("http://", "https://")):
            return "the webhook is no http or https URL"
        try:
            request = Request(url, event, {"Content-Type": "application/json", "User-Agent": "logsluice", **headers})
            with build_opener(_NoRedirect).open(request, timeout=_SEND_SECONDS):
                return None
        except HTTPError as error:
            return f"the webhook answered {error.code}"
        except URLError as error:
            return f"the webhook does not answer: {_reason(error.reason)}"
        except OSError as error:
            return f"the webhook does not answer: {_reason(error)}"
        except (HTTPException, ValueError):
            # Their texts may hold a secret.
            return "the webhook's URL or a header cannot be used, or its answer is no HTTP"


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would arrive as a GET, without the event."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _reason(error: object) -> str:
    return str(error.strerror or type(error).__name__) if isinstance(error, OSError) else type(error).__name__
