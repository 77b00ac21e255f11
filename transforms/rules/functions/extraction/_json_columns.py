"""The column form of ``e_json``: documents of one shape are cut into columns by the grammar of that shape.

Values come out as the scalar form gives them: strings unescaped, numbers as Python writes them, containers as JSON text of Python's. What
is written so already (nearly all of it) is taken as it stands; the rest is converted by Python, once for each distinct text.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

import polars as pl

from transforms.rules.columns import Arguments
from transforms.rules.function import Decline
from transforms.rules.functions.extraction._json_expansion import Expansion, expansion
from transforms.rules.functions.extraction._templates import Finish, Slot, Spelling, Template, Templates, resolved
from transforms.rules.jmes import JmesPath
from transforms.rules.values import stored_text

__all__ = ["nodes_as_columns"]

_BLANK = r"[ \t\n\r]*"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_PLAIN_INSIDE = r'[^"\\\x00-\x1f]*'
_INSIDE = r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*'
_MOST_DIGITS = 4000
_DEEPEST_TEXT = 3
_DEEPEST_SAMPLE = 40

_INTEGER_AS_IT_IS = r"^(?:0|-?[1-9][0-9]{0,17}|true|false)$"
_FLOAT_AS_IT_IS = r"^-?(?:[1-9][0-9]*\.(?:0|[0-9]*[1-9])|0\.(?:0|0{0,3}[1-9](?:[0-9]*[1-9])?))$"
_LONGEST_FLOAT = 16
"""With at most 15 digits a float's shortest text is the text it was read from."""

_SHORT_FLOAT = r"-?(?:[1-9][0-9]{0,7}\.(?:0|[0-9]{0,5}[1-9])|0\.(?:0|0{0,3}[1-9](?:[0-9]{0,8}[1-9])?))"
"""One that is surely written as Python would, wherever it stands."""

_ELEMENT = rf'(?:"[^"\\]*"|0|-?[1-9][0-9]{{0,17}}|true|false|null|{_SHORT_FLOAT})'
_ARRAY_AS_IT_IS = rf"^\[(?:{_ELEMENT}(?:, {_ELEMENT})*)?\]$"
_DENSE_ELEMENT = rf'(?:"[^",\\]*"|0|-?[1-9][0-9]{{0,17}}|true|false|null|{_SHORT_FLOAT})'
_DENSE_ARRAY = rf"^\[{_DENSE_ELEMENT}(?:,{_DENSE_ELEMENT})*\]$"

_KEY = r'"[^":,\\]*"'
_OBJECT_AS_IT_IS = rf"^\{{{_KEY}: {_ELEMENT}(?:, {_KEY}: {_ELEMENT})*\}}$"
_DENSE_VALUE = rf'(?:"(?:[^":,\\][^",\\]*)?"|0|-?[1-9][0-9]{{0,17}}|true|false|null|{_SHORT_FLOAT})'
_DENSE_OBJECT = rf"^\{{{_KEY}:{_DENSE_VALUE}(?:,{_KEY}:{_DENSE_VALUE})*\}}$"
_AFTER_KEY = r': (?:"[^"\\]*"|[0-9a-z.-]+)'


def nodes_as_columns(source: pl.Series, call: Arguments, field_name: str) -> Any:
    """Pairs of name and texts, mask of matches, mask of texts that are left to the scalar form."""
    expand, jmes, output = call.fixed("expand"), call.fixed("jmes"), call.fixed("output")
    expanded = expand if expand is not None else not (jmes is not None and output)
    if (output and expanded) or (jmes is not None and not jmes.is_path):
        raise Decline
    options = expansion(
        *(
            call.fixed(name)
            for name in (
                "depth", "prefix", "suffix", "fmt", "sep", "expand_array", "fmt_array", "include_node", "exclude_node", "include_path",
                "exclude_path",
            )
        )
    )  # fmt: skip
    templates = _templates(options, field_name, jmes, output, expanded)
    escapes = bool(source.str.contains("\\", literal=True).any())
    huge = _with_huge_numbers(source)
    if huge is None:
        return templates.cut(source, _spelling(escapes), _finish(escapes))
    pairs, matched, left = templates.cut(pl.select(pl.when(~huge).then(source)).to_series(), _spelling(escapes), _finish(escapes))
    return pairs, matched, left | huge


def _with_huge_numbers(source: pl.Series) -> pl.Series | None:
    """Texts that may hold an integer of more digits than Python reads; None if there are none."""
    long = (source.str.len_bytes() > _MOST_DIGITS).fill_null(False)
    if not long.any():
        return None
    suspicious = source.filter(long).str.contains(f"[0-9]{{{_MOST_DIGITS}}}")
    return long.scatter(long.arg_true(), suspicious) if suspicious.any() else None


