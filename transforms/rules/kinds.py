"""What a parameter takes: how an argument is converted before the function sees it, and what is checked when the rule is loaded.

A function annotates its parameters with the types at the end of this module (``value: Text``, ``width: Integer``, …). Constant
arguments are converted once, when the rule is loaded; a conversion that fails there is a problem of the rule, with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from transforms.core.suggest import suggestion
from transforms.rules.jmes import JmesPath
from transforms.rules.pattern import Pattern
from transforms.rules.query import Query
from transforms.rules.table import Table
from transforms.rules.values import as_bytes, as_integer, as_list, as_mapping, as_number, as_text, kind_of, truth

__all__ = [
    "MODES",
    "AnyValue",
    "Bytes",
    "Choice",
    "Condition",
    "FieldName",
    "FieldNames",
    "Flag",
    "Integer",
    "Jmes",
    "Kind",
    "Lazy",
    "ListValue",
    "Mode",
    "Names",
    "Number",
    "ObjectValue",
    "Operation",
    "QueryString",
    "Regex",
    "TableValue",
    "Text",
    "Thunk",
    "Turns",
]


@dataclass(frozen=True)
class Kind:
    """A kind of argument.

    Attributes:
        name: what people read in the reference.
        convert: from any value to what the function gets; raises ValueError or TypeError with a sentence.
        is_text: the argument is text and absence is an error, so that columns of text may be handed over as they are.
        lazy: not evaluated before the function asks: ``value``, ``condition``, ``operation``, or ``turns`` (a condition, an operation, and
            so on); None: evaluated.
    """

    name: str
    convert: Callable[[Any], Any]
    is_text: bool = False
    lazy: str | None = None


class Thunk(Protocol):
    """An argument that is evaluated when it is asked for, for the event at hand."""

    def value(self) -> Any:
        """The value of an expression."""
        ...

    def test(self) -> bool:
        """Whether a condition holds."""
        ...

    def test_of(self, event: Any) -> bool:
        """Whether a condition holds for another event (operations of a step change events as they go)."""
        ...


def _same(value: Any) -> Any:
    return value


def _regex(value: Any) -> Pattern:
    return Pattern.of(as_text(value))


def _jmes(value: Any) -> JmesPath:
    return JmesPath.of(as_text(value))


def _query(value: Any) -> Query:
    return Query.of(as_text(value))


def _table(value: Any) -> Table:
    if isinstance(value, Table):
        return value
    raise TypeError(f"a table is needed, not {kind_of(value)}; tab_parse_csv makes one of CSV text, res_rds_mysql and others load one")


def _field_names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(as_text(item) for item in value)
    raise TypeError(f"a field name or a list of field names is needed, not {kind_of(value)}")


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(","))
    if isinstance(value, list | tuple):
        return tuple(as_text(item) for item in value)
    raise TypeError(f"a list of names, or names with commas between, is needed, not {kind_of(value)}")


MODES = ("fill", "fill-auto", "add", "add-auto", "overwrite", "overwrite-auto")
"""How a step writes a field that may be there already."""


def choice_of(name: str, choices: Sequence[str]) -> Kind:
    """A kind for one of some words, in any letter case."""

    def convert(value: Any) -> str:
        text = as_text(value)
        folded = {choice.casefold(): choice for choice in choices}
        if text.casefold() not in folded:
            hint = suggestion(text, choices, "value")
            raise ValueError(f"{name} is one of {', '.join(choices)}, not {text!r}" + (f"; {hint}" if hint and "mean" in hint else ""))
        return folded[text.casefold()]

    return Kind(name, convert, is_text=True)


def Choice(*choices: str) -> Kind:  # noqa: N802 - stands in annotations beside the types below
    """For annotations: ``unit: Annotated[str, Choice("day", "hour")]``."""
    return choice_of("value", choices)


AnyValue = Annotated[Any, Kind("any value", _same)]
Text = Annotated[str, Kind("text", as_text, is_text=True)]
Bytes = Annotated[bytes, Kind("bytes or text", as_bytes)]
Number = Annotated[int | float, Kind("a number or text that holds one", as_number)]
Integer = Annotated[int, Kind("an integer or text that holds one", as_integer)]
Flag = Annotated[bool, Kind("true or false", truth)]
ListValue = Annotated[Sequence[Any], Kind("a list, or JSON text of one", as_list)]
ObjectValue = Annotated[Mapping[Any, Any], Kind("a dictionary, or JSON text of one", as_mapping)]
Regex = Annotated[Pattern, Kind("a regular expression", _regex)]
Jmes = Annotated[JmesPath, Kind("a JMESPath expression", _jmes)]
QueryString = Annotated[Query, Kind("a query", _query)]
TableValue = Annotated[Table, Kind("a table", _table)]
FieldName = Annotated[str, Kind("a field name", as_text, is_text=True)]
FieldNames = Annotated[tuple[str, ...], Kind("a field name or a list of field names", _field_names)]
Names = Annotated[tuple[str, ...], Kind("a list of names, or names with commas between", _names)]
Mode = Annotated[str, choice_of("mode", MODES)]
Lazy = Annotated[Thunk, Kind("any value, evaluated only when it is needed", _same, lazy="value")]
Condition = Annotated[Thunk, Kind("a condition", truth, lazy="condition")]
Operation = Annotated[Any, Kind("a step, DROP or KEEP", _same, lazy="operation")]
Turns = Annotated[Any, Kind("a condition, then a step, and so on", _same, lazy="turns")]
