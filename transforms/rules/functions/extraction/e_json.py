"""e_json"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from transforms.rules.function import Example, extraction
from transforms.rules.functions.extraction._json_expansion import expansion
from transforms.rules.functions.extraction._json_names import ArrayFormat, NodeFormat
from transforms.rules.functions.extraction._kinds import DEPTH, OPTIONAL_JMES
from transforms.rules.jmes import JmesPath
from transforms.rules.kinds import Flag, Regex, Text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments


@extraction(
    "extraction",
    parameters={
        "field": "The field that holds JSON text.",
        "expand": "Whether the nodes of the document become fields; by default yes, but no if both jmes and output are given.",
        "depth": "Down to which level containers are expanded, from 1 to 2000; those below become JSON text.",
        "prefix": "Put before each node's name.",
        "suffix": "Put behind each node's name.",
        "fmt": "How fields are called: simple (the node's name), full, parent or root (with parents before it), or a name format.",
        "sep": "Stands between parents and name.",
        "expand_array": "Whether arrays are expanded, element by element; otherwise they become JSON text.",
        "fmt_array": "How the elements of an array are called.",
        "include_node": "A regular expression for the whole name of nodes that become fields.",
        "exclude_node": "A regular expression for the whole name of nodes that do not.",
        "include_path": "A regular expression for the beginning of the paths of nodes that become fields, such as field.a.b.",
        "exclude_path": "A regular expression for the beginning of the paths of nodes that do not.",
        "jmes": "A JMESPath that chooses the part of the document to work on.",
        "output": "A field that gets the document, or what jmes chose of it.",
        "jmes_ignore_none": "Whether nothing happens if jmes finds nothing; otherwise an empty text is taken.",
    },
    examples=[
        Example(
            'e_json("data")',
            {"data": '{"a": 1, "b": {"c": "x", "d": [true, null]}}'},
            {"data": '{"a": 1, "b": {"c": "x", "d": [true, null]}}', "a": "1", "c": "x", "d_0": "true"},
        ),
        Example(
            'e_json("data", depth=1)',
            {"data": '{"a":1.50,"b":{"c":[1,2]}}'},
            {"data": '{"a":1.50,"b":{"c":[1,2]}}', "a": "1.5", "b": '{"c": [1, 2]}'},
            title="Below the depth: JSON text",
        ),
        Example(
            'e_json("data", expand_array=False)',
            {"data": '{"u":{"id":7},"tags":["x","y"]}'},
            {"data": '{"u":{"id":7},"tags":["x","y"]}', "id": "7", "tags": '["x", "y"]'},
        ),
        Example(
            'e_json("data", fmt="parent", sep="_", prefix="p_")',
            {"data": '{"k1": 100, "k2": {"k3": 200}}'},
            {"data": '{"k1": 100, "k2": {"k3": 200}}', "data_p_k1": "100", "k2_p_k3": "200"},
        ),
        Example(
            'e_json("data", fmt="{parent_rlist[1]}-{current}")',
            {"data": '{"k1": 100, "k2": {"k3": 200}}'},
            {"data": '{"k1": 100, "k2": {"k3": 200}}', "data-k3": "200"},
            title="A name format; nodes without such a parent are left out",
        ),
        Example(
            'e_json("data", jmes="people[*].name", output="names")',
            {"data": '{"people": [{"name": "a"}, {"name": "b"}]}'},
            {"data": '{"people": [{"name": "a"}, {"name": "b"}]}', "names": '["a", "b"]'},
        ),
        Example('e_json("data", include_node="k.*")', {"data": '{"k": 1, "x": 2}'}, {"data": '{"k": 1, "x": 2}', "k": "1"}),
        Example('e_json("data")', {"data": "{no JSON"}, {"data": "{no JSON"}, title="No JSON: nothing happens"),
        Example('e_json("data", jmes="a[")', {"data": "{}"}, error="invalid JMESPath"),
    ],
    mode="fill-auto",
)
def e_json(
    value: Text,
    field_name: str,
    expand: Flag | None = None,
    depth: Annotated[int, DEPTH] = 100,
    prefix: Text = "",
    suffix: Text = "",
    fmt: NodeFormat = "simple",
    sep: Text = ".",
    expand_array: Flag = True,
    fmt_array: ArrayFormat = "{parent_rlist[0]}_{index}",
    include_node: Regex | None = r"[\u4e00-\u9fa5\u0800-\u4e00a-zA-Z][\w\-\.]*",  # type: ignore[assignment]
    exclude_node: Regex | None = None,
    include_path: Regex | None = None,
    exclude_path: Regex | None = None,
    jmes: Annotated[JmesPath | None, OPTIONAL_JMES] = "",  # type: ignore[assignment]
    output: Text = "",
    jmes_ignore_none: Flag = True,
) -> list[tuple[str, Any]] | None:
    """Takes fields out of JSON text.

    Leaves become fields: numbers as Python writes them (``1.50`` → ``1.5``), ``true`` and ``false``, and an empty text for null. Elements
    of an array are called after it (``tags_0``, ``tags_1``). Without ``include_node`` names have to begin with a letter. In a name
    format ``{current}`` is the node's name, ``{parent_list[0]}`` the outermost and ``{parent_rlist[0]}`` the innermost container around
    it, beside ``{sep}``, ``{prefix}`` and ``{suffix}``; the outermost container is called like the field. Where a name comes twice in
    one document, the last one is taken.
    """
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    pairs: list[tuple[str, Any]] = []
    if jmes is not None:
        try:
            document = jmes.search(document)
        except ValueError:  # a function of the path met a value of the wrong type
            document = None
        if document is None:
            if jmes_ignore_none:
                return None
            document = ""
    if output:
        pairs.append((output, "" if document is None else document))
    if expand if expand is not None else not (jmes is not None and output):
        options = expansion(
            depth, prefix, suffix, fmt, sep, expand_array, fmt_array, include_node, exclude_node, include_path, exclude_path
        )
        fields = options.fields(document, field_name)
        pairs += [(name, "" if node is None else node) for name, node in fields.items()]
    return pairs


@e_json.columns
def _columns(source: pl.Series, call: Arguments, field_name: str) -> Any:
    from transforms.rules.functions.extraction._json_columns import nodes_as_columns

    return nodes_as_columns(source, call, field_name)
