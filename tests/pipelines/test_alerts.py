"""Alert rules and their delivery: real commands, a real HTTP server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.alert_rules import AlertRule, read_alert_rules
from pipelines.alerts import Alerts
from tests.pipelines.scheduler_world import until
from transforms.core.diagnostics import render
from transforms.core.errors import LogsluiceError, NotFound

FAILED = {
    "project": "default",
    "job_name": "spend",
    "instance_id": "i-1",
    "status": "FAILED",
    "fallbehind": "40",
    "error_code": "SQLFailed",
}


def rules(folder: Path, text: str) -> tuple[AlertRule, ...]:
    path = folder / "alerts.yaml"
    path.write_text(text)
    return read_alert_rules(path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(LogsluiceError) as error:
        rules(folder, text)
    return render(error.value)


def test_rules_are_read(tmp_path: Path) -> None:
    text = """\
rules:
  - {name: all, when: failed, command: [page, 7]}
  - name: behind
    project: shop|default
    task: spend-.*
    when: fallbehind > 300
    severity: high
    webhook: env:HOOK
    headers: {Authorization: env:TOKEN}
"""
    first, second = rules(tmp_path, text)
    assert (first.event, first.command, first.severity) == ("failed", ("page", "7"), "medium")
    assert (second.event, second.seconds, second.headers["Authorization"].reference) == ("fallbehind", 300, "env:TOKEN")
    assert first.concerns("any", "task") and second.concerns("shop", "spend-all")
    assert not second.concerns("shopping", "spend-all") and not second.concerns("shop", "my-spend-all")


def test_all_that_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    text = """\
rules:
  - name: one
    when: fail
    comand: [page]
  - name: two
    task: "*"
    when: fallbehind > soon
    webhook: https://ada:hunter2@example.com/hook
    headers: {Authorization: Bearer hunter2}
  - {name: one, when: failed, webhook: "ftp://example.com"}
