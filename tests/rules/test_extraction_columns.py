"""``e_json``, ``e_kv``, ``e_csv`` and others by columns, against their scalar forms, over random texts that are alike, and some that are not."""

from __future__ import annotations

import json
import random
from typing import Any

import polars as pl
import pytest

from tests.rules.stand_in_resources import context_of
from transforms.rules.functions.extraction import _templates
from transforms.rules.rule import compile_rule

NUMBERS = [
    "0", "-0", "1", "-17", "1.0", "1.50", "-0.0", "0.0001", "0.00001", "1e5", "1E-7", "12345678901234567890123", "1e400", "-1e999", "0.1",
    "123456789.123456789", "99999999999999.5", "1234567890123456.7", "5e-324", "100.0", "1.00", "0.30000000000000004", "1e22", "3.14e2",
]  # fmt: skip
STRINGS = [
    '""', '"a"', '"two words"', r'"esc \" \\ \/ \n \u00e4"', r'"\ud83d\ude42"', r'"\ud800"', '"日本語"', '"a,b"', '"a, b"', '"null"', '"1"', r'"\\"',
    '"x\x7f"', '"é"', '"[1,2]"', '"{}"', '"\u2028"', '":x"', '"a: b"', '"x,"',
]  # fmt: skip
BROKEN = [
    "",
    "{",
    "nope",
    '{"a": 1,}',
    '{"a": 01}',
    '{"a": tru}',
    "[1, 2",
    '{"a": "x\ny"}',
    '{"a": "\\x"}',
    "null",
    "7",
    '"s"',
    '{"a": NaN}',
    '{"a" 1}',
]


def leaf(seeded: random.Random) -> str:
    kind = seeded.random()
    if kind < 0.4:
        return seeded.choice(STRINGS)
    return seeded.choice(NUMBERS) if kind < 0.8 else seeded.choice(["true", "false", "null"])


def document(seeded: random.Random, depth: int, colon: str, comma: str) -> str:
    kind = seeded.random()
    if depth == 0 or kind < 0.4:
        return leaf(seeded)
    items = [document(seeded, depth - 1, colon, comma) for _ in range(seeded.randint(0, 3))]
    if kind < 0.6:
        return f"[{comma.join(items)}]"
    names = [seeded.choice(["a", "a", "b", "c", "_id", "日", "x:y", "p: 1", "1x", "k.v", r"\u0061", "d-e", "__time"]) for _ in items]
    return "{" + comma.join(f'"{name}"{colon}{item}' for name, item in zip(names, items, strict=True)) + "}"


def alike(seeded: random.Random, text: str) -> str:
    """The text with other leaves in the places of its leaves, most of the same kind."""
    import re

    pieces: list[str] = []
    for token in re.split(r'("(?:[^"\\]|\\.)*"(?=\s*[,}\]])|-?\d[\d.eE+-]*(?=\s*[,}\]])|true|false|null)', text):
        if token[:1] == '"' and len(pieces) % 2:
            pieces.append(seeded.choice(STRINGS) if seeded.random() < 0.95 else leaf(seeded))
        elif len(pieces) % 2:
            pieces.append(leaf(seeded) if seeded.random() < 0.1 else seeded.choice(NUMBERS))
        else:
            pieces.append(token)
    return "".join(pieces)


def run_both(rule_text: str, logs: list[dict[str, str]]) -> tuple[Any, Any]:
    rule = compile_rule(rule_text)
    batch, single = rule.run_logs(logs, context_of({})), rule.run_events(logs, context_of({}))
    return (
        (batch.targets.get("default"), {row: failure.reason for row, failure in batch.failures.items()}, sum(batch.warnings.values())),
        (single.targets.get("default"), {row: failure.reason for row, failure in single.failures.items()}, sum(batch.warnings.values())),
    )


def same_logs(rule_text: str, logs: list[dict[str, str]]) -> None:
    batch, single = run_both(rule_text, logs)
    assert batch[1] == single[1]
    assert len(batch[0] or []) == len(single[0] or [])
    for number, (one, other) in enumerate(zip(batch[0] or [], single[0] or [], strict=True)):
        other = {name: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for name, text in other.items()}
        assert one == other, (rule_text, logs[number])


