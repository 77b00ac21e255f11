"""Rules that somebody broke, by chance or on purpose: they are refused or they run, they never crash, hang or reach Python.

The examples of all functions are mutated (characters, tokens, nesting, long literals, Python's inner names, bombs). Whatever comes out is
loaded; what loads is run, by both forms, over a few logs. An audit hook watches that nothing is executed, spawned, connected or written.
"""

from __future__ import annotations

import keyword
import random
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from tests.rules.stand_in_resources import context_of
from transforms.core.diagnostics import render
from transforms.rules.library import all_functions, function_names
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import Rule, compile_rule

SECONDS = 1.0
"""Of the processor, for loading a rule, and again for running it over the logs below."""

LOGS = [
    {"a": "1", "b": "x", "__time__": "1600000000", "__topic__": "t"},
    {"a": "", "content": '{"k": [1, {"n": null}]}', "status": "200"},
    {"a": "9" * 40, "b": "k=v,k2=v2", "list": "[1, 2]", "n": "-3.5"},
    {},
]

EXAMPLES = [
    (example.rule if function.is_step or example.rule.startswith("e_") else f'e_set("x", {example.rule})', example.resources)
    for function in all_functions()
    for example in function.examples
]


# ── watching ─────────────────────────────────────────────────────────────

_watching = False
_seen: list[str] = []
_FORBIDDEN = ("os.system", "os.exec", "os.fork", "os.spawn", "os.posix_spawn", "subprocess.Popen", "socket.connect", "socket.getaddrinfo", "os.remove",
              "os.rename", "os.mkdir", "shutil.", "ctypes.dlopen", "pickle.find_class", "code.__new__", "builtins.input", "builtins.breakpoint")  # fmt: skip


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event.startswith(_FORBIDDEN):
        _seen.append(event)
    elif event == "open":
        mode = arguments[1]
        if isinstance(mode, str) and set(mode) & set("wax+"):
            _seen.append(f"open {arguments[0]!r} {mode}")
    elif event == "exec" and isinstance(arguments[0], CodeType):
        # The code of a module that is imported late has a file, or it runs while a module is imported; the code of a rule has none.
        name = arguments[0].co_filename
        if not name.startswith("<frozen") and not Path(name).is_file() and not _importing():
            _seen.append(f"exec {name}")


def _importing() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


sys.addaudithook(_audit)


@contextmanager
def watched() -> Iterator[list[str]]:
    global _watching
    _seen.clear()
    _watching = True
    try:
        yield _seen
    finally:
        _watching = False


class Hung(BaseException):
    """Not an Exception, so that nothing takes it for a failure of an event."""


def _hung(signum: int, frame: FrameType | None) -> None:
    raise Hung


def survives(text: str, resources: Any) -> str:
    """Load a rule, run it if it loads. Answers with ``refused`` or ``ran``; raises AssertionError with the rule that misbehaved."""
    signal.signal(signal.SIGALRM, _hung)
    signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        with watched() as seen:
            rule = _loaded(text)
            if rule is not None:
                _run(rule, text, resources)
        assert not seen, f"{seen}: {text!r}"
    except Hung:
        raise AssertionError(f"hangs: {text!r}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "refused" if rule is None else "ran"


def _loaded(text: str) -> Rule | None:
    before = time.thread_time()
    rule = None
    try:
        rule = compile_rule(text)
    except RuleInvalid as error:
        assert error.problems
        for problem in error.problems:
            assert problem.message
            assert 0 <= problem.location.start <= problem.location.end <= len(problem.location.text) + 1, text
        assert render(error)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}: {text[:2000]!r}") from error
    assert time.thread_time() - before < SECONDS, f"slow to load: {text[:2000]!r}"
    return rule


def _run(rule: Rule, text: str, resources: Any) -> None:
    before = time.thread_time()
    try:
        context = context_of(resources)
        single = rule.run_events(LOGS, context)
        batch = rule.run_logs(LOGS, context)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}: {text[:2000]!r}") from error
    assert single.failures.keys() == batch.failures.keys() or _differs_by_chance(text), text
    for failure in batch.failures.values():
        assert 0 <= failure.start <= failure.end <= len(rule.text), text
    assert time.thread_time() - before < SECONDS * 2, f"slow to run: {text[:2000]!r}"


