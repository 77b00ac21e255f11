"""What the parameters of mapping functions take, and what they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

from transforms.rules.derived import Derived
from transforms.rules.kinds import Kind
from transforms.rules.query import Query
from transforms.rules.table import Table
from transforms.rules.values import as_mapping, as_text, kind_of

__all__ = ["FieldPairs", "TextKeys", "defaults_of", "missing_problems", "query_problems"]


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    items: Sequence[Any] = (value,) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not items:
        raise TypeError(f"a name, or a list of names and of pairs of names, is needed, not {kind_of(value)}")
    found: list[tuple[str, str]] = []
    for item in items:
        if isinstance(item, str):
            found.append((item, item))
        elif isinstance(item, list | tuple) and len(item) == 2:
            found.append((as_text(item[0]), as_text(item[1])))
        else:
            raise TypeError(f"a name or a pair of names is needed in the list, not {item!r}")
    return tuple(found)


def _with_text_keys(mapping: Mapping[Any, Any]) -> Mapping[str, Any]:
    if all(isinstance(key, str) for key in mapping):
        return mapping
    return {as_text(key): value for key, value in mapping.items()}


_TEXT_KEYS: Derived[Mapping[str, Any]] = Derived(_with_text_keys)


@lru_cache(maxsize=64)
def _parsed(text: str) -> Mapping[str, Any]:
    """JSON text that a resource gives is parsed once, so that what is derived from the dictionary is kept."""
    return _with_text_keys(as_mapping(text))


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Table):
        raise TypeError("a dictionary is needed, not a table; tab_to_dict makes one of it")
    if isinstance(value, str):
        return _parsed(value)
    mapping = as_mapping(value)
    # A dictionary that a resource gave is the same object batch after batch, and may be large.
    return _TEXT_KEYS.of(mapping) if len(mapping) > 1000 else _with_text_keys(mapping)


FieldPairs = Annotated[tuple[tuple[str, str], ...], Kind("a name, or a list of names and of pairs of names", _pairs)]
TextKeys = Annotated[Mapping[str, Any], Kind("a dictionary, or JSON text of one", _mapping)]


def query_problems(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of a constant dictionary that are no queries."""
    for key in known.get("data") or ():
        if key != "*":
            try:
                Query.of(key)
            except ValueError as error:
                yield f"the key {key!r}: {error}", "data"


def defaults_of(missing: Any, outputs: int) -> Sequence[Any]:
    """What to write to each output field when nothing is found. Raises ValueError for a list of another length."""
    if not isinstance(missing, list | tuple):
        return [missing] * outputs
    if len(missing) != outputs:
        raise ValueError(f"missing is a list of {len(missing)} for {outputs} output fields; one value for all, or one for each, is needed")
    return missing


def missing_problems(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A constant ``missing`` of another length than ``output_fields``."""
    outputs, missing = known.get("output_fields"), known.get("missing")
    if outputs and isinstance(missing, list | tuple) and len(missing) != len(outputs):
        yield f"missing is a list of {len(missing)} for {len(outputs)} output fields", "missing"