"""
    said = refusal(tmp_path, text)
    for words in (
        "unknown condition 'fail'", "did you mean 'command'", "no regular expression", "unknown condition 'fallbehind > soon'",
        "holds a password", "the header Authorization must be given as env:NAME", "http or https URL", "has a command or a webhook",
    ):  # fmt: skip
        assert words in said, f"{words!r} is not in:\n{said}"
    assert "alerts.yaml:3" in said and "alerts.yaml:7" in said
    with pytest.raises(NotFound) as missing:
        read_alert_rules(tmp_path / "none.yaml")
    assert "name the rule's YAML or JSON file" in render(missing.value)
    assert "no list of rules" in refusal(tmp_path, "rules: 7\n")
    assert "two rules are called 'a'" in refusal(
        tmp_path, "rules: [{name: a, when: failed, command: [x]}, {name: a, when: stale, command: [x]}]\n"
    )


@contextmanager
def sending(folder: Path, found: tuple[AlertRule, ...], said: list[str]) -> Iterator[Alerts]:
    alerts = Alerts(folder / "alerts", found, said.append)
    alerts.start()
    try:
        yield alerts
    finally:
        alerts.close()


def test_a_command_gets_the_event_until_it_takes_it(tmp_path: Path) -> None:
    got, ready = tmp_path / "got", tmp_path / "ready"
    script = f"test -e {ready} || {{ echo not yet >&2; exit 3; }}; cat >> {got}; echo >> {got}"
    found = rules(tmp_path, f'rules:\n- name: one\n  when: failed\n  severity: high\n  command: [sh, -c, "{script}"]\n')
    said: list[str] = []
    with sending(tmp_path, found, said) as alerts:
        alerts.instance_ended(FAILED, ("i-1", 1))
        alerts.instance_ended({**FAILED, "status": "SUCCEEDED"}, ("i-2", 1))
        until(lambda: said)
        assert said == ["alert one: sh ended with exit code 3: not yet; trying again"]
        alerts.instance_ended(FAILED, ("i-1", 1))
        ready.touch()
        until(got.exists)
    assert [json.loads(line) for line in got.read_text().splitlines()] == [{"rule": "one", "severity": "high", "event": "failed", **FAILED}]
    assert not list((tmp_path / "alerts").rglob("*.json"))


def test_what_was_not_sent_is_sent_by_the_next_scheduler(tmp_path: Path) -> None:
    got = tmp_path / "got"
    broken = rules(tmp_path, "rules:\n- {name: one, when: fallbehind > 39, command: [/no/such/program]}\n")
    said: list[str] = []
    with sending(tmp_path, broken, said) as alerts:
        alerts.instance_ended(FAILED, ("i-1", 1))
        alerts.instance_ended({**FAILED, "fallbehind": "39"}, ("i-2", 1))
        until(lambda: said)
    assert "/no/such/program cannot be run: No such file or directory" in said[0]
    repaired = rules(tmp_path, f"rules:\n- {{name: one, when: fallbehind > 39, command: [tee, {got}]}}\n")
    with sending(tmp_path, repaired, []):
        until(got.exists)
    assert json.loads(got.read_text())["instance_id"] == "i-1"


class _Hook(BaseHTTPRequestHandler):
    answers: list[int]
    got: list[tuple[dict[str, str], Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((dict(self.headers), json.loads(body)))
        self.send_response(self.answers.pop(0) if self.answers else 204)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def hook(*answers: int) -> Iterator[tuple[str, list[tuple[dict[str, str], Any]]]]:
    handler = type("Hook", (_Hook,), {"answers": list(answers), "got": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret-path", handler.got  # type: ignore[attr-defined]
        server.shutdown()


def test_a_webhook_is_asked_again_until_it_takes_the_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hook(500, 302) as (url, got):
        monkeypatch.setenv("ALERT_HOOK", url)
        monkeypatch.setenv("ALERT_TOKEN", "Bearer hunter2")
        found = rules(
            tmp_path, "rules:\n- {name: hook, when: failed, webhook: env:ALERT_HOOK, headers: {Authorization: env:ALERT_TOKEN}}\n"
        )
        said: list[str] = []
        with sending(tmp_path, found, said) as alerts:
            alerts.instance_ended(FAILED, ("i-1", 1))
            until(lambda: len(got) == 3)
        assert said == ["alert hook: the webhook answered 500; trying again", "alert hook: the webhook answered 302; trying again"]
        headers, event = got[-1]
        assert (headers["Authorization"], headers["Content-Type"], event["rule"]) == ("Bearer hunter2", "application/json", "hook")
    kept = "".join(path.read_text() for path in (tmp_path / "alerts").rglob("*") if path.is_file())
    assert "hunter2" not in kept + repr(found) + "".join(said) and "secret-path" not in kept + repr(found)


def test_a_webhook_that_is_not_there_holds_up_no_other_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = tmp_path / "got"
    monkeypatch.delenv("ALERT_HOOK", raising=False)
    text = f"rules:\n- {{name: gone, when: failed, webhook: 'http://127.0.0.1:9/x'}}\n- {{name: unset, when: failed, webhook: env:ALERT_HOOK}}\n- {{name: ok, when: failed, command: [tee, {got}]}}\n"
    said: list[str] = []
    with sending(tmp_path, rules(tmp_path, text), said) as alerts:
        alerts.instance_ended(FAILED, ("i-1", 1))
        until(got.exists)
        until(lambda: len(said) == 2)
    assert sorted(said) == [
        "alert gone: the webhook does not answer: Connection refused; trying again",
        "alert unset: the environment variable ALERT_HOOK is not set; trying again",
    ]


def test_two_schedulers_send_an_event_once(tmp_path: Path) -> None:
    got = tmp_path / "got"
    found = rules(tmp_path, f"rules:\n- {{name: one, when: failed, command: [sh, -c, 'cat >> {got}; echo >> {got}']}}\n")
    with sending(tmp_path, found, []) as first, sending(tmp_path, found, []) as second:
        for number in range(5):
            (first, second)[number % 2].instance_ended(FAILED, (f"i-{number}", 1))
        until(lambda: got.exists() and got.read_text().count("\n") >= 5)
    assert got.read_text().count("\n") == 5
