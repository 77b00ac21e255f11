"""Regular expressions of rules: time limits, templates, grok."""

from __future__ import annotations

import pickle
import time

import pytest

from tests.rules.evaluation import columnar, scalar
from tests.rules.stand_in_resources import context_of
from transforms.rules import pattern as pattern_module
from transforms.rules.event import EventFailed
from transforms.rules.grok import definitions, expand
from transforms.rules.pattern import Pattern
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule

EXPLODING = r"(a+)+$"


def test_an_exploding_expression_fails_its_events_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_module, "MATCH_SECONDS", 0.2)
    rule = compile_rule(f'e_regex("m", r"{EXPLODING}x?", "found")\ne_set("n", regex_match(v("m"), r"{EXPLODING}y?"))')
    logs = [{"m": "a" * 3000 + f"!{number}"} for number in range(100)] + [{"m": "baa"}]
    started = time.monotonic()
    for result in (rule.run_logs(logs, context_of({})), rule.run_events(logs, context_of({}))):
        assert set(result.failures) == set(range(100))
        assert "error when calling : e_regex\nDetail: the regular expression took too long" in result.failures[5].reason
        assert result.targets["default"][0]["found"] == "aa"
    assert time.monotonic() - started < 6, "2 × 100 values would take 40 s at the full limit"


def test_the_full_limit_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_module, "MATCH_SECONDS", 0.08)
    monkeypatch.setattr(pattern_module, "_PATIENCE_SECONDS", 0.3)
    pattern = Pattern(EXPLODING)
    spent: list[float] = []
    for _ in range(4):
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            pattern.search("a" * 3000 + "!")
        spent.append(time.monotonic() - started)
    assert spent[3] < spent[0] / 2
    time.sleep(0.3)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        list(pattern.each("a" * 3000 + "!"))
    assert time.monotonic() - started >= 0.07


@pytest.mark.parametrize(
    "call",
    ["regex_select(v('m'), r'{}')", "regex_findall(v('m'), r'{}')", "regex_replace(v('m'), r'{}')", "regex_split(v('m'), r'{}')",
     "regex_match(v('m'), r'{}', full=True)"],
)  # fmt: skip
def test_every_function_has_the_limit(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_module, "MATCH_SECONDS", 0.05)
    text = call.format(r"(?:a|a)*b$|(a+)+$|c")
    log = {"m": "a" * 2000 + "!"}
    with pytest.raises(EventFailed, match="took too long"):
        scalar(text, log)
    failed = columnar(text, [log, {"m": "c"}])
    assert isinstance(failed[0], EventFailed) and not isinstance(failed[1], EventFailed)


def test_wrong_templates_are_found_when_a_rule_is_loaded() -> None:
    for rule in (
        r'e_set("x", regex_replace("a", r"(a)", r"\2"))',
        r'e_regex("m", r"(a)", {r"\3": r"\1"})',
        r'e_regex("m", "a", {"k": "\\g<n>"})',
    ):
        with pytest.raises(RuleInvalid, match="invalid template"):
            compile_rule(rule)


def test_results_do_not_grow_without_bounds() -> None:
    for call in ('regex_replace(v("m"), "a", v("r"))', 'regex_findall(v("m"), "(?=(a*))")'):
        with pytest.raises(EventFailed, match="more than 10,000,000 characters"):
            scalar(call, {"m": "a" * 20_000, "r": r"\g<0>" + "b" * 2000})


def test_long_results_are_put_together_as_the_module_does() -> None:
    log = {"m": "xa" * 1000 + "x", "r": "<" + r"\g<0>" * 2 + "b" * 6000 + ">"}
    assert scalar('regex_replace(v("m"), "a", v("r"))', log) == log["m"].replace("a", "<aa" + "b" * 6000 + ">")
    assert scalar('regex_replace(v("m"), "a", v("r"), 2)', log).count("<") == 2


def test_patterns_travel_as_text() -> None:
    pattern = pickle.loads(pickle.dumps(Pattern.of("a(b)")))
    assert pattern.text == "a(b)" and pattern.search("ab")[1] == "b"