JSON_RULES = [
    'e_json("m")', 'e_json("m", expand_array=False)', 'e_json("m", depth=1, mode="overwrite")', 'e_json("m", depth=2, fmt="full", sep="/")',
    'e_json("m", fmt="parent", prefix="p_", suffix="_s", expand_array=False, mode="overwrite")', 'e_json("m", fmt="root")',
    'e_json("m", include_node="[ab]", mode="add")', 'e_json("m", exclude_node="a", exclude_path="m.b")', 'e_json("m", include_path="m.a")',
    'e_json("m", jmes="a", output="o", mode="overwrite")', 'e_json("m", jmes="a.b")', 'e_json("m", output="o", expand=False)',
    'e_json("m", jmes="a.b", output="o")', 'e_json("m", jmes="b", output="o")', 'e_json("m", jmes="a[0]", output="a", jmes_ignore_none=False, mode="overwrite")', 'e_json("m", jmes="length(a)", output="n")',
    'e_json("m", fmt="{parent_rlist[1]}.{current}")', 'e_json("m", include_node=".*")', 'e_json("m", output="o", expand=True)',
]  # fmt: skip


@pytest.mark.parametrize("rule", JSON_RULES)
def test_json(rule: str) -> None:
    seeded = random.Random(rule)
    logs: list[dict[str, str]] = []
    for _ in range(12):
        colon, comma = seeded.choice([(": ", ", "), (":", ","), (" : ", " ,\n\t")])
        sample = document(seeded, 4, colon, comma)
        count = seeded.choice([1, 3, 40])
        logs += [{"m": sample, "a": "old", "b": ""} if seeded.random() < 0.2 else {"m": alike(seeded, sample)} for _ in range(count)]
    fixed = '{"a": 1, "b": {"c": "x", "d": [1, "y", true]}, "e": "s"}'
    logs += [{"m": alike(seeded, fixed)} for _ in range(80)]
    logs += [{"m": text} for text in BROKEN] + [{"x": "no such field"}]
    seeded.shuffle(logs)
    same_logs(rule, logs)


