"""tab_to_dict"""

from __future__ import annotations

from collections.abc import Sequence

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Names, TableValue, Text
from transforms.rules.table import Table


@expression(
    "tables",
    parameters={
        "table": "The table.",
        "key_field": "The column that gives the keys, or a list of columns.",
        "value_field": "The column that gives the values, or a list of columns.",
        "key_join": "What stands between the cells of several key columns.",
        "value_join": "What stands between the cells of several value columns.",
    },
    examples=[
        Example('tab_to_dict(tab_parse_csv("city,pop\\nsh,2000\\nnj,800"), "city", "pop")', {}, {"sh": "2000", "nj": "800"}),
        Example(
            'tab_to_dict(tab_parse_csv("a,b,c\\n1,2,3"), ["a", "b"], ["b", "c"], value_join="/")',
            {},
            {"1,2": "2/3"},
            title="Several columns",
        ),
        Example('tab_to_dict(tab_parse_csv("a,b\\n1,2\\n1,3"), "a", "b")', {}, {"1": "3"}, title="The last row of each key"),
        Example('tab_to_dict(tab_parse_csv("a,b\\n1,2"), "a", "c")', {}, error="value column c doesn't exist"),
    ],
)
def tab_to_dict(table: TableValue, key_field: Names, value_field: Names, key_join: Text = ",", value_join: Text = ",") -> dict[str, str]:
    """Makes a dictionary of a table's columns, one entry for each row.

    The cells of several columns are joined. Of rows with the same key the last one counts.
    """
    keys = _joined(table, key_field, key_join, "key column")
    values = _joined(table, value_field, value_join, "value column")
    return dict(zip(keys, values, strict=True))


def _joined(table: Table, names: Sequence[str], join: str, what: str) -> list[str]:
    columns: list[list[str]] = []
    for name in names:
        column = table.column(table.named(name, what))
        assert column is not None
        columns.append([cell or "" for cell in column.to_list()])
    return columns[0] if len(columns) == 1 else [join.join(row) for row in zip(*columns, strict=True)]