def _differs_by_chance(text: str) -> bool:
    return any(name in text for name in ("random", "uuid", "dt_now", "dt_utcnow", "dt_today", "dt_current"))


# ── mutating ─────────────────────────────────────────────────────────────

CHARACTERS = [*"\"'\\(){}[],.=:;#@!%&*+-/<>|~^`$ \t\n\r\0_0a9é日🙂\u202e\ufeff\u2028\x1b", '"""', "**", "//", "==", "->", ":="]
INNER = ["__import__", "__builtins__", "__class__", "__globals__", "__loader__", "eval", "exec", "open", "compile", "globals", "getattr", "breakpoint", "input",
         "os", "sys", "self", "lambda", "print", "exit", *keyword.kwlist]  # fmt: skip
LITERALS = ["0", "1", "-1", "1e999", "-1e999", "9" * 4000, "9" * 4400, "0x" + "f" * 3000, "0x" + "f" * 9000, "99999999999999999999", "1e-400", "1j", "None", "True", "...",
            '""', '"' + "x" * 5000 + '"', r'"\x00"', r'"\ud800"', r'"\N{DIGIT ONE}"', 'b"\\xff"', '"(a+)+$"', '"(?:(?:a{0,99}){0,99}){0,99}"', '"["', '"(?P<a>"', '"%s%s%n"',
            '"{0.__class__}"', '"{0[0]}"', '"{:>99999999999}"', '"{:{}}"', '"' + "[" * 900 + '"', '"' + "{" * 900 + '"', '"' + '{"a":' * 500 + '"', '"*"', '"**"', '"a:(b"', '"$.a[*]"',
            '"\'"', '"__time__"', '"2020-13-45"', '"9999-12-31T23:59:59Z"', "[]", "()", "{}", "[[]]", "{1: 2}", '{"a": {"b": []}}', "[" * 70 + "]" * 70, "F_TAGS", "C_JOB_NAME",
            "MATH_PI", "DROP", "KEEP", 'v("a")', 'v("missing")', 'v("content")'.replace("content", "list")]  # fmt: skip
BOMBS = ["op_pow(9, 9999999)", "op_pow(op_pow(9, 9999), 9999)", "op_mul('x', 99999999999)", "op_mul([0], 99999999999)", 'op_mul(op_mul(["y"], 9999), 9999)',
         "op_add(op_mul('x', 9000000), op_mul('x', 9000000))", 'str_ljust("a", 99999999999)', 'str_center("a", 99999999999)', 'str_format("{:>99999999999}", 1)',
         'str_zfill("1", 99999999999)', 'regex_match("a" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a|a)*$")', "op_round(1, -99999999999)", "op_round(1.5, 99999999999)",
         "ct_chr(99999999999)", 'str_replace(op_mul("a", 9000000), "", "bb")', "lst_make(" * 50 + ")" * 50, "not " * 55 + "1", "1 < " * 300 + "2", "op_not(" * 55 + "1" + ")" * 55,
         "[1 < (" * 20 + "2" + ") < 3]" * 20, "op_if(1, " * 20 + "1" + ", 2)" * 20, "op_slice('abc', -99999999999999999999, null, 99999999999999999999)"]  # fmt: skip
WRAPS = ["op_not({0})", "[{0}]", "({0},)", "{{{0}: {0}}}", "{0} == {0}", "({0})", "-{0}", "not {0}", "{0}.__class__", "{0}[0]", "*{0}", "**{0}", "lambda: {0}", "[x for x in {0}]",
         "{0} if {0} else {0}", "f'{{{0}}}'", "{0} + {0}", "op_if({0}, {0}, {0})", "ct_str({0})", "json_parse({0})", "op_add({0}, {0})", "str_join({0}, {0})", "op_coalesce({0}, {0})",
         "({0} := {0})", "await {0}", "{0}({0})", "op_len({0})", "lst_make({0}, {0})", "str_format({0}, {0})"]  # fmt: skip
