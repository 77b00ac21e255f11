"""grok"""

from __future__ import annotations

from typing import Annotated

from transforms.rules.function import Example, expression
from transforms.rules.functions.patterns._kinds import DEFINITIONS
from transforms.rules.grok import expand
from transforms.rules.kinds import Flag, Text


@expression(
    "patterns",
    parameters={
        "pattern": "A regular expression in which %{NAME} and %{NAME:field} stand for definitions.",
        "escape": "Whether the text outside of %{…} is taken literally.",
        "extend": "A dictionary of further definitions by name; they may use others, and come before built-in ones of the same name.",
    },
    examples=[
        Example('grok("%{YEAR:year}-%{MONTHNUM}")', {}, r"(?P<year>(?>\d\d){1,2})-(?:0?[1-9]|1[0-2])"),
        Example('grok("(%{WORD})", escape=True)', {}, r"\(\b\w+\b\)", title="Parentheses as literal text"),
        Example('grok("%{ORDER:order}", extend={"ORDER": "A%{INT}"})', {}, "(?P<order>A(?:[+-]?(?:[0-9]+)))"),
        Example(
            'regex_replace(v("text"), grok("(%{CHINAID})"), replace=r"\\1****")',
            {"text": "card 11010519491231002X"},
            "card 110105****",
            title="CHINAID goes into parentheses; group 1 is the region",
        ),
        Example('grok("%{IPADDRESS}")', {}, error="no grok definition is called 'IPADDRESS'"),
    ],
)
def grok(pattern: Text, escape: Flag = False, extend: Annotated[dict[str, str] | None, DEFINITIONS] = None) -> str:
    r"""Makes a regular expression of a grok pattern.

    ``%{NAME}`` becomes the bare text of the definition, without parentheses around it, so that one with alternatives (``DATE``) is best
    put into ``(?:…)``; ``%{NAME:field}`` becomes a named group. Definitions such as ``COMBINEDAPACHELOG`` or ``SYSLOGBASE`` name the
    fields themselves and take no field name. ``DATA`` takes as little as it can, so it is empty at the end of a pattern; ``GREEDYDATA``
    takes the rest. The definitions are Logstash's core set; ``EXTRACTJSON`` finds a JSON object inside a text (field ``json``), and
    ``(%{CHINAID})`` the number of a Chinese identity card.
    """
    return expand(pattern, escape=escape, extend=extend)
