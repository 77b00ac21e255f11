"""XML as dictionaries, by expat with everything off that reaches beyond the text or makes much of little."""

from __future__ import annotations

from typing import Any

__all__ = ["DEEPEST", "LONGEST", "xml_value"]

DEEPEST = 200
"""Elements within each other."""
LONGEST = 10_000_000
"""Characters of a document."""


class _Tree:
    """Builds the dictionary while expat reads."""

    def __init__(self) -> None:
        self._open: list[tuple[dict[str, Any], list[str]]] = [({}, [])]

    def root(self) -> dict[str, Any]:
        return self._open[0][0]

    def start(self, _name: str, attributes: list[str]) -> None:
        if len(self._open) > DEEPEST:
            raise ValueError(f"the XML has more than {DEEPEST} elements within each other")
        names = [f"@{name}" for name in attributes[::2]]
        self._open.append((dict(zip(names, attributes[1::2], strict=True)), []))

    def text(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, name: str) -> None:
        content, pieces = self._open.pop()
        text = "".join(pieces).strip()
        value: Any = content or None
        if text:
            value = {**content, "#text": text} if content else text
        parent = self._open[-1][0]
        if name not in parent:
            parent[name] = value
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]


def xml_value(source: str | bytes) -> dict[str, Any]:
    """The dictionary of a document. Raises ValueError with the place where the text is no XML."""
    from xml.parsers import expat

    if len(source) > LONGEST:
        raise ValueError(f"the XML has more than {LONGEST:,} characters")
    tree = _Tree()
    # Text is UTF-8 here, whatever its declaration says.
    parser = expat.ParserCreate("utf-8" if isinstance(source, str) else None)
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    parser.EntityDeclHandler = _refuse_declaration
    parser.SkippedEntityHandler = _refuse_entity
    parser.ExternalEntityRefHandler = _refuse_external
    try:
        parser.Parse(source.strip().encode("utf-8", "surrogatepass") if isinstance(source, str) else source.strip(), True)
    except expat.ExpatError as error:
        raise ValueError(f"not XML: {error}") from None
    return tree.root()


def _refuse_declaration(name: str, *_: Any) -> None:
    raise ValueError(f"the XML declares the entity {name[:60]!r}; declarations of entities are refused")


def _refuse_entity(name: str, *_: Any) -> None:
    raise ValueError(f"the XML refers to the entity {str(name)[:60]!r}, which is not part of it")


def _refuse_external(_context: str, _root: str | None, system: str | None, _public: str | None) -> int:
    raise ValueError(f"the XML refers to {(system or '')[:60]!r} outside of it")