STEPS = ["{0}; {0}", "{0}\n{0}", "e_if(true, {0})", "e_if({0}, {0})", "e_compose({0}, {0})", "x = {0}", "if 1: {0}", "for x in y: {0}", "def f(): {0}", "import os\n{0}",
         "{0}.x", "@{0}\ndef f(): pass", "with {0}: pass", "{0} and {0}", "'''{0}'''", "#{0}", "{0}\\", "e_switch(true, {0}, default={0})"]  # fmt: skip

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[A-Za-z_]\w*|\d[\w.]*|\S', re.DOTALL)
_NAMES = function_names()


def mutated(seeded: random.Random, text: str) -> str:
    """A rule with one to four changes."""
    for _ in range(seeded.choice([1, 1, 1, 2, 2, 3, 4])):
        mutation = seeded.choice(MUTATIONS)
        text = mutation(seeded, text)
        if len(text) > 30_000:
            break
    return text


def _character(seeded: random.Random, text: str) -> str:
    place = seeded.randint(0, len(text))
    instead: str = seeded.choice(["", seeded.choice(CHARACTERS)])
    return text[:place] + instead + text[place + seeded.randint(0, 1) :]


def _cut(seeded: random.Random, text: str) -> str:
    start, end = sorted((seeded.randint(0, len(text)), seeded.randint(0, len(text))))
    return seeded.choice([text[:start], text[:start] + text[end:], text[:end] + text[start:]])


def _token(seeded: random.Random, text: str) -> str:
    found = list(_TOKEN.finditer(text))
    if not found:
        return text
    chosen = seeded.choice(found)
    kind = chosen.group()[0]
    if kind in "\"'" or kind.isdigit():
        instead = seeded.choice(LITERALS)
    elif kind.isalpha() or kind == "_":
        instead = seeded.choice([seeded.choice(_NAMES), seeded.choice(_NAMES), seeded.choice(INNER), seeded.choice(LITERALS)])
    else:
        instead = seeded.choice(CHARACTERS)
    return text[: chosen.start()] + instead + text[chosen.end() :]


def _kind(seeded: random.Random, text: str) -> str:
    """A literal becomes one of another kind, or something that is known only while the rule runs: most of these can be loaded."""
    found = list(re.finditer(r'"[^"\\\n]*"|\b\d+(?:\.\d+)?\b', text))
    if not found:
        return text
    chosen = seeded.choice(found)
    late = ['v("a")', 'v("b")', 'v("content")', 'v("n")', 'v("list")', 'v("missing")', "op_coalesce({})", "lst_make({})", "op_if(v('a'), {}, null)", "op_neg(2)",
            "ct_float({})", "op_add({}, 'x')", "json_parse(v('content'))", "op_mul({}, 3)", "b'\\xff'", "dct_make({}, {})"]  # fmt: skip
    instead = seeded.choice(
        [
            seeded.choice(LITERALS),
            seeded.choice(late).replace("{}", chosen.group()),
            seeded.choice(late).replace("{}", seeded.choice(LITERALS)),
        ]
    )
    return text[: chosen.start()] + instead + text[chosen.end() :]


def _value(seeded: random.Random, text: str) -> str:
    """A literal or a call without calls inside becomes something else, or is wrapped."""
    found = list(re.finditer(r'\b\w+\([^()]*\)|"[^"\\\n]*"|\b\d+\b', text))
    if not found:
        return text
    chosen = seeded.choice(found)
    instead = seeded.choice(
        [seeded.choice(LITERALS), seeded.choice(BOMBS), seeded.choice(WRAPS).format(chosen.group()), _nested(seeded, chosen.group())]
    )
    return text[: chosen.start()] + instead + text[chosen.end() :]


def _nested(seeded: random.Random, piece: str) -> str:
    for _ in range(seeded.randint(2, 7)):
        piece = seeded.choice(WRAPS).format(piece)
        if len(piece) > 5000:
            break
    return piece


