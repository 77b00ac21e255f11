"""The nodes of a JSON document as fields. The document may hold anything in the place of its leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from transforms.rules.functions.extraction._json_names import array_namer, node_namer
from transforms.rules.pattern import Pattern

__all__ = ["Expansion", "expansion"]

_MOST_NAMES = 20_000


@dataclass(frozen=True)
class Expansion:
    """Which nodes become fields, and how they are called: the parameters of ``e_json``."""

    depth: int
    prefix: str
    suffix: str
    fmt: str
    sep: str
    expand_array: bool
    fmt_array: str
    include_node: Pattern | None
    exclude_node: Pattern | None
    include_path: Pattern | None
    exclude_path: Pattern | None
    _names: dict[tuple[str, ...], str | None] = field(default_factory=dict, compare=False, repr=False)
    """Path of a leaf → its field, None if it becomes none: documents are alike, the same paths come again and again."""
    _whole_names: dict[tuple[str, ...], str | None] = field(default_factory=dict, compare=False, repr=False)
    """The same for containers that are kept whole."""

    def fields(self, document: Any, root: str) -> dict[str, Any]:
        """Field name → leaf, or container that is kept as text; of nodes with the same name the last one."""
        element_name = array_namer(self.fmt_array)
        found: dict[str, Any] = {}
        # A stack of (node, its path of names, its level), the next node on top: documents may be deeper than calls may be.
        stack: list[tuple[Any, tuple[str, ...], int]] = [(document, (root,), 0)]
        while stack:
            node, path, level = stack.pop()
            names = self._names
            is_list = isinstance(node, list)
            if is_list or isinstance(node, dict):
                if level < self.depth and (self.expand_array or not is_list):
                    children: list[tuple[Any, tuple[str, ...], int]] = []
                    if is_list:
                        for index, child in enumerate(node):
                            name = element_name(str(index), path)
                            if name is not None:
                                children.append((child, (*path, name), level + 1))
                    else:
                        children = [(child, (*path, name), level + 1) for name, child in node.items()]
                    children.reverse()
                    stack += children
                    continue
                names = self._whole_names
            if path in names:
                name = names[path]
            else:
                if len(names) >= _MOST_NAMES:
                    names.clear()
                # A container that is kept whole counts as its own parent.
                name = names[path] = self._field(path, path[:-1] if names is self._names else path)
            if name is not None:
                found.pop(name, None)
                found[name] = node
        return found

    def _field(self, path: tuple[str, ...], parents: tuple[str, ...]) -> str | None:
        if not self._wanted(path[-1], path):
            return None
        return node_namer(self.fmt, self.sep, self.prefix, self.suffix)(path[-1], parents)

    def _wanted(self, current: str, path: tuple[str, ...]) -> bool:
        if self.include_node is not None and self.include_node.whole(current) is None:
            return False
        if self.exclude_node is not None and self.exclude_node.whole(current) is not None:
            return False
        if self.include_path is None and self.exclude_path is None:
            return True
        text = ".".join(path)
        if self.include_path is not None and self.include_path.prefix(text) is None:
            return False
        return self.exclude_path is None or self.exclude_path.prefix(text) is None


@lru_cache(maxsize=256)
def expansion(*parameters: Any) -> Expansion:
    """The expansion of some parameters, in the order of its fields: always the same one, which knows the names that it met."""
    return Expansion(*parameters)
