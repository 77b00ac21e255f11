"""Passwords that stand in a rule are shown nowhere, neither for rules that load nor for those that do not."""

from __future__ import annotations

import pytest

from tests.rules.stand_in_resources import context_of
from transforms.core.diagnostics import render, render_location
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule
from transforms.rules.secrets import shown


@pytest.mark.parametrize(
    "rule",
    [
        'e_table_map(res_rds_mysql("h", "u", "s3cr3t", "d"), "a", "b")',
        'e_table_map(res_rds_mysql("h", "u", "s3cr3t", "d", table="t", fields=1), "a", "b"',
        "e_table_map(res_rds_mysql('h', 'u', r's3cr3t\\'x', 'd'), 'a', 'b')",
        'e_table_map(res_rds_mysqll("h", "u", password = "s3cr3t, (x", database="d"), "a", "b")',
        'e_table_map(res_rds_mysql("h", (1, 2), str_join("", "s3", "s3cr3t"), "d"), "a", "b")',
        'e_table_map(res_rds_mysql("h", "u", "s3cr3t" "s3cr3t", "d", tabel="t"), "a", "b")',
        'e_table_map(res_rds_mysql("h", "u", """s3cr3t\ns3cr3t""", "d", 5, "delete"), "a", "b")',
        'e_set("x", res_oss_file("oss", "s3cr3t", "s3cr3t", "b"))',
        'e_set("x", res_oss_file("oss", ak_key="s3cr3t", bucket="b", file=5))',
        'e_table_map(res_log_logstore_pull("e", "s3cr3t", "s3cr3t", "p", fields=["a"]), "a", "b")',
        'e_table_map(res_rds_mysql("h", "u", "s3cr3t',
        'e_if(res_rds_mysql("h", "u", # "not yet\n "s3cr3t", "d"))',
    ],
)
def test_a_rule_that_is_refused_does_not_show_its_password(rule: str) -> None:
    with pytest.raises(RuleInvalid) as caught:
        compile_rule(rule)
    assert "s3cr3t" not in render(caught.value)
    assert "s3cr3t" not in repr(caught.value.problems)
    assert "***" in caught.value.problems[0].location.text


def test_an_event_that_fails_does_not_show_it_either() -> None:
    rule = compile_rule('e_table_map(res_rds_mysql("h", "u", "s3cr3t", "d", "t"), "a", "b")')
    result = rule.run_logs([{"a": "1"}], context_of({}))
    failure = result.failures[0]
    assert "s3cr3t" not in failure.reason
    assert "s3cr3t" not in render_location(rule.location(failure))
    assert "s3cr3t" not in repr(rule.steps)


def test_references_names_and_all_else_stay() -> None:
    text = 'res_rds_mysql("h", "u", "env:DB", "d", ak_id=res_local("key"))\ne_set("password", "x", "a", v("password") == "y")'
    assert shown(text) == text


def test_places_stay() -> None:
    text = 'f(password="""a\nb\\"c""", other="d")'
    assert shown(text) == 'f(password="""*\n****""", other="d")'
