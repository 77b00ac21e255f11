"""What a rule is made of: everything that the language has, and everything that it does not have."""

from __future__ import annotations

import warnings

import pytest

from transforms.rules.parse import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, parse, read_tree
from transforms.rules.problems import SECURITY_CHECK, RuleInvalid
from transforms.rules.rule import compile_rule
from transforms.rules.tree import Call, Constant, Dictionary, JobConstant, Listing, Node


def value_of(text: str) -> object:
    """What stands as the value of ``e_set("x", …)``."""
    return plain(parse(f'e_set("x", {text})').steps[0].arguments[1])


def plain(node: Node) -> object:
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, JobConstant):
        return f"<{node.name}>"
    if isinstance(node, Listing):
        items = [plain(item) for item in node.items]
        return tuple(items) if node.is_tuple else items
    if isinstance(node, Dictionary):
        return {plain(key): plain(value) for key, value in node.items}
    assert isinstance(node, Call)
    return (node.name, [plain(one) for one in node.arguments], {name: plain(one) for name, one in node.keywords})


LITERALS: list[tuple[str, object]] = [
    ("0", 0), ("12", 12), ("1_000", 1000), ("0x1f", 31), ("0b11", 3), ("99999999999999999999", 99999999999999999999),
    ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("-1", -1), ("+1", 1), ("-2.5", -2.5), ("- 3", -3),
    ('"a"', "a"), ("'a'", "a"), (r'r"\d"', "\\d"), (r'"\d"', "\\d"), (r'"a\tb"', "a\tb"), (r'"\\"', "\\"), (r'"\x41\u65e5"', "A日"),
    (r'"\U0001f600"', "😀"), ('"a" "b"', "ab"), ("'a' \"b\" r'\\c'", "ab\\c"), ('"a" \\\n "b"', "ab"), ('"日本"', "日本"), ("'''text'''", "text"),
    ('b"ab"', b"ab"), (r'b"\xff"', b"\xff"), ("True", True), ("False", False), ("None", None), ("true", True), ("false", False), ("null", None),
    ("[]", []), ("[1, 'a', [2]]", [1, "a", [2]]), ("()", ()), ("(1,)", (1,)), ("(1, 2)", (1, 2)), ("(1)", 1), ("{}", {}),
    ("{'a': 1, 2: [3]}", {"a": 1, 2: [3]}), ("{(1, 2): 3}", {(1, 2): 3}), ("[\n 1,\n # comment\n 2,\n]", [1, 2]),
    ("F_TAGS", "__tag__:.+"), ("F_META", "__tag__:.+|__topic__|__source__"), ("F_TIME", "__time__"), ("F_PACK_META", "__pack_meta__|__tag__:__pack_id__"),
    ("F_RECEIVE_TIME", "__tag__:__receive_time__"), ("C_JOB_NAME", "<C_JOB_NAME>"), ("MATH_PI", 3.141592653589793), ("MATCH_E", 2.718281828459045),
    ("MATH_E", 2.718281828459045),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), LITERALS, ids=[text for text, _ in LITERALS])
