"""The column form of ``e_regex``: groups of the first match by Rust's engine, where it finds what the scalar form finds."""

from __future__ import annotations

from typing import Any

import polars as pl

from transforms.rules.function import Decline
from transforms.rules.functions.extraction._names import is_field_name
from transforms.rules.pattern import Pattern
from transforms.rules.pattern_rust import sure_group
from transforms.rules.plain_text import plain

__all__ = ["groups_as_columns"]


def groups_as_columns(source: pl.Series, regex: Pattern, fields_info: Any, pack_json: str | None) -> Any:
    """Pairs of name and texts, mask of matches, mask of texts that are left to the scalar form."""
    rust = regex.rust()
    if rust is None or pack_json is not None or isinstance(fields_info, dict):
        raise Decline
    wanted = [(name, number) for name, number in regex.names.items()]
    if isinstance(fields_info, str):
        wanted.append((fields_info, 0))
    elif fields_info is not None:
        if not regex.groups and len(fields_info) > 1:
            raise Decline  # several matches
        first = 1 if regex.groups else 0
        wanted += [(name, first + place) for place, name in enumerate(fields_info[: regex.groups or 1]) if is_field_name(name)]
    plainly = plain(source)
    left = None
    if not plainly.all():
        left = ~plainly
        source = pl.select(pl.when(plainly).then(source)).to_series()
    try:
        if all(number == 0 for _, number in wanted):
            groups = [source.str.extract(rust, 0)]
        elif (sure := sure_group(regex.text)) is not None and all(number for _, number in wanted):
            groups = source.str.extract_groups(rust).struct.unnest().get_columns()
            groups.insert(0, groups[sure - 1])
        else:
            groups = source.str.extract_groups(f"({rust})").struct.unnest().get_columns()
    except pl.exceptions.ComputeError:  # Rust's engine needs more memory than it may have
        raise Decline from None
    pairs = [(name, groups[number]) for name, number in wanted]
    matched = groups[0].is_not_null()
    return (pairs, matched) if left is None else (pairs, matched, left)
