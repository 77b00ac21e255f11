"""xml_to_json"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.documents._xml import xml_value
from transforms.rules.kinds import AnyValue
from transforms.rules.values import as_text


@expression(
    "documents",
    parameters={"source": "The text of an XML document."},
    examples=[
        Example(
            'xml_to_json(v("x"))',
            {"x": '<?xml version="1.0"?><data><c name="L"><rank>1</rank><n to="A"/><n to="S"/></c></data>'},
            {"data": {"c": {"@name": "L", "rank": "1", "n": [{"@to": "A"}, {"@to": "S"}]}}},
        ),
        Example('xml_to_json("<a> <b/>text <!-- no --><b>1</b></a>")', {}, {"a": {"b": [None, "1"], "#text": "text"}}),
        Example('xml_to_json(v("x"))', {"x": "<a><b></a>"}, error="not XML: mismatched tag: line 1, column 8"),
        Example('xml_to_json(v("x"))', {"x": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}, error="declarations of entities are refused"),
        Example('xml_to_json(v("missing"))', {}, error="None is not text"),
    ],
)
def xml_to_json(source: AnyValue) -> dict[str, Any]:
    """Turns an XML document into a dictionary.

    An element becomes a key, repeated elements a list, an attribute a key with ``@`` before its name. An element's text is its value, or
    stands under ``#text`` if there are attributes or further elements; an empty element is None. All values are text. Comments and
    declarations are left out, prefixes of names are kept, blanks around texts are not. Documents that declare entities are refused, and so
    are more than 200 elements within each other.
    """
    return xml_value(source if isinstance(source, bytes) else as_text(source))