def test_json_of_one_shape_is_cut_by_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows match a template: the scalar form is not asked at all."""
    rule = compile_rule('e_json("m", expand_array=False)')
    monkeypatch.setattr(
        rule.steps[0].operation.function, "implementation", lambda *given, **named: pytest.fail("the scalar form was asked")
    )
    logs = [
        {
            "m": json.dumps(
                {"id": n, "s": f"t{n}\n", "f": n / 7, "t": ["a", "b"][: n % 3], "u": {"ok": n % 2 == 0, "x": None if n % 5 else "y"}}
            )
        }
        for n in range(500)
    ]
    found = rule.run_logs(logs, context_of({})).targets["default"]
    assert found[7] == {"m": logs[7]["m"], "id": "7", "s": "t7\n", "f": "1.0", "t": '["a"]', "ok": "false"}
    assert found[10]["x"] == "y"


def test_json_integers_beyond_what_python_reads() -> None:
    logs = [{"m": json.dumps({"a": n})} for n in range(50)] + [{"m": '{"a": ' + "9" * 5000 + "}"}, {"m": '{"a": "' + "x" * 5000 + '"}'}]
    same_logs('e_json("m")', logs)


KV_RULES = [
    'e_kv("m")', 'e_kv("m", escape=True)', 'e_kv("m", sep=":", quote="\'", prefix="p_")', 'e_kv("m", sep="(?:=|:)", suffix="_s")',
    'e_kv("m", mode="overwrite", sep=r"\\|")', 'e_kv_delimit("m")', 'e_kv_delimit("m", pair_sep=",;&", prefix="p_")',
    'e_kv_delimit("m", pair_sep=r"\\s,", kv_sep=":")', 'e_kv_delimit("m", pair_sep="&", kv_sep="=", mode="overwrite")', 'e_kv(["m", "a"])',
]  # fmt: skip


@pytest.mark.parametrize("rule", KV_RULES)
def test_pairs(rule: str) -> None:
    seeded = random.Random(rule)
    keys = ["a", "b", "user", "k.v", "x-y", "_id", "1k", "__1__", "日本", "", "a b"]
    values = [
        "1",
        "v",
        "a%20b~",
        '"two words"',
        '""',
        "'q'",
        r'"a\"b"',
        '" x "',
        "",
        "日",
        "a=b",
        "x:y",
        "1.5",
        "-",
        '"',
        "a\tb",
        '"\x1f"',
        "é",
        "'a b'",
    ]

    def text(key_list: list[str], sep: str, gap: str, head: str) -> str:
        return head + gap.join(f"{key}{sep}{seeded.choice(values)}" for key in key_list)

    logs: list[dict[str, str]] = []
    for _ in range(40):
        key_list = [seeded.choice(keys) for _ in range(seeded.randint(1, 4))]
        sep, gap = (
            seeded.choice(["=", ":", " = ", ": ", "|", "=="]),
            seeded.choice([" ", "&", ", ", ";", "  ", " word ", ' "', "\n", " k= "]),
        )
        head = seeded.choice(["", "", "GET /p?", "login ok ", "x=", '"', "é "])
        logs += [{"m": text(key_list, sep, gap, head), "user": "old"} for _ in range(seeded.choice([1, 40]))]
    seeded.shuffle(logs)
    same_logs(rule, [*logs, {"m": ""}, {"a": "b=1"}])


def test_pairs_of_one_shape_are_cut_by_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ('e_kv("m")', 'e_kv_delimit("m")'):
        rule = compile_rule(text)
        function = rule.steps[0].operation.function
        monkeypatch.setattr(function, "implementation", lambda *given, **named: pytest.fail("the scalar form was asked"))
        found = rule.run_logs([{"m": f"start a={n} b=x{n}-y"} for n in range(100)], context_of({})).targets["default"]
        assert found[3] == {"m": "start a=3 b=x3-y", "a": "3", "b": "x3-y"}


@pytest.mark.parametrize(
    "rule",
    [
        'e_csv("m", "a,b,c")', 'e_csv("m", "a,b,c", restrict=True)', 'e_csv("m", "a", mode="overwrite")', 'e_psv("m", "a,a,b")',
        'e_tsv("m", "a,b,c,d,e,f")', 'e_csv("m", "a,b", sep=";", quote="\'")', 'e_csv("m", "a,b", sep=" ")', 'e_csv("m", "a,b", sep="é")',
        'e_anchor("m", "a*b*c", "x,y")', 'e_anchor("m", "*,*", "x,*,z")', 'e_anchor("m", "a*", "x", restrict=True)', 'e_anchor("m", "**a", "x,y")',
        'e_anchor("m", ".*?(", "x")', 'e_regex("m", r"(?P<x>\\w+),(?P<y>[^,]*)")', 'e_regex("m", r"(\\w+)(,)?", ["p", "q", "r"])',
        'e_regex("m", r"a|b", "x", mode="overwrite")', 'e_regex("m", r"(a)?(?P<x>b)?", ["p", "1q"])', 'e_regex("m", r"[a-c]", ["x", "y"])',
        'e_regex("m", r"^(?P<x>.*)$")', 'e_regex("m", r"(?P<x>\\s+)", pack_json="all")', 'e_regex("m", r"(?P<n>\\d+)(?P<rest>.*)", "whole")',
        'e_set("x", regex_select(v("m", default=""), r"(\\w)(,)", gi=1))', 'e_set("x", regex_select(v("m", default=""), r"\\W+"))',
        'e_set("x", regex_replace(v("m", default=""), r"(a|b),?", r"<\\1$0>"))', 'e_set("x", regex_replace(v("m", default=""), r"\\w*", "-"))',
        'e_set("x", regex_match(v("m", default=""), r".*b", full=True))', 'e_set("x", regex_replace(v("m", default=""), r"(a)|b", r"[\\1]"))',
    ],
)  # fmt: skip
def test_cut_texts(rule: str) -> None:
    seeded = random.Random(rule)
    parts = [
        "a",
        "b",
        "c",
        ",",
        ",",
        ", ",
        "|",
        "\t",
        '"',
        '""',
        ";",
        "'",
        " ",
        "\n",
        "\r",
        "é",
        "日",
        "x",
        "1",
        "\x00",
        "(",
        ".",
        "\x1c",
        "\u2028",
        "$",
    ]
    logs = [{"m": "".join(seeded.choices(parts, k=seeded.randint(0, 9))), "x": "old"} for _ in range(300)]
    logs += [{"m": "".join(seeded.choices(parts[:8], k=seeded.randint(0, 9)))} for _ in range(300)]
    same_logs(rule, logs)


def test_templates_learn_kinds_and_forget_the_oldest() -> None:
    made = {
        text: _templates.Template(("<", f">{text[0]}"), (_templates.Slot(frozenset({text[1]}), "f"),))
        for text in [f"{first}{kind}" for first in "abcdefghijklmnopqrstuvw" for kind in "xy"]
    }
    templates = _templates.Templates(made.get)
    for text in made:
        templates.cut(pl.Series("", [text]), {"x": ("", "1", ""), "y": ("", "2", "")}, {"x": lambda found: found, "y": lambda found: found})
    assert len(templates._known) <= 16
    assert any(len(template.slots[0].kinds) == 2 for template in templates._known)
