"""The nodes of a JSON document as fields. The document may hold anything in the place of its leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transforms.rules.functions.extraction._json_names import array_namer, node_namer
from transforms.rules.pattern import Pattern

__all__ = ["Expansion"]


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

    def fields(self, document: Any, root: str) -> dict[str, Any]:
        """Field name → leaf, or container that is kept as text; of nodes with the same name the last one."""
        name_of = node_namer(self.fmt, self.sep, self.prefix, self.suffix)
        element_name = array_namer(self.fmt_array)
        found: dict[str, Any] = {}
        # A stack of (node, its name, names of its parents, its level), the next node on top: documents may be deeper than calls may be.
        stack: list[tuple[Any, str, tuple[str, ...], int]] = [(document, root, (), 0)]
        while stack:
            node, current, parents, level = stack.pop()
            is_list = isinstance(node, list)
            within = (*parents, current)
            if is_list or isinstance(node, dict):
                if level < self.depth and (self.expand_array or not is_list):
                    children: list[tuple[Any, str, tuple[str, ...], int]] = []
                    if is_list:
                        for index, child in enumerate(node):
                            name = element_name(str(index), within)
                            if name is not None:
                                children.append((child, name, within, level + 1))
                    else:
                        children = [(child, key, within, level + 1) for key, child in node.items()]
                    stack.extend(reversed(children))
                    continue
                parents = within  # a container that is kept whole counts as its own parent
            if self._wanted(current, within):
                field = name_of(current, parents)
                if field is not None:
                    found.pop(field, None)
                    found[field] = node
        return found

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