def test_literals(text: str, value: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = value_of(text)
    assert found == value
    assert type(found) is type(value)


V: object = ("v", ["a"], {})
CALLS: list[tuple[str, object]] = [
    ('v("a")', V), ('v("a", default="")', ("v", ["a"], {"default": ""})), ('v("a", \'b\',)', ("v", ["a", "b"], {})),
    ('f(x=1, y=2)', ("f", [], {"x": 1, "y": 2})),
    ('v("a") == 1', ("op_eq", [V, 1], {})), ('v("a") != 1', ("op_ne", [V, 1], {})), ('v("a") > 1', ("op_gt", [V, 1], {})),
    ('v("a") >= 1', ("op_ge", [V, 1], {})), ('v("a") < 1', ("op_lt", [V, 1], {})), ('v("a") <= 1', ("op_le", [V, 1], {})),
    ("not 1", ("op_not", [1], {})), ("1 and 2 and 3", ("op_and", [1, 2, 3], {})), ("1 or 2", ("op_or", [1, 2], {})),
    ("not 1 == 2", ("op_not", [("op_eq", [1, 2], {})], {})),
    ("1 or 2 and not 3", ("op_or", [1, ("op_and", [2, ("op_not", [3], {})], {})], {})),
    ("1 < 2 <= 3", ("op_and", [("op_lt", [1, 2], {}), ("op_le", [2, 3], {})], {})),
    ("[v('a') == 1, (not 2,)]", [("op_eq", [V, 1], {}), (("op_not", [2], {}),)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), CALLS, ids=[text for text, _ in CALLS])
def test_calls_and_operators(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []), ("\n\n# only a comment\n", []), ('"""a comment\nof two lines"""', []), ("'''x'''\nDROP", ["e_drop"]), ("DROP", ["e_drop"]),
        ("KEEP", ["e_keep"]), ("DROP;", ["e_drop"]), ('e_set("a", 1); e_set("b", 2)', ["e_set", "e_set"]),
        ('e_set(  # a comment\n    "a",\n    1,\n)  # another', ["e_set"]), ('\ufeffe_set("a", 1)', ["e_set"]),
        ('e_set("a", 1)\r\ne_set("b", 2)\rDROP', ["e_set", "e_set", "e_drop"]), ('e_if(true, DROP)', ["e_if"]),
        ("(DROP)", ["e_drop"]),
    ],
)  # fmt: skip
def test_steps(text: str, names: list[str]) -> None:
    assert [step.name for step in parse(text).steps] == names


def ast_type(name: str) -> str:
    return f"invalid type detected: <class '_ast.{name}'>"


