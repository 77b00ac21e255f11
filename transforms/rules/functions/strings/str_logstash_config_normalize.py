"""str_logstash_config_normalize"""

from __future__ import annotations

import re

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": 'A hash in the notation of Logstash\'s configuration, such as `{"a" => 1}`.'},
    examples=[
        Example('str_logstash_config_normalize(v("a"))', {"a": '{"name" => "tw5"}'}, '{"name":"tw5"}'),
        Example('str_logstash_config_normalize(v("a"))', {"a": '{"x=>y"=>{"n" => 1}}'}, '{"x=>y":{"n":1}}', title="Quoted text stays"),
        Example('str_logstash_config_normalize(v("missing"))', {}, error="None is not text"),
    ],
)
def str_logstash_config_normalize(value: Text) -> str:
    """Turns a hash of Logstash's configuration language into JSON text.

    Outside quotation marks every `=>`, with the blanks around it, becomes a colon; nothing else changes, and nothing is checked.
    `str_logtash_config_normalize` is a second spelling.
    """
    parts = _QUOTED.split(value)
    return "".join(part if place % 2 else _colons(part) for place, part in enumerate(parts))


def _colons(text: str) -> str:
    first, *rest = text.split("=>")
    if not rest:
        return text
    *middle, last = rest
    return ":".join([first.rstrip(), *(part.strip() for part in middle), last.lstrip()])


_QUOTED = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|$))', re.DOTALL)
