"""Rules and logs made at random, from a seed: steps inside steps, over logs that have some of a few fields."""

from __future__ import annotations

import random

__all__ = ["random_logs", "random_rule"]

FIELDS = ("a", "b", "c", "d")
VALUES = (None, None, "", "1", "x", "y", "1,2", "x,y,z", ",", "noon", "1600000000", '["p", "q"]', "[]", '["1", null, {"k": 2}]', '"1,2",x')
TARGETS = ("alpha", "beta")
MODES = ("fill", "fill-auto", "add", "add-auto", "overwrite", "overwrite-auto")


def random_logs(chance: random.Random, count: int) -> list[dict[str, str]]:
    """Logs of some of the fields; ``~n`` is the log's number."""
    logs = []
    for number in range(count):
        log = {field: value for field in FIELDS if (value := chance.choice(VALUES)) is not None}
        logs.append({**log, "~n": str(number)})
    return logs


def random_rule(chance: random.Random, steps: int, *, splits: bool = True, metrics: bool = False) -> str:
    """A rule of some steps."""
    lines = [_operation(chance, 3, splits) for _ in range(steps)]
    if metrics:
        samples = f'e_to_metric(["a", ("b", "bb")], labels=["c", "new"], time_field=v("d", default="{chance.choice(["5", "", "1.5"])}"))'
        lines.insert(chance.randint(0, steps), f'e_if(v("{chance.choice(FIELDS)}") == "1", {samples})')
    return "\n".join(lines)


def _condition(chance: random.Random) -> str:
    field = chance.choice(FIELDS)
    return chance.choice(
        [
            f'v("{field}")',
            f'op_not(v("{field}"))',
            f'v("{field}") == "{chance.choice(["1", "x", "", "p"])}"',
            f'op_or(v("{field}") == "x", v("{chance.choice(FIELDS)}"))',
            f'str_lower(v("{field}"))' if chance.random() < 0.3 else f'v("{field}") != "x"',
            chance.choice(["true", "false", '"x"', "0"]),
        ]
    )


def _operation(chance: random.Random, depth: int, splits: bool) -> str:
    def inner() -> str:
        return _operation(chance, depth - 1, splits)

    if depth and chance.random() < 0.6:
        kind = chance.randrange(4)
        if kind == 0:
            return f"e_if({', '.join(f'{_condition(chance)}, {inner()}' for _ in range(chance.randint(1, 3)))})"
        if kind == 1:
            return f"e_if_else({_condition(chance)}, {inner()}, {inner()})"
        if kind == 2:
            default = f", default={inner()}" if chance.random() < 0.5 else ""
            return f"e_switch({', '.join(f'{_condition(chance)}, {inner()}' for _ in range(chance.randint(1, 3)))}{default})"
        return f"e_compose({', '.join(inner() for _ in range(chance.randint(1, 3)))})"
    return _leaf(chance, splits)


def _leaf(chance: random.Random, splits: bool) -> str:
    field, other = chance.choice(FIELDS), chance.choice((*FIELDS, "new"))
    target = chance.choice(TARGETS)
    leaves = [
        "KEEP",
        f'e_set("{other}", v("{field}"))',
        f'e_set("{other}", "{chance.choice(["1", "x", "", "1,2"])}", mode="{chance.choice(MODES)}")',
        f'e_set("{other}", v("{field}"), "{field}", str_lower(v("{other}", default="Q")), mode="{chance.choice(MODES)}")',
        f'e_rename("{field}", "{other}")',
        f'e_rename("{field}", "{other}", "{other}", "{chance.choice(FIELDS)}")',
        f'e_drop_fields("{field}|{other}")',
        f'e_keep_fields("~n|__.*", "{field}", "{other}")',
        f'e_coutput("{target}")',
        f'e_coutput("{target}", topic=v("{field}"), tags={{"t": "{other}", "u": v("{other}")}})',
        f'e_pack_fields("packed", include="{field}", drop_packed={chance.choice(["true", "false"])})',
    ]
    ends = [
        "DROP",
        f'e_drop(v("{field}") == "x")',
        f'e_keep(v("{field}"))',
        f'e_output("{target}")',
        f'e_output(project="p", logstore=v("{field}", default="none"))',
        f'e_set("__time__", v("{field}"))',
    ]
    multiplying = [f'e_split("{field}")', f'e_split("{field}", output="{other}", sep="{chance.choice([",", "|"])}")']
    roll = chance.random()
    if roll < 0.2:
        return chance.choice(ends)
    if splits and roll < 0.45:
        return chance.choice(multiplying)
    return chance.choice(leaves)
