"""Which stored field a name in the search part means, and how that field is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from transforms.core.suggest import nearest
from transforms.sql.search.matching import WHOLE, Cutting
from transforms.sql.search.nodes import Word
from transforms.stores.index import FieldIndex, FullTextIndex, Index

__all__ = ["Found", "Names", "SearchColumns"]

TAG = "__tag__:"
_RESERVED = ("__topic__", "__source__")


class SearchColumns(Protocol):
    """Where the search finds the values: DuckDB expressions over the stored columns."""

    def text(self, field: str) -> str:
        """The field's text, NULL where the log has no such field."""

    def number(self, field: str, kind: Literal["long", "double"]) -> str:
        """The field as BIGINT or DOUBLE, NULL where its text is no such number."""

    def leaf(self, field: str, path: str) -> str:
        """The text of a leaf of a JSON field, NULL where there is none."""

    def fields(self) -> Sequence[str]:
        """All stored fields, with ``__topic__``, ``__source__`` and tags, without ``__time__``."""


@dataclass(frozen=True)
class Found:
    """A field that a name means: the stored fields (they may differ in letter case), maybe a JSON leaf in them, the type."""

    name: str
    stored: tuple[str, ...]
    path: str | None
    type: Literal["text", "long", "double", "any"]
    """``any`` without an index: text, and compared as a number where the statement compares."""
    cutting: Cutting


class Names:
    """Resolves names against an index and the stored fields, letter case aside."""

    def __init__(self, index: Index | None, columns: SearchColumns) -> None:
        self.index = index
        self.columns = columns
        self.full_text: FullTextIndex | None = FullTextIndex() if index is None else index.full_text
        self.stored: dict[str, list[str]] = {}
        for name in columns.fields():
            self.stored.setdefault(name.casefold(), []).append(name)
        self.indexed = {name.casefold(): (name, field) for name, field in (index.fields if index else {}).items()}

    def find(self, key: Word) -> Found | None:
        """The field, or None when the index does not have it."""
        name = "__source__" if key.text == "source" else key.text
        if name.casefold() in _RESERVED:
            return self._field(name.casefold(), FieldIndex(), WHOLE)
        if name.casefold() in self.indexed:
            canonical, field = self.indexed[name.casefold()]
            return self._field(canonical, field, cutting_of(field))
        if name.casefold().startswith(TAG):
            return self._field(TAG + name[len(TAG) :], FieldIndex(), WHOLE)
        if self.index is None:
            return self._lenient(name)
        return self._leaf(name)

    def _field(self, name: str, field: FieldIndex, cutting: Cutting) -> Found:
        kind = "text" if field.type == "json" else field.type
        return Found(name, tuple(self.stored.get(name.casefold(), ())), None, kind, cutting)

    def _leaf(self, name: str) -> Found | None:
        for owner, field in self.indexed.values():
            for path, leaf in field.leaves.items():
                if f"{owner}.{path}".casefold() == name.casefold():
                    kind = "text" if leaf.type == "json" else leaf.type
                    return Found(f"{owner}.{path}", tuple(self.stored.get(owner.casefold(), ())), path, kind, cutting_of(leaf))
        return None

    def _lenient(self, name: str) -> Found:
        cutting = cutting_of(FieldIndex())
        stored = tuple(self.stored.get(name.casefold(), ()))
        if not stored:
            for dot in (position for position, character in enumerate(name) if character == "."):
                owner = tuple(self.stored.get(name[:dot].casefold(), ()))
                if owner and name[dot + 1 :]:
                    return Found(name, owner, name[dot + 1 :], "any", cutting)
        return Found(name, stored, None, "any", cutting)

    def everywhere(self) -> list[tuple[str, Cutting]]:
        """The stored fields that bare words look into, each with its own cutting."""
        line = self.full_text
        assert line is not None
        include = {name.casefold() for name in line.include}
        exclude = {name.casefold() for name in line.exclude}
        out: list[tuple[str, Cutting]] = []
        for folded, names in self.stored.items():
            if (include and folded not in include) or folded in exclude or folded == "__time__":
                continue
            if folded in self.indexed:
                if line.exclude_indexed:
                    continue
                field = self.indexed[folded][1]
                cutting = cutting_of(field) if field.type in ("text", "json") else line_cutting(line)
            elif folded in _RESERVED or folded.startswith(TAG):
                cutting = WHOLE
            else:
                cutting = line_cutting(line)
            out += [(name, cutting) for name in names]
        return out

    def known(self) -> list[str]:
        """Every name that can be searched by ``key:value``."""
        names = [name for name, _ in self.index.flat()] if self.index else list(self.columns.fields())
        return [*names, *(name for name in _RESERVED if name not in names)]

    def near(self, name: str) -> str | None:
        """The searchable name most like this one."""
        return nearest(name, self.known())


def cutting_of(field: FieldIndex) -> Cutting:
    """How values of this field are cut."""
    return Cutting(field.delimiters, field.case_sensitive, field.chn)


def line_cutting(line: FullTextIndex) -> Cutting:
    """How values are cut that only the full-text index covers."""
    return Cutting(line.delimiters, line.case_sensitive, line.chn)
