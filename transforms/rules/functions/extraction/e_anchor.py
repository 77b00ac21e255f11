"""e_anchor"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, extraction
from transforms.rules.kinds import Flag, Names, Text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments

_MOST_COLUMNS = 200


@extraction(
    "extraction",
    parameters={
        "field": "The field whose text is searched.",
        "anchor_rules": "Text as it stands around the values, with * in the place of each value.",
        "fields": "The names of the values, as a list or as text with commas between; * skips a value.",
        "restrict": "Whether the event stays as it is when there are not as many values as names.",
    },
    examples=[
        Example(
            'e_anchor("msg", "User=*: severity=*:", ["user", "level"])',
            {"msg": "mcpd: User=jo: severity=warning: 7"},
            {"msg": "mcpd: User=jo: severity=warning: 7", "user": "jo", "level": "warning"},
        ),
        Example('e_anchor("msg", "a * c *", "*,rest")', {"msg": "a b c d e"}, {"msg": "a b c d e", "rest": "d e"}, title="Skip a value"),
        Example('e_anchor("msg", "x=*;", "a")', {"msg": "x=1"}, {"msg": "x=1"}, title="No match: nothing happens"),
        Example('e_anchor("msg", "x=*;*;", "a", restrict=True)', {"msg": "x=1;2;"}, {"msg": "x=1;2;"}, title="Two values, one name"),
        Example('e_anchor("msg", "x=1", "a")', {"msg": "x=1"}, error="needs at least one *"),
    ],
    mode="overwrite",
)
def e_anchor(value: Text, anchor_rules: Text, fields: Names, restrict: Flag = False) -> list[tuple[str, str]] | None:
    """Takes fields out of a text by what stands around them.

    All characters but ``*`` stand for themselves, blanks and line ends too. The rules may match anywhere in the text; each value is as
    short as possible, and one at the very end of the rules takes the rest. Surplus values or names are ignored unless ``restrict`` is set.
    """
    pieces = anchor_rules.split("*")
    if len(pieces) == 1:
        raise ValueError("anchor_rules needs at least one *")
    if restrict and len(fields) != len(pieces) - 1:
        return None
    # The first place of each piece is as good as any later one, since a value may be anything.
    at = value.find(pieces[0])
    if at < 0:
        return None
    at += len(pieces[0])
    values: list[str] = []
    for number, piece in enumerate(pieces[1:], start=1):
        end = len(value) if number == len(pieces) - 1 and not piece else value.find(piece, at)
        if end < 0:
            return None
        values.append(value[at:end])
        at = end + len(piece)
    return [(name, text) for name, text in zip(fields, values, strict=False) if name != "*"]


@e_anchor.at_load
def _check(known: dict[str, Any]) -> Any:
    rules = known.get("anchor_rules")
    if isinstance(rules, str) and "*" not in rules:
        yield "e_anchor: anchor_rules needs at least one *", "anchor_rules"


@e_anchor.columns
def _columns(source: pl.Series, call: Arguments, field_name: str) -> Any:
    import polars as pl

    rules, names, restrict = call.fixed("anchor_rules"), call.fixed("fields"), call.fixed("restrict")
    pieces = rules.split("*")
    if not 1 < len(pieces) <= _MOST_COLUMNS or len(rules) > 10_000:
        raise Decline
    if restrict and len(names) != len(pieces) - 1:
        return [], pl.Series("", [False], pl.Boolean).new_from_index(0, len(source))
    pattern = "(?s)" + "(.*?)".join(map(pl.escape_regex, pieces[:-1]))
    pattern += f"(.*?){pl.escape_regex(pieces[-1])}" if pieces[-1] else "(.*)"
    try:
        groups = source.str.extract_groups(pattern).struct.unnest()
    except pl.exceptions.ComputeError:
        raise Decline from None
    taken = [(name, groups[:, number]) for number, name in enumerate(names[: len(pieces) - 1]) if name != "*"]
    return taken, groups[:, 0].is_not_null()
