"""e_dict_map"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transforms.rules.derived import Derived
from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, step
from transforms.rules.functions.mapping._kinds import TextKeys
from transforms.rules.kinds import AnyValue, FieldName, FieldNames, Flag, Mode

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "mapping",
    parameters={
        "data": "A dictionary whose keys are texts; the key ``*`` stands for all other values.",
        "field": "The field whose value is looked up, or a list of fields.",
        "output_field": "The field that takes what is found.",
        "case_insensitive": "Whether a key in other letters' case will do when no key fits exactly.",
        "missing": "What to write when nothing is found; without it nothing is written.",
        "mode": "How a field is written that may be there already.",
    },
    examples=[
        Example(
            'e_dict_map({"400": "error", "200": "ok", "*": "other"}, "status", "message")',
            {"status": "200"},
            {"status": "200", "message": "ok"},
        ),
        Example(
            'e_dict_map({"400": "error", "*": "other"}, "status", "message")', {"status": "302"}, {"status": "302", "message": "other"}
        ),
        Example('e_dict_map({"TCP": 6}, "protocol", "number")', {"protocol": "tcp"}, {"protocol": "tcp", "number": "6"}),
        Example(
            'e_dict_map({"1": "a", "2": "b"}, ["f", "g"], "to")',
            {"f": "1", "g": "2"},
            {"f": "1", "g": "2", "to": "b"},
            title="Of several hits the last is left, in the mode overwrite",
        ),
        Example('e_dict_map({"1": "a"}, "f", "to", missing="none")', {"f": "3"}, {"f": "3", "to": "none"}),
        Example('e_dict_map(v("map"), "f", "to")', {"map": "[1]", "f": "3"}, error="a dictionary is needed"),
    ],
)
def e_dict_map(
    event: Event,
    data: TextKeys,
    field: FieldNames,
    output_field: FieldName,
    case_insensitive: Flag = True,
    missing: AnyValue = None,
    mode: Mode = "overwrite",
) -> None:
    """Looks values of fields up in a dictionary and writes what is found.

    A key that equals the value exactly comes first, then one that differs in letters' case only, then the key ``*``. Several fields are
    looked up in their order, and what each one finds is written by the mode. Only if none of them finds anything ``missing`` is written,
    also when the event has none of the fields.
    """
    hit = False
    for name in field:
        value = event.get(name)
        if value is None:
            continue
        key = _key(data, value, case_insensitive)
        if key is not None:
            hit = True
            event.write(output_field, data[key], mode)
    if not hit:
        event.write(output_field, missing, mode)


def _key(data: Mapping[str, Any], value: str, case_insensitive: bool) -> str | None:
    if value in data:
        return value
    if case_insensitive:
        wanted = value.casefold()
        for key in data:
            if key != "*" and key.casefold() == wanted:
                return key
    return "*" if "*" in data else None


class _Indexed:
    """A dictionary as columns."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        import polars as pl

        from transforms.rules.columns import stored
        from transforms.rules.lookup import KeyIndex, folded

        keys = pl.Series("", list(data), pl.String)
        self.values = stored(list(data.values()), len(data))
        self.star = list(data).index("*") if "*" in data else None
        self.exact = KeyIndex([keys])
        lower = folded(keys)
        self.folded = KeyIndex([lower], (keys != "*").arg_true())

    def find(self, values: pl.Series, case_insensitive: bool) -> pl.Series:
        """Row numbers of the keys that the values find."""
        import polars as pl

        from transforms.rules.lookup import folded

        rows = self.exact.find([values])
        if case_insensitive and rows.null_count():
            rows = rows.zip_with(rows.is_not_null(), self.folded.find([folded(values)]))
        if self.star is not None and rows.null_count():
            rows = rows.zip_with(rows.is_not_null() | values.is_null(), pl.Series("", [self.star], pl.UInt32))
        return rows


_INDEXED: Derived[_Indexed] = Derived(_Indexed)


@e_dict_map.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    import polars as pl

    from transforms.rules.cells import only_where
    from transforms.rules.columns import stored
    from transforms.rules.writes import write

    data = call.fixed("data")
    output, mode, case_insensitive = call.fixed("output_field"), call.fixed("mode"), call.fixed("case_insensitive")
    try:
        indexed = _INDEXED.of(data)
        missing = stored(call.column("missing"), frame.rows)
    except (TypeError, ValueError):
        raise Decline from None  # some value cannot be kept in a field: the scalar form says which
    hit = pl.Series("", [False], pl.Boolean).new_from_index(0, frame.rows)
    for name in call.fixed("field"):
        column = frame.column(name)
        if column is None or not data:
            continue
        rows = indexed.find(column, case_insensitive)
        hit = hit | rows.is_not_null()
        write(frame, output, indexed.values.gather(rows), mode, function="e_dict_map", start=call.start, end=call.end)
    write(frame, output, only_where(missing, ~hit), mode, function="e_dict_map", start=call.start, end=call.end)
    return frame
