"""What a function of the rule language is: its scalar form, its column form, its reference page, its examples.

One function, one file in ``transforms/rules/functions/FAMILY/NAME.py``::

    @expression("strings", parameters={"value": "The text."}, examples=[
        Example('str_lower(v("a"))', {"a": "ÄB"}, "äb"),
        Example('str_lower("")', {}, ""),
        Example('str_lower(v("missing"))', {}, error="None is not text"),
    ])
    def str_lower(value: Text) -> str:
        \"\"\"Turns all letters into small ones.

        Prose: what people need to know besides.
        \"\"\"
        return value.lower()

    @str_lower.columns
    def _columns(frame: Frame, call: Arguments) -> Column:
        return call.text("value").str.to_lowercase()

The Python signature *is* the function's signature: names, defaults, ``*values`` for any number, ``/`` for parameters that go by position
only; annotations (`transforms.rules.kinds`) say what an argument is converted to. A trailing underscore is dropped
(``from_`` → ``from``). Parameters of these names and types are handed in by the engine and are no arguments:
``event: Event`` (the event at hand), ``context: Context`` (resources, clock, job).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

from transforms.rules.kinds import AnyValue, FieldName, FieldNames, Kind, Mode

__all__ = ["Decline", "Example", "Function", "Parameter", "expression", "extraction", "step"]

ColumnForm = Callable[..., Any]
Check = Callable[[dict[str, Any]], Iterable[tuple[str, str]]]


class Decline(Exception):
    """Raised by a column form for arguments that it does not cover: the scalar form then does the work."""


@dataclass(frozen=True)
class Example:
    """A worked example, which is documentation and test at once.

    Attributes:
        rule: for an expression function an expression, for a step function a rule.
        log: the fields of the event.
        result: an expression's value; a step's events: one mapping, a list of them, None for "dropped", or a mapping of target → list
            when ``targets`` is set.
        error: text of the reason if the event fails, or of the problem if the rule is refused.
        title: what the example shows.
        resources: what ``res_*`` functions find, as the tests' stand-ins take it.
        targets: ``result`` maps targets to lists of events.
        run: False for results that differ from run to run (times, random values).
    """

    rule: str
    log: Mapping[str, str] = field(default_factory=dict)
    result: Any = None
    error: str | None = None
    title: str = ""
    resources: Mapping[str, Any] = field(default_factory=dict)
    targets: bool = False
    run: bool = True


@dataclass(frozen=True)
class Parameter:
    """One parameter. ``default`` is `REQUIRED` where there is none; ``variadic`` takes all further positional arguments."""

    name: str
    kind: Kind
    description: str
    default: Any
    variadic: bool = False
    positional_only: bool = False
    keyword_only: bool = False


REQUIRED = inspect.Parameter.empty


class Function:
    """A function of the rule language, as its file declares it.

    Attributes:
        name: what rules call it.
        role: ``expression``, ``step`` or ``extraction`` (a step whose scalar form gives the fields that one text holds).
        family: the reference's chapter, and the folder's name.
        pure: the same arguments always give the same value: it then runs once for each distinct tuple of arguments of a batch.
        pairs: the variadic parameter takes an even number of arguments.
        status: ``stable``; ``newer`` (later editions only); ``presumed`` (named by the log service, details of ours).
    """

    def __init__(
        self,
        implementation: Callable[..., Any],
        role: str,
        family: str,
        *,
        parameters: Mapping[str, str],
        examples: Sequence[Example],
        pure: bool,
        pairs: bool,
        status: str,
        aliases: Mapping[str, str],
        default_mode: str | None,
    ) -> None:
        self.implementation = implementation
        self.name = implementation.__name__
        self.role = role
        self.family = family
        self.examples = tuple(examples)
        self.pure = pure
        self.pairs = pairs
        self.status = status
        self.aliases = dict(aliases)
        self.column_form: ColumnForm | None = None
        self.check: Check | None = None
        self._descriptions = dict(parameters)
        self._default_mode = default_mode

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """The scalar form on values that are converted already."""
        return self.implementation(*arguments, **keywords)

    def __repr__(self) -> str:
        return f"<{self.role} function {self.name}>"

    @property
    def is_step(self) -> bool:
        """Whether it may stand as a step of a rule."""
        return self.role != "expression"

    @property
    def summary(self) -> str:
        """One sentence."""
        return (inspect.getdoc(self.implementation) or "").split("\n", 1)[0]

    @property
    def prose(self) -> str:
        """What the docstring says after the summary."""
        return (inspect.getdoc(self.implementation) or "").partition("\n")[2].strip()

    def columns(self, form: ColumnForm) -> ColumnForm:
        """Decorator: the column form; see `transforms.rules.columns`."""
        self.column_form = form
        return form

    def at_load(self, check: Check) -> Check:
        """Decorator: a check of the arguments that are constant, when a rule is loaded.

        It gets parameter name → converted value (a list for a variadic parameter, None in it for what is not known yet) of the arguments
        that are known, and yields (message, parameter name) for each problem.
        """
        self.check = check
        return check

    @property
    def usage(self) -> str:
        """The signature as the reference prints it: ``str_center(value, width, fillchar=' ')``."""
        parts: list[str] = []
        for parameter in self.parameters:
            if parameter.variadic:
                parts.append(f"{parameter.name}, …")
            elif parameter.default is REQUIRED:
                parts.append(parameter.name)
            else:
                parts.append(f"{parameter.name}={parameter.default!r}")
        return f"{self.name}({', '.join(parts)})"

    @cached_property
    def signature(self) -> inspect.Signature:
        """Python's signature of the scalar form."""
        return inspect.signature(self.implementation)

    @cached_property
    def injected(self) -> tuple[str, ...]:
        """Names of the parameters that the engine hands in."""
        special = ("event", "context", "field_name") if self.role == "extraction" else ("event", "context")
        return tuple(name for name in self.signature.parameters if name in special)

    @cached_property
    def lazy(self) -> bool:
        """Whether some argument is evaluated only when the function asks for it."""
        return any(parameter.kind.lazy for parameter in self.parameters)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters as rules see them, in order."""
        annotations = {name: text for name, text in self.implementation.__annotations__.items() if name not in (*self.injected, "return")}
        holder = SimpleNamespace(__annotations__=annotations)
        hints = get_type_hints(holder, self.implementation.__globals__, include_extras=True)
        found: list[Parameter] = []
        for name, parameter in self.signature.parameters.items():
            if name in self.injected:
                continue
            shown = name.rstrip("_")
            kind = _kind(hints.get(name, AnyValue))
            if self.role == "extraction" and name == "value":
                shown, kind = "field", _kind(FieldNames if "fields" in self._descriptions else FieldName)
                description = self._descriptions.get("fields") or self._descriptions.get("field", "")
                found.append(Parameter(shown, kind, description, REQUIRED))
                continue
            found.append(
                Parameter(
                    shown,
                    kind,
                    self._descriptions.get(shown, ""),
                    parameter.default,
                    variadic=parameter.kind is inspect.Parameter.VAR_POSITIONAL,
                    positional_only=parameter.kind is inspect.Parameter.POSITIONAL_ONLY,
                    keyword_only=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
                )
            )
        if self._default_mode is not None:
            found.append(Parameter("mode", _kind(Mode), "How a field is written that may be there already.", self._default_mode))
        return tuple(found)


def _kind(annotation: Any) -> Kind:
    for part in get_args(annotation):
        if isinstance(part, Kind):
            return part
        nested = [item for item in get_args(part) if isinstance(item, Kind)]  # Text | None
        if nested:
            return nested[0]
    return get_args(AnyValue)[1]  # type: ignore[no-any-return]


def expression(
    family: str,
    *,
    parameters: Mapping[str, str],
    examples: Sequence[Example],
    pure: bool = True,
    pairs: bool = False,
    status: str = "stable",
    aliases: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Function]:
    """Declares a function that gives a value. ``aliases``: other names of parameters that rules may use."""

    def declare(implementation: Callable[..., Any]) -> Function:
        return Function(
            implementation, "expression", family, parameters=parameters, examples=examples, pure=pure, pairs=pairs, status=status,
            aliases=aliases or {}, default_mode=None,
        )  # fmt: skip

    return declare


def step(
    family: str,
    *,
    parameters: Mapping[str, str],
    examples: Sequence[Example],
    pairs: bool = False,
    status: str = "stable",
    aliases: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Function]:
    """Declares a global function. Its scalar form gets ``event: Event`` first, changes it, and answers with the events that go on:
    None for "the event itself", a list of events otherwise (an empty one drops it)."""

    def declare(implementation: Callable[..., Any]) -> Function:
        return Function(
            implementation, "step", family, parameters=parameters, examples=examples, pure=False, pairs=pairs, status=status,
            aliases=aliases or {}, default_mode=None,
        )  # fmt: skip

    return declare


def extraction(
    family: str,
    *,
    parameters: Mapping[str, str],
    examples: Sequence[Example],
    mode: str,
    pure: bool = True,
    status: str = "stable",
    aliases: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Function]:
    """Declares a global function that takes fields out of the text of a field.

    Its scalar form gets the text as ``value`` where rules name the ``field`` (or several: describe a parameter ``fields`` then), beside
    ``field_name: str`` if it asks for that, and answers with (name, value) pairs in the order in which they are written, or with None
    where the text does not match (a warning; the event stays as it is). The engine skips absent fields and writes by ``mode``,
    whose default is given here; a parameter ``mode`` is added to the signature.
    """

    def declare(implementation: Callable[..., Any]) -> Function:
        return Function(
            implementation, "extraction", family, parameters=parameters, examples=examples, pure=pure, pairs=False, status=status,
            aliases=aliases or {}, default_mode=mode,
        )  # fmt: skip

    return declare