REFUSED = [
    ('e_set("b", v("a") - 10)', ast_type("BinOp")), ('e_set("b", 1 + 2)', ast_type("BinOp")), ('e_set("b", "a" % 1)', ast_type("BinOp")),
    ('e_set("b", 2 ** 3)', ast_type("BinOp")), ('e_set("b", 1 | 2)', ast_type("BinOp")), ('e_set("b", 1 @ 2)', ast_type("BinOp")),
    ('e_set("b", 1 << 2)', ast_type("BinOp")), ('e_set("b", -v("a"))', ast_type("UnaryOp")), ('e_set("b", ~1)', ast_type("UnaryOp")),
    ('e_set("b", -true)', ast_type("UnaryOp")), ('e_set("b", 1 in [1])', ast_type("In")), ('e_set("b", 1 not in [1])', ast_type("NotIn")),
    ('e_set("b", 1 is 1)', ast_type("Is")), ('e_set("b", 1 is not 1)', ast_type("IsNot")), ('e_set("b", v("a")[0])', ast_type("Subscript")),
    ('e_set("b", "abc"[1:2])', ast_type("Subscript")), ('e_set("b", "a".upper())', ast_type("Attribute")), ('e_set("b", v.x)', ast_type("Attribute")),
    ('e_set("b", lambda: 1)', ast_type("Lambda")), ('e_set("b", 1 if 2 else 3)', ast_type("IfExp")), ('e_set("b", [x for x in y])', ast_type("ListComp")),
    ('e_set("b", {x for x in y})', ast_type("SetComp")), ('e_set("b", {x: 1 for x in y})', ast_type("DictComp")),
    ('e_set("b", (x for x in y))', ast_type("GeneratorExp")), ('e_set("b", f"{v}")', ast_type("JoinedStr")), ('e_set("b", {1, 2})', ast_type("Set")),
    ('e_set(*["a", 1])', ast_type("Starred")), ('e_set("a", 1, **{"mode": "add"})', ast_type("keyword")), ('e_set("b", {**{"a": 1}})', ast_type("Dict")),
    ('e_set("b", (x := 1))', ast_type("NamedExpr")), ('e_set("b", 1j)', ast_type("Constant")), ('e_set("b", ...)', ast_type("Constant")),
    ('e_set("b", v("a")("c"))', ast_type("Call")), ('e_set("b", await_x)', "invalid name detected: await_x"), ('e_set("b", v)', "invalid name detected: v"),
    ("1", ast_type("Expr")), ('"text"', ast_type("Expr")), ("v", ast_type("Expr")), ("true", ast_type("Expr")), ("[]", ast_type("Expr")),
    ("1 == 2", ast_type("Expr")), ("1 and 2", ast_type("Expr")), ("drop", ast_type("Expr")),
    ("a = 1", "invalid assign detected: a"), ("a += 1", "invalid assign detected: a"), ("a: int = 1", "invalid assign detected: a"),
    ("a.b = 1", "invalid assign detected: a.b"), ("a, b = 1, 2", "invalid assign detected: a, b"), ("a = b = 1", "invalid assign detected: a"),
    ("def f(): pass", ast_type("FunctionDef")), ("async def f(): pass", ast_type("AsyncFunctionDef")), ("class A: pass", ast_type("ClassDef")),
    ("if true: DROP", ast_type("If")), ("for a in b: DROP", ast_type("For")), ("while true: DROP", ast_type("While")), ("import os", ast_type("Import")),
    ("from os import path", ast_type("ImportFrom")), ("with a: DROP", ast_type("With")), ("try:\n DROP\nexcept: KEEP", ast_type("Try")),
    ("raise a", ast_type("Raise")), ("assert a", ast_type("Assert")), ("del a", ast_type("Delete")), ("pass", ast_type("Pass")),
    ("global a", ast_type("Global")), ("return 1", ast_type("Return")), ("match a:\n case 1: DROP", ast_type("Match")), ("break", ast_type("Break")),
    ("1 + 1", ast_type("BinOp")), ("a.b()", ast_type("Attribute")), ("(yield)", ast_type("Yield")), ("await a", ast_type("Await")), ("not a", ast_type("UnaryOp")),
    ('e_set("a", 1', "unexpected EOF while parsing"), ('e_set("a, 1)', "unexpected EOF while parsing"), ('e_set("a" 1)', "invalid syntax"),
    ("e_set('a', 1))", "invalid syntax"), ("  e_set('a', 1)", "invalid syntax"), ("e_set(a=1, 2)", "invalid syntax"),
    ("print 'x'", "invalid syntax"), ("e_set('a', 08)", "invalid syntax"), ("e_set(‘a’, 1)", "invalid syntax"), ("DROP\0", "invalid syntax"),
    ('"""never closed', "unexpected EOF while parsing"), (r'e_set("a", "\x4")', "invalid syntax"), ("e_set('a', b'é')", "invalid syntax"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[text for text, _ in REFUSED])
def test_what_the_language_does_not_have(text: str, reason: str) -> None:
    with pytest.raises(RuleInvalid) as caught:
        parse(text)
    problem = caught.value.problems[0]
    assert problem.message == f"{SECURITY_CHECK}{reason}"
    assert 0 <= problem.location.start <= problem.location.end
    assert problem.hint, "what to do instead"


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ('e_set("b", v("a") - 10)', 'v("a") - 10'), ('e_set("日本", "é" + 1, 2)', '"é" + 1'), ("KEEP\ne_set('é', '🙂',\n  x.y)", "x.y"),
        ('e_set("🙂", foo)', "foo"), ("a = 1", "a = 1"), ('e_set("a",\n[x for\nx in y])', "[x for\nx in y]"), ("KEEP\r\nx()[1]\r\n", "x()[1]"),
        ("\ufeffx.y", "x.y"), ('e_set("é" "日",\t1j)', "1j"),
    ],
)  # fmt: skip
def test_problems_point_at_their_place(text: str, piece: str) -> None:
    location = read_tree(text)[1][0].location
    assert location.text[location.start : location.end] == piece