def _step(seeded: random.Random, text: str) -> str:
    return seeded.choice(STEPS).format(text)


def _argument(seeded: random.Random, text: str) -> str:
    """An argument more, less or by name."""
    place = text.rfind(")") if seeded.random() < 0.7 else text.find(")")
    if place < 0:
        return text
    more = seeded.choice(
        [", ", ", 1", ', "a"', ', mode="add"', ", nothing=1", ", *x", ", **x", ", " + seeded.choice(LITERALS), ", " + seeded.choice(BOMBS)]
    )
    return text[:place] + more + text[place:]


def _splice(seeded: random.Random, text: str) -> str:
    other = seeded.choice(EXAMPLES)[0]
    place = seeded.randint(0, len(text))
    return seeded.choice([text + "\n" + other, text[:place] + other + text[place:], text.replace(")", f", {other})", 1)])


MUTATIONS: list[Callable[[random.Random, str], str]] = [
    _character,
    _character,
    _cut,
    _token,
    _token,
    _token,
    _kind,
    _kind,
    _kind,
    _kind,
    _kind,
    _value,
    _value,
    _argument,
    _step,
    _splice,
]


def _soak(seed: int, times: int) -> dict[str, int]:
    seeded = random.Random(seed)
    counted = {"refused": 0, "ran": 0}
    for _ in range(times):
        text, resources = seeded.choice(EXAMPLES)
        counted[survives(mutated(seeded, text), resources)] += 1
    return counted


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    """A regular expression that explodes is given up sooner than usual."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transforms.rules.pattern.MATCH_SECONDS", 0.05)
        yield


@pytest.fixture(scope="module", autouse=True)
def _warm(_impatient: None) -> None:
    """Late imports, and the annotations of functions that Python evaluates at first use, are no business of the rules under test."""
    assert all(function.parameters is not None for function in all_functions())
    for text, resources in EXAMPLES:
        try:
            rule = compile_rule(text)
        except RuleInvalid:
            continue
        rule.run_logs(LOGS, context_of(resources))


def test_the_watch_sees_what_it_should(tmp_path: Path) -> None:
    with watched() as seen:
        exec("1")
        (tmp_path / "x").write_text("")
    assert [entry.split()[0] for entry in seen] == ["exec", "open"]


def test_examples_as_they_are() -> None:
    for text, resources in EXAMPLES:
        survives(text, resources)


@pytest.mark.parametrize(
    "name", [*INNER, "__import__('os').system", "().__class__.__bases__[0].__subclasses__", "open('/etc/passwd').read"]
)
def test_python_is_out_of_reach(name: str) -> None:
    for text in (
        f"{name}('x')",
        f"e_set('a', {name}('x'))",
        f"e_set('a', {name})",
        f"e_set('a', str_format('{{0.{name}}}', 'x'))",
        f"e_if({name}, {name})",
    ):
        survives(text, {})
        if "str_format" not in text and name not in ("None", "True", "False", "not"):
            with pytest.raises(RuleInvalid):
                compile_rule(text)


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs(bomb: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    survives(f'e_set("x", {bomb})', {})
    survives(f'e_if({bomb}, e_set("x", op_len({bomb})), op_not({bomb}), e_set("y", {bomb}))', {})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000


def test_growing_fields_end() -> None:
    """A field that doubles with every step meets a limit before it meets the memory's."""
    for doubling in ('op_add(v("a"), v("a"))', 'lst_make(v("a"), v("a"))', '[v("a"), v("a")]', 'str_join("", v("a"), v("a"))'):
        rule = compile_rule("\n".join([f'e_set("a", {doubling})'] * 60))
        result = rule.run_logs([{"a": "xxxx"}, {"b": "1"}])
        assert 0 in result.failures, doubling


def test_mutated_examples() -> None:
    counted = _soak(1, 1500)
    assert counted["refused"] > 500
    assert counted["ran"] > 100


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
def test_many_mutated_examples(seed: int) -> None:
    _soak(seed, 2000)