UNBALANCED = {"CHINAID"}
WRONG_AS_PUBLISHED = {"SHOREWALL"}


def test_every_grok_definition_compiles() -> None:
    assert len(definitions()) > 300
    for name in set(definitions()) - UNBALANCED - WRONG_AS_PUBLISHED:
        Pattern.of(expand(f"%{{{name}}}"))
    with pytest.raises(ValueError, match="invalid regular expression"):
        Pattern.of(expand("%{SHOREWALL}"))


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("%{TIMESTAMP_ISO8601:t} %{LOGLEVEL:level} %{GREEDYDATA:m}", "2024-01-02T03:04:05Z ERROR out of luck",
         {"t": "2024-01-02T03:04:05Z", "level": "ERROR", "m": "out of luck"}),
        ("%{IP:ip}:%{POSINT:port}", "to [::1] or 10.0.0.1:80", {"ip": "10.0.0.1", "port": "80"}),
        ("%{EXTRACTJSON}", 'x {"a": "}", "b": {"c": "\\"{"}} y', {"json": '{"a": "}", "b": {"c": "\\"{"}}'}),
        ("%{JAVASTACKTRACEPART}", "at a.b.C.d(C.java:7)", {"class": "a.b.C", "method": "d", "file": "C.java", "line": "7"}),
        ("%{SYSLOGBASE} %{GREEDYDATA:m}", "May  5 10:20:57 h app[7]: hi",
         {"timestamp": "May  5 10:20:57", "logsource": "h", "program": "app", "pid": "7", "m": "hi"}),
        ("%{QS:q}", 'a "b \\" c" d', {"q": '"b \\" c"'}),
        ("%{MAC:mac} %{UUID:id}", "aa:bb:cc:dd:ee:ff 123e4567-e89b-12d3-a456-426614174000",
         {"mac": "aa:bb:cc:dd:ee:ff", "id": "123e4567-e89b-12d3-a456-426614174000"}),
    ],
)  # fmt: skip
def test_grok_definitions_find_what_they_are_called(pattern: str, text: str, found: dict[str, str]) -> None:
    match = Pattern.of(expand(pattern)).search(text)
    assert match is not None
    assert {name: value for name, value in match.groupdict().items() if value is not None} == found


@pytest.mark.parametrize(
    ("pattern", "extend", "message"),
    [
        ("%{NOPE}", None, "no grok definition is called 'NOPE'"),
        ("%{ip}", None, "did you mean"),
        ("%{A}", {"A": "%{B}", "B": "x%{A}"}, "A uses itself"),
        ("%{INT:a-b}", None, "letters, digits and _"),
        ("%{X9}", {f"X{n}": f"%{{X{n - 1}}}" * 10 for n in range(1, 10)} | {"X0": "0123456789"}, "grows beyond"),
        ("%{X80}", {f"X{n}": f"%{{X{n - 1}}}" for n in range(1, 81)}, "more than 50 deep"),
    ],
)
def test_grok_mistakes(pattern: str, extend: dict[str, str] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expand(pattern, extend=extend)


def test_own_definitions_come_first() -> None:
    assert expand("%{INT:n}.%{MINE}", extend={"INT": r"\d", "MINE": "%{INT}!"}) == r"(?P<n>\d).\d!"
    assert expand("(%{INT:n:int})", escape=True, extend={"INT": r"\d"}) == r"\((?P<n>\d)\)"


@pytest.mark.parametrize("pattern", [r"\d+", r"(\w)(\d)?", r"(a)|b", r"x*", r"(?=(\w+))"])
def test_all_matches_are_the_same_at_once_and_one_by_one(pattern: str) -> None:
    from transforms.rules.functions.patterns.regex_findall import regex_findall

    compiled = Pattern(pattern)
    for value in ("", "a1b65", "abc xx", "ä1ß" * 3):
        short = regex_findall(value, compiled)
        # A long value takes the other way; what stands before the last match of the filling is the same.
        long = regex_findall(value + " " * 10_000, compiled)
        kept = [match for match in long if match not in ("", ["", ""])]
        assert kept == [match for match in short if match not in ("", ["", ""])]