def test_syntax_errors_point_at_their_place_after_other_scripts() -> None:
    location = read_tree('e_set("日本", "🙂")\ne_set("日本" 1)')[1][0].location
    assert location.text[location.start :].startswith(('"日本" 1', "1)"))


def test_all_problems_are_reported_at_once() -> None:
    _, problems = read_tree('e_set("a", 1 + 1)\nx = 1\ne_set("b", [y, lambda: 1], z.w)')
    assert [problem.location.start for problem in problems] == [11, 18, 36, 39, 51]


def test_steps_beside_problems_are_read() -> None:
    rule, problems = read_tree('e_set("a", 1)\nx = 1\nDROP')
    assert [step.name for step in rule.steps] == ["e_set", "e_drop"]
    assert len(problems) == 1


def test_spans_of_nodes() -> None:
    text = 'e_set("é", v("日") == 1,\n mode="add")'
    step = parse(text).steps[0]
    condition = step.arguments[1]
    assert isinstance(condition, Call)
    assert text[step.start : step.end] == text
    assert text[condition.start : condition.end] == 'v("日") == 1'
    assert text[condition.arguments[0].start : condition.arguments[0].end] == 'v("日")'
    assert condition.written == "=="
    assert text[step.keywords[0][1].start : step.keywords[0][1].end] == '"add"'


# ── limits ───────────────────────────────────────────────────────────────


def test_deep_nesting() -> None:
    deep = MAX_DEPTH - 1
    value_of("[" * (deep - 1) + "]" * (deep - 1))
    with pytest.raises(RuleInvalid, match="nested more than 60 levels"):
        value_of("[" * (deep + 1) + "]" * (deep + 1))


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "not " * 20000 + "1", "(" * 250 + "1" + ")" * 250, "a" + ".b" * 20000, "-" * 20000 + "1",
                                  "v(" * 3000 + ")" * 3000, "1" + " + 1" * 20000, "{1:" * 3000 + "1" + "}" * 3000, "1" + "[1]" * 9000])  # fmt: skip
def test_nesting_beyond_reason(text: str) -> None:
    for whole in (f'e_set("x", {text})', f"{text} = 1", text):
        assert read_tree(whole)[1]


def test_too_many_expressions() -> None:
    with pytest.raises(RuleInvalid, match="more than 100,000 expressions"):
        parse(f'e_set("x", [{"1," * MAX_NODES}])')
    parse(f'e_set("x", [{"1," * (MAX_NODES - 3)}])')


def test_too_many_characters() -> None:
    parse("#" * MAX_CHARACTERS)
    with pytest.raises(RuleInvalid, match="1,000,001 characters"):
        parse("#" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("digits", ["9" * 5000, "0x" + "f" * 5000, "-0b" + "1" * 20000])
def test_numbers_without_end(digits: str) -> None:
    with pytest.raises(RuleInvalid):
        value_of(digits)
    value_of(digits[:1000])


def test_a_chain_of_comparisons_cannot_stand_inside_another() -> None:
    with pytest.raises(RuleInvalid, match="cannot stand inside another"):
        value_of("1 < (1 < 2 < 3) < 4")
    value_of("[1 < 2 < 3, 1 < 2 < 3]")
    value_of("(1 < 2) == (2 < 3)")


@pytest.mark.parametrize("text", [r'"\ud800"', r'"a\udfffb"', "'\ud800'"])
def test_half_characters(text: str) -> None:
    with pytest.raises(RuleInvalid):
        value_of(text)


def test_a_list_cannot_be_a_key() -> None:
    with pytest.raises(RuleInvalid, match="cannot be a key"):
        value_of("{[1]: 2}")
    with pytest.raises(RuleInvalid, match="cannot be a key"):
        value_of("{(1, {}): 2}")


def test_an_empty_rule_copies() -> None:
    assert compile_rule("").run_logs([{"a": "1"}]).targets == {"default": [{"a": "1"}]}