@lru_cache(maxsize=256)
def _templates(options: Expansion, field_name: str, jmes: JmesPath | None, output: str, expanded: bool) -> Templates:
    def make(text: str) -> Template | None:
        try:
            document, nodes = _Sample(text).read()
        except (_NoTemplate, ValueError, IndexError):
            return None
        part = document if jmes is None else jmes.search(document)
        if part is None:
            return None
        fields = options.fields(part, field_name) if expanded else {output: part} if output else {}
        names = {id(node): name for name, node in fields.items()}
        chosen = jmes is not None and isinstance(part, _Leaf)
        return _template(text, nodes, names, part if chosen else None, loose=not expanded)

    return Templates(make)


# ── a sample text ────────────────────────────────────────────────────────


class _NoTemplate(Exception):
    """A text that no template is made of."""


class _Leaf:
    def __init__(self, start: int, end: int, kind: str) -> None:
        self.start, self.end, self.kind = start, end, kind


class _Object(dict[str, Any]):
    start = end = depth = 0


class _Array(list[Any]):
    start = end = depth = 0


_SKIP = re.compile(_BLANK)
_LITERAL = re.compile(f"true|false|null|{_NUMBER}")


class _Sample:
    """A JSON text as a document whose leaves and containers know where they stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes: list[Any] = []

    def read(self) -> tuple[Any, list[Any]]:
        """The document, and its nodes in the order of the text, containers before what is in them."""
        document, end = self._value(self._skip(0), 0)
        if self._skip(end) != len(self._text) or isinstance(document, _Leaf):
            raise _NoTemplate
        return document, self._nodes

    def _skip(self, at: int) -> int:
        found = _SKIP.match(self._text, at)
        return found.end() if found else at

    def _value(self, at: int, level: int) -> tuple[Any, int]:
        first = self._text[at]
        if first in "{[":
            return self._container(at, level)
        if first == '"':
            end = scanstring(self._text, at + 1, True)[1]
            leaf = _Leaf(at, end, "string")
        else:
            found = _LITERAL.match(self._text, at)
            if found is None:
                raise _NoTemplate
            end = found.end()
            leaf = _Leaf(at, end, "literal")
        self._nodes.append(leaf)
        return leaf, end

    def _container(self, at: int, level: int) -> tuple[Any, int]:
        if level > _DEEPEST_SAMPLE or len(self._nodes) > 500:
            raise _NoTemplate
        node: Any = _Object() if self._text[at] == "{" else _Array()
        closing = "}" if isinstance(node, _Object) else "]"
        node.start = at
        self._nodes.append(node)
        at = self._skip(at + 1)
        if self._text[at] == closing:
            node.end, node.depth = at + 1, 1
            return node, at + 1
        while True:
            key = ""
            if isinstance(node, _Object):
                if self._text[at] != '"':
                    raise _NoTemplate
                key, at = scanstring(self._text, at + 1, True)
                at = self._skip(at)
                if key in node or self._text[at] != ":":
                    raise _NoTemplate
                at = self._skip(at + 1)
            child, at = self._value(at, level + 1)
            node.depth = max(node.depth, 1 + getattr(child, "depth", 0))
            if isinstance(node, _Object):
                node[key] = child
            else:
                node.append(child)
            at = self._skip(at)
            if self._text[at] == closing:
                node.end = at + 1
                return node, at + 1
            if self._text[at] != ",":
                raise _NoTemplate
            at = self._skip(at + 1)


def _template(text: str, nodes: list[Any], names: dict[int, str], no_null: Any, *, loose: bool) -> Template | None:
    """``loose``: a container of which nothing is asked may hold anything (otherwise other contents could become other fields)."""
    asked = [node.start for node in nodes if id(node) in names]
    gaps: list[str] = []
    slots: list[Slot] = []
    at = 0
    for node in nodes:
        name = names.get(id(node))
        leaf = isinstance(node, _Leaf)
        if node.start < at:  # inside of a container that is one slot
            continue
        if name is None and not leaf:
            holds_asked = any(node.start <= start < node.end for start in asked)
            if not loose or holds_asked or node.depth > _DEEPEST_TEXT:
                continue
        kind = node.kind if leaf else f"{'object' if isinstance(node, _Object) else 'array'}{node.depth}"
        if node is no_null and kind == "literal":
            if text[node.start : node.end] == "null":
                return None
            kind = "value"
        if not leaf and node.depth > _DEEPEST_TEXT:
            return None
        gaps.append(text[at : node.start])
        slots.append(Slot(frozenset({kind}), name))
        at = node.end
    return Template((*gaps, text[at:]), tuple(slots))


# ── kinds of values ──────────────────────────────────────────────────────


@lru_cache(maxsize=2)
def _spelling(escapes: bool) -> Spelling:
    inside = _INSIDE if escapes else _PLAIN_INSIDE
    string = f'"{inside}"'
    spelled = {
        "string": ('"', inside, '"'),
        "literal": ("", f"true|false|null|{_NUMBER}", ""),
        "value": ("", f"true|false|{_NUMBER}", ""),
    }
    value = f"(?:{string}|true|false|null|{_NUMBER})"
    for depth in range(1, _DEEPEST_TEXT + 1):
        # Each blank belongs to what stands before it, so that the next character always tells how to go on: Rust's fastest engine needs that.
        item = f"{value}{_BLANK}"
        pair = f"{string}{_BLANK}:{_BLANK}{value}{_BLANK}"
        array = rf"\[{_BLANK}(?:{item}(?:,{_BLANK}{item})*)?\]"
        mapping = rf"\{{{_BLANK}(?:{pair}(?:,{_BLANK}{pair})*)?\}}"
        spelled[f"array{depth}"] = ("", array, "")
        spelled[f"object{depth}"] = ("", mapping, "")
        value = f"(?:{string}|true|false|null|{_NUMBER}|{array}|{mapping})"
    return spelled


@lru_cache(maxsize=2)
def _finish(escapes: bool) -> Finish:
    finish: dict[str, Any] = {"string": _unescaped if escapes else _same, "literal": _literals, "value": _literals}
    for depth in range(1, _DEEPEST_TEXT + 1):
        finish[f"array{depth}"] = _arrays
        finish[f"object{depth}"] = _objects if depth == 1 else _containers
    return finish


def _same(texts: pl.Series) -> pl.Series:
    return texts


def _unescaped(texts: pl.Series) -> pl.Series:
    return resolved(texts, texts.str.contains("\\", literal=True), _unescape)


def _unescape(inside: str) -> str:
    text: str = scanstring(inside + '"', 0, True)[0]
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _literals(texts: pl.Series) -> pl.Series:
    as_it_is = texts.str.contains(_INTEGER_AS_IT_IS)
    if not as_it_is.all():
        as_it_is = as_it_is | (texts.str.contains(_FLOAT_AS_IT_IS) & (texts.str.len_bytes() <= _LONGEST_FLOAT))
    return resolved(texts, ~as_it_is, _stored)


def _arrays(texts: pl.Series) -> pl.Series:
    as_it_is = texts.str.contains(_ARRAY_AS_IT_IS)
    if as_it_is.all():
        return texts
    dense = texts.str.contains(_DENSE_ARRAY)
    spaced = texts.str.replace_all(",", ", ", literal=True)
    texts = texts.zip_with(as_it_is | ~dense, spaced) if dense.any() else texts
    return resolved(texts, ~(as_it_is | dense), _stored)


def _objects(texts: pl.Series) -> pl.Series:
    as_it_is = texts.str.contains(_OBJECT_AS_IT_IS)
    if not as_it_is.all():
        dense = texts.str.contains(_DENSE_OBJECT)
        if dense.any():
            spaced = texts.str.replace_all('":', '": ', literal=True).str.replace_all(',"', ', "', literal=True)
            texts = texts.zip_with(as_it_is | ~dense, spaced)
            as_it_is = as_it_is | dense
    return resolved(texts, ~as_it_is | _with_a_name_twice(texts), _stored)


def _with_a_name_twice(texts: pl.Series) -> pl.Series:
    """Of objects as Python writes them, those in which a name comes twice: few forms of objects are looked at, not each one."""
    forms = texts.str.replace_all(_AFTER_KEY, ":")
    wrong = []
    for form in forms.drop_nulls().unique().to_list():
        names = form.split('":')
        names = [name[name.rfind('"') + 1 :] for name in names[:-1]]
        if len(set(names)) < len(names):
            wrong.append(form)
    return forms.is_in(wrong)


def _containers(texts: pl.Series) -> pl.Series:
    return resolved(texts, texts.is_not_null(), _stored)


def _stored(text: str) -> str:
    """JSON text as a field keeps the value; an empty text for null."""
    stored = stored_text(json.loads(text))
    return "" if stored is None else stored.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
