"""Regular expressions. They find anywhere in a text unless anchored; what RE2 cannot express runs on Python's engine."""

from __future__ import annotations

import re

from sqlglot import exp

from transforms.sql.functions.model import Builder, Call, Function, scalar
from transforms.sql.translate_context import NOT_CONSTANT, text

__all__ = ["FUNCTIONS"]

_BEYOND_RE2 = re.compile(r"\(\?(?:[=!>]|<[=!])|(?<!\\)(?:\\\\)*\\[1-9]|[*+?}]\+")


def _pattern(call: Call) -> str | None:
    """The constant pattern, checked; None when it is computed for each row."""
    pattern = call.args[1].constant
    if not isinstance(pattern, str):
        return None
    try:
        compiled = re.compile(_python_pattern(pattern))
    except re.error as error:
        raise call.error(
            1, f"'{pattern}' is no regular expression: {error}", r"special characters such as ( [ * + . are escaped with \ "
        ) from error
    group = call.args[2].constant if len(call.args) > 2 else None
    if isinstance(group, int) and not 0 <= group <= compiled.groups:
        raise call.error(
            2,
            f"the expression has {compiled.groups} group{'s' * (compiled.groups != 1)}, not {group}",
            "groups are counted from 1; 0 is the whole match",
        )
    return pattern


def _python_pattern(pattern: str) -> str:
    return (
        pattern.replace(r"\p{Alpha}", "[A-Za-z]")
        .replace(r"\p{Digit}", "[0-9]")
        .replace("(?<", "(?P<")
        .replace("(?P<=", "(?<=")
        .replace("(?P<!", "(?<!")
    )


def _either(engine: str, prelude: str) -> Builder:
    """Engine SQL, or the prelude function of that name when the pattern is beyond RE2."""

    def build(call: Call) -> exp.Expr:
        pattern = _pattern(call)
        # The engine takes constant group numbers only.
        group_varies = len(call.args) > 2 and call.args[2].constant is NOT_CONSTANT
        if group_varies or (pattern is not None and _BEYOND_RE2.search(pattern)):
            call.context.uses.add(prelude)
            args = [arg.sql for arg in call.args]
            if prelude in ("python_regexp_extract", "python_regexp_extract_all") and len(args) == 2:
                args.append(exp.Literal.number(0))
            if prelude == "python_regexp_replace" and len(args) == 2:
                args.append(text(""))
            return exp.Anonymous(this=prelude, expressions=args)
        return call.sql(engine)

    return build


def _replace(call: Call) -> exp.Expr:
    pattern = _pattern(call)
    if pattern is not None and _BEYOND_RE2.search(pattern):
        call.context.uses.add("python_regexp_replace")
        return exp.Anonymous(this="python_regexp_replace", expressions=[arg.sql for arg in call.args])
    written = call.args[2].constant
    if isinstance(written, str):
        return call.sql("regexp_replace(_1, _2, _3, 'g')", call.args[0].sql, call.args[1].sql, text(_engine_replacement(written)))
    return call.sql(r"regexp_replace(_1, _2, regexp_replace(replace(_3, '\', '\\'), '\$(\d)', '\\\1', 'g'), 'g')")


def _engine_replacement(written: str) -> str:
    r"""``$1`` → ``\1``; ``\$`` is a plain dollar."""
    out, at = [], 0
    while at < len(written):
        character, after = written[at], written[at + 1 : at + 2]
        if character == "\\" and after:
            out.append("\\\\" if after == "\\" else after)
            at += 2
        elif character == "$" and after.isdigit():
            out.append("\\" + after)
            at += 2
        else:
            out.append("\\\\" if character == "\\" else character)
            at += 1
    return "".join(out)


FUNCTIONS: tuple[Function, ...] = (
    scalar("regexp_like(varchar, varchar) -> boolean", _either("regexp_matches(_1, _2)", "python_regexp_like")),
    scalar("regexp_extract(varchar, varchar) -> varchar",
           _either("CASE WHEN regexp_matches(_1, _2) THEN regexp_extract(_1, _2) END", "python_regexp_extract")),
    scalar("regexp_extract(varchar, varchar, bigint) -> varchar",
           _either("CASE WHEN regexp_matches(_1, _2) THEN regexp_extract(_1, _2, CAST(_3 AS INTEGER)) END", "python_regexp_extract")),
    scalar("regexp_extract_all(varchar, varchar) -> array(varchar)",
           _either("regexp_extract_all(_1, _2)", "python_regexp_extract_all")),
    scalar("regexp_extract_all(varchar, varchar, bigint) -> array(varchar)",
           _either("regexp_extract_all(_1, _2, CAST(_3 AS INTEGER))", "python_regexp_extract_all")),
    scalar("regexp_replace(varchar, varchar) -> varchar", _either("regexp_replace(_1, _2, '', 'g')", "python_regexp_replace")),
    scalar("regexp_replace(varchar, varchar, varchar) -> varchar", _replace),
    scalar("regexp_split(varchar, varchar) -> array(varchar)", _either("regexp_split_to_array(_1, _2)", "python_regexp_split")),
    scalar("regexp_count(varchar, varchar) -> bigint", _either("len(regexp_extract_all(_1, _2))", "python_regexp_count")),
)  # fmt: skip
