"""tab_parse_csv"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Flag, Names, Text
from transforms.rules.table import Table


@expression(
    "tables",
    parameters={
        "data": "The CSV text.",
        "sep": "The character between cells.",
        "quote": "The character around cells that hold the separator or line ends; doubled, it stands for itself.",
        "lstrip": "Whether blanks at the beginning of cells are left out.",
        "headers": "The columns' names; without them the first line has them.",
        "case_insensitive": "Whether letters' case is ignored when rows and columns are looked up.",
        "primary_keys": "One or several columns that tell rows apart: of rows with the same key the last one is kept.",
    },
    examples=[
        Example('tab_to_dict(tab_parse_csv("city,pop\\nsh,2000\\nnj,800"), "city", "pop")', {}, {"sh": "2000", "nj": "800"}),
        Example(
            'tab_to_dict(tab_parse_csv("|a;1|; 5\\nb", sep=";", quote="|", headers=["k", "n"]), "k", "n")',
            {},
            {"a;1": "5", "b": ""},
            title="Other characters, names of one's own, a cell that is missing",
        ),
        Example(
            'tab_to_dict(tab_parse_csv("k,n\\na,1\\n\\na,2", primary_keys="k"), "k", "n")',
            {},
            {"a": "2"},
            title="The last row of each key",
        ),
        Example('tab_to_dict(tab_parse_csv("k,n\\na,1", primary_keys="id"), "k", "n")', {}, error="primary key id doesn't exist"),
        Example('tab_to_dict(tab_parse_csv(""), "k", "n")', {}, error="names of columns"),
    ],
)
def tab_parse_csv(
    data: Text,
    sep: Text = ",",
    quote: Text = '"',
    lstrip: Flag = True,
    headers: Names | None = None,
    case_insensitive: Flag = True,
    primary_keys: Names | None = None,
) -> Table:
    """Makes a table of CSV text.

    All cells are text. Blank lines are skipped; cells that a line lacks are empty, those that it has too many are dropped. A column
    without a name is left out, and of two with the same name the last is taken. A table made of the same text is made once.
    """
    from transforms.rules.csv_table import read_csv

    columns = read_csv(data, separator=sep, quote=quote, strip_left=lstrip, headers=headers)
    return Table(columns, case_insensitive=case_insensitive, primary_keys=primary_keys or ())
