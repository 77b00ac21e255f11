"""Errors: how they read, and that they arrive whole from other processes."""

from __future__ import annotations

import pickle

import pytest

from transforms.core.diagnostics import render
from transforms.core.error_transport import WorkerError, error_in, portable_errors
from transforms.core.errors import ExitCode, Location, NotFound, SqlError, StoreRejected
from transforms.core.secret import Secret
from transforms.core.suggest import nearest, suggestion

TEXT = "* | select a,\n  staus\nfrom log"
ERROR = SqlError(
    "Column 'staus' cannot be resolved",
    hint="did you mean 'status'?",
    location=Location(TEXT, 16, 21, "query.sql"),
    code="ColumnNotResolved",
)


def test_an_error_shows_where_what_and_what_next() -> None:
    assert render(ERROR) == (
        "error[ColumnNotResolved]: Column 'staus' cannot be resolved\n"
        " --> query.sql:2:3\n"
        "  |\n"
        "2 |   staus\n"
        "  |   ^^^^^\n"
        "hint: did you mean 'status'?"
    )


def test_tabs_wide_lines_and_the_end_of_the_text_keep_the_caret_in_place() -> None:
    assert render(SqlError("x", location=Location("\tab", 2, 3))).splitlines()[-1] == "  | \t ^"
    assert render(SqlError("x", location=Location("ab", 2, 2))).splitlines()[-1] == "  |   ^"
    lines = render(SqlError("x", location=Location("a" * 500 + "HERE" + "b" * 500, 500, 504))).splitlines()
    assert len(lines[3]) < 180 and lines[3][lines[4].index("^") :].startswith("HERE")


def test_an_error_survives_pickling_and_the_way_through_a_runner() -> None:
    copy = pickle.loads(pickle.dumps(ERROR))
    assert (copy.message, copy.hint, copy.location, copy.code) == (ERROR.message, ERROR.hint, ERROR.location, ERROR.code)
    with pytest.raises(WorkerError) as caught, portable_errors():
        raise ERROR
    report = f"RuntimeError: Traceback (most recent call last):\n  File …\n{caught.value} [while running 'Query/Scan']\n more {{}} text"
    told = error_in(report)
    assert type(told) is SqlError and render(told) == render(ERROR)


def test_reports_without_an_error_of_ours_stay_what_they_are() -> None:
    assert error_in("Traceback …\nValueError: x") is None
    assert error_in('logsluice-error:{"kind": "KeyError"}:end') is None
    assert error_in("logsluice-error:{not json}:end") is None
    with pytest.raises(ValueError, match="mine"), portable_errors():
        raise ValueError("mine")


def test_exit_codes_are_these() -> None:
    assert {code.name: int(code) for code in ExitCode} == {"DONE": 0, "PROBLEMS": 1, "USAGE": 2, "STORE": 3, "INTERRUPTED": 130}
    assert NotFound("x").exit_code == 2 and StoreRejected("x").exit_code == 3


def test_nearest_names() -> None:
    assert nearest("STATUS", ["status", "state"]) == "status"
    assert suggestion("sttaus", ["status", "path"]) == "did you mean 'status'?"
    assert suggestion("zzz", ["a", "b"], "column") == "known columns: a, b"
    assert suggestion("zzz", [f"name{i}" for i in range(50)]) is None


def test_a_secret_is_only_a_reference(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGSLUICE_TEST_SECRET", "geheim")
    secret = Secret("env:LOGSLUICE_TEST_SECRET")
    assert secret.reveal() == "geheim"
    assert b"geheim" not in pickle.dumps(secret) and "geheim" not in repr(secret)
    with pytest.raises(Exception, match="env:NAME or file:PATH") as caught:
        Secret("geheim")
    assert "geheim" not in str(caught.value)
    monkeypatch.delenv("LOGSLUICE_TEST_SECRET")
    with pytest.raises(Exception, match="LOGSLUICE_TEST_SECRET is not set"):
        secret.reveal()
