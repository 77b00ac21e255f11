"""Tree → calls bound to functions: everything about a rule that can be said before an event is seen.

Each call's arguments are laid to the function's parameters; constants are converted, so that a regular expression, a query, a mode or
a zone that is wrong is found now. All problems are collected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transforms.core.errors import Location, NotFound
from transforms.core.suggest import suggestion
from transforms.rules.constants import OPERATIONS
from transforms.rules.function import REQUIRED, Function, Parameter
from transforms.rules.library import function_named, function_names
from transforms.rules.parse import read_tree
from transforms.rules.problems import SECURITY_CHECK, Problem, RuleInvalid
from transforms.rules.query import QueryInvalid
from transforms.rules.tree import Call, Constant, Dictionary, JobConstant, Listing, Node, Rule

__all__ = ["Bound", "BoundCall", "BoundRule", "Converted", "Plain", "TargetName", "bind", "problems_of", "unknown_targets"]


@dataclass(frozen=True)
class Plain:
    """A literal, a listing, a dictionary or a job constant, with what is inside bound."""

    node: Node
    items: tuple[Bound, ...] = ()


@dataclass(frozen=True)
class Converted:
    """An argument known now, as the function will get it (a default, or a constant converted by its parameter's kind)."""

    value: Any
    raw: Any = None


@dataclass(frozen=True)
class BoundCall:
    """A call: parameter name → argument; a variadic parameter has a tuple of arguments."""

    node: Call
    function: Function
    arguments: Mapping[str, Bound | tuple[Bound, ...]]


Bound = Plain | Converted | BoundCall


@dataclass(frozen=True)
class TargetName:
    """A target that a rule names as a constant, and where."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class BoundRule:
    """A rule that can be run: its steps, and the target names that it gives as constants."""

    rule: Rule
    steps: tuple[BoundCall, ...]
    targets: tuple[TargetName, ...] = field(default=())


def bind(text: str, source: str = "rule") -> BoundRule:
    """Parse and bind a rule. Raises RuleInvalid with every problem of the text, in its order."""
    bound, problems = _bound(text, source)
    if problems:
        raise RuleInvalid(_in_order(problems))
    return bound


def problems_of(text: str, source: str = "rule", targets: Collection[str] | None = None) -> tuple[Problem, ...]:
    """What is wrong with a rule; empty when it can be loaded. Constant target names are checked when ``targets`` are given."""
    bound, problems = _bound(text, source)
    unknown = () if targets is None else unknown_targets(bound, targets)
    return tuple(_in_order([*problems, *unknown]))


def _bound(text: str, source: str) -> tuple[BoundRule, list[Problem]]:
    """What could be bound of a rule, and all its problems."""
    rule, problems = read_tree(text, source)
    binder = _Binder(rule, problems)
    steps = [binder.step(call) for call in rule.steps]
    return BoundRule(rule, tuple(step for step in steps if step is not None), tuple(binder.targets)), binder.problems


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: problem.location.start)


def unknown_targets(bound: BoundRule, names: Collection[str]) -> tuple[Problem, ...]:
    """The target names that a rule gives as constants and that are not among ``names``, as problems."""
    return tuple(
        Problem(
            f"no target {target.name!r} is configured",
            Location(bound.rule.text, target.start, target.end, bound.rule.source),
            suggestion(target.name, names, "target") or "name the target in the job's targets",
        )
        for target in bound.targets
        if target.name not in names
    )


class _Binder:
    def __init__(self, rule: Rule, problems: list[Problem]) -> None:
        self.rule = rule
        self.problems = problems
        self.targets: list[TargetName] = []

    def step(self, call: Call) -> BoundCall | None:
        function = self._function(call)
        if function is None:
            return None
        if not function.is_step:
            hint = f'{call.written} gives a value, which a step can use: e_set("field", {call.written}(…))'
            self._problem(call, f"{SECURITY_CHECK}invalid type detected: <class '_ast.Expr'>", hint)
            return None
        return self._call(call, function)

    def _function(self, call: Call) -> Function | None:
        try:
            return function_named(call.name)
        except NotFound:
            hint = _instead(call.name)
            place = (call.start, call.start + len(call.name))
            self.problems.append(
                Problem(f"{SECURITY_CHECK}invalid call in detected: {call.name}", Location(self.rule.text, *place, self.rule.source), hint)
            )
            for node in (*call.arguments, *(value for _, value in call.keywords)):
                self._expression(node)
            return None

    def _call(self, call: Call, function: Function) -> BoundCall | None:
        laid = self._laid(call, function)
        arguments: dict[str, Bound | tuple[Bound, ...]] = {}
        for parameter in function.parameters:
            nodes = laid.get(parameter.name)
            if parameter.variadic:
                given = nodes if isinstance(nodes, tuple) else ()
                arguments[parameter.name] = tuple(self._argument(node, parameter, function, place) for place, node in enumerate(given))
            elif nodes is None:
                arguments[parameter.name] = self._default(parameter)
            else:
                assert isinstance(nodes, Node)
                arguments[parameter.name] = self._argument(nodes, parameter, function)
        if function.check is not None:
            for message, name in function.check(_constants(arguments)):
                self._problem(
                    laid.get(name) if isinstance(laid.get(name), Node) else call, message, f"`logsluice functions {function.name}`"
                )
        if function.name in ("e_output", "e_coutput"):
            self._target(call, arguments)
        return BoundCall(call, function, arguments)

    def _default(self, parameter: Parameter) -> Converted:
        value = None if parameter.default is REQUIRED else parameter.default
        if isinstance(value, str) and not parameter.kind.lazy:
            return Converted(parameter.kind.convert(value), value)
        return Converted(value, value)

    def _laid(self, call: Call, function: Function) -> dict[str, Node | tuple[Node, ...]]:
        """Parameter name → the node(s) given for it; reports arguments that are missing, surplus, unknown or given twice."""
        parameters = function.parameters
        by_name = {parameter.name: parameter for parameter in parameters}
        laid: dict[str, Node | tuple[Node, ...]] = {}
        rest = list(call.arguments)
        for parameter in parameters:
            if parameter.variadic:
                laid[parameter.name] = tuple(rest)
                if function.pairs and len(rest) % 2:
                    self._problem(call, f"{call.written}() takes pairs: an odd number of arguments was given", self._usage(function))
                rest = []
            elif rest and not parameter.keyword_only:
                laid[parameter.name] = rest.pop(0)
        if rest:
            most = sum(not parameter.keyword_only for parameter in parameters)
            given = len(call.arguments)
            message = f"{call.written}() takes {most} positional argument{'s' * (most != 1)} but {given} were given"
            self._problem(rest[0], message, self._usage(function))
        known_problems = len(self.problems)
        for name, node in call.keywords:
            known = function.aliases.get(name, name)
            found = by_name.get(known)
            if found is None or found.variadic:
                hint = suggestion(name, [one.name for one in parameters if not one.variadic], "parameter")
                hint = hint if hint and "mean" in hint else self._usage(function)
                self._problem(node, f"{call.written}() got an unexpected keyword argument '{name}'", hint)
                self._expression(node)
            elif found.positional_only:
                message = f"{call.written}() takes '{name}' by position only"
                self._problem(node, message, self._usage(function))
            elif known in laid:
                self._problem(node, f"{call.written}() got multiple values for argument '{name}'", self._usage(function))
            else:
                laid[known] = node
        if len(self.problems) != known_problems:
            return laid  # what is missing is most likely there under the wrong name
        missing = [one.name for one in parameters if one.default is REQUIRED and not one.variadic and one.name not in laid]
        if missing:
            names = " and ".join(f"'{name}'" for name in missing)
            message = f"{call.written}() missing {len(missing)} required positional argument{'s' * (len(missing) > 1)}: {names}"
            self._problem(call, message, self._usage(function))
        needed = [one for one in parameters if one.variadic and one.description.startswith("One or more")]
        if needed and not laid.get(needed[0].name):
            self._problem(call, f"{call.written}() needs at least one argument", self._usage(function))
        return laid

    def _argument(self, node: Node, parameter: Parameter, function: Function, place: int = 0) -> Bound:
        if parameter.kind.lazy == "operation" or (parameter.kind.lazy == "turns" and place % 2):
            return self._operation(node)
        bound = self._expression(node)
        if parameter.kind.lazy:
            return bound
        constant, value = _literal(bound)
        if not constant:
            return bound
        if value is None and parameter.default is None:
            return Converted(None, None)
        try:
            return Converted(parameter.kind.convert(value), value)
        except (ValueError, TypeError) as error:
            what, kind = str(error), parameter.kind.name
            message = (
                f"{function.name}: {what}" if what.startswith(f"{parameter.name} is ") else f"{function.name}: {parameter.name}: {what}"
            )
            hint = self._usage(function) if kind.endswith(parameter.name) else f"{parameter.name} takes {kind}"
            self._problem(self._inside(node, value, error), message, hint)
            return Converted(None, value)

    def _inside(self, node: Node, value: Any, error: Exception) -> Node:
        """Where in a text the fault lies, if the error says so and the rule spells the text as it reads."""
        written = self.rule.text[node.start : node.end]
        if not isinstance(error, QueryInvalid) or not isinstance(value, str) or not value or written.count(value) != 1:
            return node
        start = node.start + written.index(value)
        return Node(start + error.start, start + error.end)

    def _operation(self, node: Node) -> Bound:
        hint = "conditions and operations take turns"
        if isinstance(node, Call):
            function = self._function(node)
            if function is None:
                return Plain(node)
            if function.is_step:
                return self._call(node, function) or Plain(node)
            if node.written == node.name:
                hint = f'{node.written} gives a value, which a step can use: e_set("field", {node.written}(…))'
        self._problem(node, "an operation is needed here: a step such as e_set(…), or DROP or KEEP", hint)
        return Plain(node)

    def _expression(self, node: Node) -> Bound:
        if isinstance(node, Call):
            function = self._function(node)
            if function is None:
                return Plain(node)
            if function.is_step:
                message = f"{SECURITY_CHECK}invalid call in detected: {node.written}"
                hint = f"{node.written} is a step and gives no value; it stands on a line of its own or inside e_if, e_if_else, e_switch, e_compose"
                self._problem(node, message, hint)
                return Plain(node)
            return self._call(node, function) or Plain(node)
        if isinstance(node, Listing):
            return Plain(node, tuple(self._expression(item) for item in node.items))
        if isinstance(node, Dictionary):
            return Plain(node, tuple(self._expression(part) for item in node.items for part in item))
        return Plain(node)

    def _target(self, call: Call, arguments: Mapping[str, Bound | tuple[Bound, ...]]) -> None:
        name, project, logstore = (arguments.get(key) for key in ("name", "project", "logstore"))
        fixed = [part.value if isinstance(part, Converted) else part for part in (name, project, logstore)]
        if isinstance(fixed[0], str) and fixed[1] is None and fixed[2] is None:
            self.targets.append(TargetName(fixed[0], call.start, call.end))

    def _usage(self, function: Function) -> str:
        return f"usage: {function.usage}"

    def _problem(self, node: Node | tuple[Node, ...] | None, message: str, hint: str | None) -> None:
        assert isinstance(node, Node)
        self.problems.append(Problem(message, Location(self.rule.text, node.start, node.end, self.rule.source), hint))


_PYTHON = {
    "abs": "op_abs", "bool": "ct_bool", "chr": "ct_chr", "dict": "dct_make", "float": "ct_float", "hex": "ct_hex", "int": "ct_int", "len": "op_len",
    "list": "lst_make", "max": "op_max", "min": "op_min", "ord": "ct_ord", "pow": "op_pow", "reversed": "lst_reverse", "round": "op_round",
    "sorted": "lst_sort", "str": "ct_str", "sum": "op_sum",
}  # fmt: skip
"""Functions of Python that people try, and what rules have instead."""


def _instead(name: str) -> str:
    """What to say to somebody who calls a function that there is not."""
    if name in OPERATIONS:
        return f"{name} stands alone, without parentheses"
    if name in _PYTHON:
        return f"{_PYTHON[name]}(…) does that"
    hint = suggestion(name, function_names(), "function")
    return hint if hint and "mean" in hint else "`logsluice functions --search WORD` finds functions"


def _literal(bound: Bound) -> tuple[bool, Any]:
    """Whether an expression is made of literals alone, and its value then."""
    if isinstance(bound, Converted):
        return True, bound.value
    if not isinstance(bound, Plain):
        return False, None
    node = bound.node
    if isinstance(node, Constant):
        return True, node.value
    if isinstance(node, JobConstant | Call):
        return False, None
    parts = [_literal(item) for item in bound.items]
    if not all(constant for constant, _ in parts):
        return False, None
    values: Sequence[Any] = [value for _, value in parts]
    if isinstance(node, Listing):
        return True, tuple(values) if node.is_tuple else list(values)
    return True, dict(zip(values[::2], values[1::2], strict=True))


def _constants(arguments: Mapping[str, Bound | tuple[Bound, ...]]) -> dict[str, Any]:
    """The arguments that are known now; the others are left out. Variadic ones: a list with None for what is not known."""
    known: dict[str, Any] = {}
    for name, argument in arguments.items():
        if isinstance(argument, Converted):
            known[name] = argument.value
        elif isinstance(argument, tuple):
            known[name] = [part.value if isinstance(part, Converted) else None for part in argument]
    return known
