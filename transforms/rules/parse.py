"""Rule text → tree. Python's own grammar, a small safe subset of it, and never anything that runs.

What the subset does not have (operators for arithmetic, attributes, subscripts, comprehensions, assignments, …) is refused with the
words the log service uses. All problems of a text are collected; text that is no Python at all has one.
"""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_left
from itertools import accumulate
from typing import Any

from transforms.core.errors import Location
from transforms.core.suggest import suggestion
from transforms.rules.constants import CONSTANTS, JOB_CONSTANTS, OPERATIONS
from transforms.rules.problems import SECURITY_CHECK, Problem, RuleInvalid
from transforms.rules.tree import Call, Constant, Dictionary, JobConstant, Listing, Node, Rule

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "MAX_NODES", "parse", "read_tree"]

MAX_CHARACTERS = 1_000_000
"""Longest rule."""
MAX_DEPTH = 60
"""Deepest nesting of calls and literals."""
MAX_NODES = 100_000
"""Most expressions in a rule."""
MOST_DIGITS = 4_000
"""Longest integer in a rule."""
MOST_BITS = 13_288
"""The same in binary digits."""

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("op_eq", "=="),
    ast.NotEq: ("op_ne", "!="),
    ast.Gt: ("op_gt", ">"),
    ast.GtE: ("op_ge", ">="),
    ast.Lt: ("op_lt", "<"),
    ast.LtE: ("op_le", "<="),
}
_INSTEAD = {
    ast.Add: "op_sum(a, b) for numbers, op_add(a, b) for text",
    ast.Sub: "op_sub(a, b)",
    ast.Mult: "op_mul(a, b)",
    ast.Div: "op_div_true(a, b)",
    ast.FloorDiv: "op_div_floor(a, b)",
    ast.Mod: "op_mod(a, b)",
    ast.Pow: "op_pow(a, b)",
}


def parse(text: str, source: str = "rule") -> Rule:
    """The tree of a rule. Raises RuleInvalid with all problems of the text."""
    rule, problems = read_tree(text, source)
    if problems:
        raise RuleInvalid(problems)
    return rule


def read_tree(text: str, source: str = "rule") -> tuple[Rule, list[Problem]]:
    """As `parse`, but gives the problems beside the steps that could be read, so that these can be checked as well."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    reader = _Reader(text, source)
    steps = reader.steps()
    return Rule(text, source, tuple(steps)), reader.problems


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.problems: list[Problem] = []
        self._lines = [0]
        self._nodes = 0
        self._in_chain = False
        self._ascii = text.isascii()
        self._starts: dict[int, list[int]] = {}
        for i, character in enumerate(text):
            if character == "\n":
                self._lines.append(i + 1)

    # ── steps ────────────────────────────────────────────────────────────

    def steps(self) -> list[Call]:
        module = self._module()
        if module is None:
            return []
        found: list[Call] = []
        for statement in module.body:
            step = self._step(statement)
            if step is not None:
                found.append(step)
        return found

    def _module(self) -> ast.Module | None:
        if len(self.text) > MAX_CHARACTERS:
            self._refuse_at(
                0, 0, f"the rule has {len(self.text):,} characters; {MAX_CHARACTERS:,} are the most", "split it into several jobs"
            )
            return None
        if "\0" in self.text:
            place = self.text.index("\0")
            self._refuse_at(place, place + 1, f"{SECURITY_CHECK}invalid syntax", "there is a NUL character here; take it out")
            return None
        try:
            with warnings.catch_warnings():
                # An unknown escape such as "\d" keeps its backslash and is no reason to warn.
                warnings.simplefilter("ignore")
                return ast.parse(self.text)
        except SyntaxError as error:
            self._syntax_error(error)
        except (RecursionError, MemoryError):
            self._refuse_at(0, len(self.text), "the rule is nested too deeply", f"at most {MAX_DEPTH} levels are read")
        except ValueError as error:  # half of a surrogate pair
            self._refuse_at(0, 0, f"{SECURITY_CHECK}invalid syntax ({error})", "take the character out")
        return None

    def _syntax_error(self, error: SyntaxError) -> None:
        start = len(self.text.rstrip())
        if error.lineno is not None and error.lineno <= len(self._lines):
            begin = self._lines[error.lineno - 1]
            start = min(begin + max(0, (error.offset or 1) - 1), len(self.text))
            if isinstance(error, IndentationError):
                line = self.text[begin:].split("\n", 1)[0]
                start = begin + len(line) - len(line.lstrip())
        said = (error.msg or "").removeprefix("invalid syntax").strip(" .:")
        at_end = "was never closed" in said or "unterminated" in said or "EOF" in said
        reason = "unexpected EOF while parsing" if at_end else "invalid syntax"
        hint = f"Python's grammar says: {said}" if said else None
        self._refuse_at(start, start + 1, f"{SECURITY_CHECK}{reason}", hint)

    def _step(self, statement: ast.stmt) -> Call | None:
        if isinstance(statement, ast.Expr):
            value = statement.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and self._is_triple_quoted(value):
                return None  # a text between triple quotes is a comment
            if isinstance(value, ast.Name) and value.id in OPERATIONS:
                return self._operation(value)
            if isinstance(value, ast.Call):
                node = self._call(value, 1)
                return node if isinstance(node, Call) else None
            if isinstance(value, ast.Constant | ast.Name | ast.List | ast.Tuple | ast.Dict | ast.Compare | ast.BoolOp):
                hint = 'a step is a call such as e_set("field", "value"), or DROP or KEEP'
                self._refuse(statement, f"{SECURITY_CHECK}invalid type detected: <class '_ast.Expr'>", hint)
                return None
            self._refuse_type(value)
            return None
        if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            start, end = self._span(target)
            name = target.id if isinstance(target, ast.Name) else self.text[start:end][:60]
            hint = 'there are no variables; e_set("field", value) sets a field'
            self._refuse(statement, f"{SECURITY_CHECK}invalid assign detected: {name}", hint)
            return None
        self._refuse_type(statement)
        return None

    # ── expressions ──────────────────────────────────────────────────────

    def _expression(self, node: ast.expr, depth: int) -> Node:
        start, end = self._span(node)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            if self._nodes == MAX_NODES + 1:
                self._refuse(
                    node,
                    f"the rule has more than {MAX_NODES:,} expressions",
                    "split it, or load long tables with res_local or tab_parse_csv",
                )
            return Constant(start, end, None)
        if depth > MAX_DEPTH:
            self._refuse(node, f"the rule is nested more than {MAX_DEPTH} levels deep", "split the step into several")
            return Constant(start, end, None)
        if isinstance(node, ast.Constant):
            return self._constant(node, start, end)
        if isinstance(node, ast.Name):
            return self._name(node, start, end)
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.List | ast.Tuple):
            items = tuple(self._expression(item, depth + 1) for item in node.elts)
            return Listing(start, end, items, isinstance(node, ast.Tuple))
        if isinstance(node, ast.Dict):
            return self._dictionary(node, start, end, depth)
        if isinstance(node, ast.Compare):
            return self._comparison(node, start, end, depth)
        if isinstance(node, ast.BoolOp):
            values = tuple(self._expression(value, depth + 1) for value in node.values)
            name = "and" if isinstance(node.op, ast.And) else "or"
            return Call(start, end, f"op_{name}", values, (), name)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node, start, end, depth)
        self._refuse_type(node)
        return Constant(start, end, None)

    def _constant(self, node: ast.Constant, start: int, end: int) -> Node:
        if isinstance(node.value, complex) or node.value is Ellipsis:
            self._refuse(node, f"{SECURITY_CHECK}invalid type detected: <class '_ast.Constant'>", "numbers are integers or floats")
            return Constant(start, end, None)
        if isinstance(node.value, int) and node.value.bit_length() > MOST_BITS:
            self._refuse(node, f"the number has more than {MOST_DIGITS:,} digits", "longer numbers can only be text")
            return Constant(start, end, None)
        if isinstance(node.value, str) and not node.value.isascii() and not _is_whole(node.value):
            hint = r"\ud800 to \udfff are no characters; beyond \uffff a character is written with eight digits: \U0001f600"
            self._refuse(node, "the text has half of a character in it", hint)
            return Constant(start, end, None)
        return Constant(start, end, node.value)

    def _name(self, node: ast.Name, start: int, end: int) -> Node:
        if node.id in CONSTANTS:
            return Constant(start, end, CONSTANTS[node.id])
        if node.id in OPERATIONS:
            return self._operation(node)
        if node.id in JOB_CONSTANTS:
            return JobConstant(start, end, node.id)
        hint = suggestion(node.id, [*CONSTANTS, *JOB_CONSTANTS, *OPERATIONS, "True", "False", "None"])
        hint = hint if hint and hint.startswith("did") else f'text stands in quotes: "{node.id}"; a field\'s value is v("{node.id}")'
        self._refuse(node, f"{SECURITY_CHECK}invalid name detected: {node.id}", hint)
        return Constant(start, end, None)

    def _operation(self, node: ast.Name) -> Call:
        start, end = self._span(node)
        return Call(start, end, OPERATIONS[node.id], (), (), node.id)

    def _call(self, node: ast.Call, depth: int) -> Node:
        start, end = self._span(node)
        if not isinstance(node.func, ast.Name):
            self._refuse_type(node.func)
            return Constant(start, end, None)
        arguments: list[Node] = []
        unpacks = False
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                self._refuse(argument, f"{SECURITY_CHECK}invalid type detected: <class '_ast.Starred'>", "write the arguments out")
                unpacks = True
                continue
            arguments.append(self._expression(argument, depth + 1))
        keywords: list[tuple[str, Node]] = []
        for keyword in node.keywords:
            if keyword.arg is None:
                self._refuse(keyword.value, f"{SECURITY_CHECK}invalid type detected: <class '_ast.keyword'>", "write the arguments out")
                unpacks = True
                continue
            keywords.append((keyword.arg, self._expression(keyword.value, depth + 1)))
        if unpacks:
            return Constant(start, end, None)  # what was unpacked is not known, so no word on which arguments are missing
        return Call(start, end, node.func.id, tuple(arguments), tuple(keywords), node.func.id)

    def _dictionary(self, node: ast.Dict, start: int, end: int, depth: int) -> Node:
        items: list[tuple[Node, Node]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self._refuse(value, f"{SECURITY_CHECK}invalid type detected: <class '_ast.Dict'>", "write the pairs out")
                continue
            key_node = self._expression(key, depth + 1)
            if not _can_be_key(key_node):
                self._refuse(key, "a list or a dictionary cannot be a key", "keys are text or numbers")
                key_node = Constant(key_node.start, key_node.end, None)
            items.append((key_node, self._expression(value, depth + 1)))
        return Dictionary(start, end, tuple(items))

    def _comparison(self, node: ast.Compare, start: int, end: int, depth: int) -> Node:
        chained = len(node.ops) > 1
        if chained and self._in_chain:
            # The values in between are evaluated twice, and inside each other that would double and double.
            self._refuse(node, "a chain of comparisons cannot stand inside another one", "write it out: a < b and b < c")
            return Constant(start, end, None)
        outer, self._in_chain = self._in_chain, self._in_chain or chained
        try:
            return self._compared(node, start, end, depth)
        finally:
            self._in_chain = outer

    def _compared(self, node: ast.Compare, start: int, end: int, depth: int) -> Node:
        parts: list[Node] = []
        left = self._expression(node.left, depth + 1)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if type(operator) not in _COMPARISONS:
                hint = (
                    "op_in(container, element) tests for being in it; == compares"
                    if isinstance(operator, ast.In | ast.NotIn)
                    else "use == or !="
                )
                self._refuse(node, f"{SECURITY_CHECK}invalid type detected: <class '_ast.{type(operator).__name__}'>", hint)
                return Constant(start, end, None)
            name, written = _COMPARISONS[type(operator)]
            value = self._expression(right, depth + 1)
            parts.append(Call(left.start, value.end, name, (left, value), (), written))
            left = value
        if len(parts) == 1:
            return parts[0]
        return Call(start, end, "op_and", tuple(parts), (), "and")

    def _unary(self, node: ast.UnaryOp, start: int, end: int, depth: int) -> Node:
        operand = node.operand
        if isinstance(node.op, ast.Not):
            return Call(start, end, "op_not", (self._expression(operand, depth + 1),), (), "not")
        number = operand.value if isinstance(operand, ast.Constant) else None
        if isinstance(node.op, ast.USub | ast.UAdd) and isinstance(number, int | float) and not isinstance(number, bool):
            self._expression(operand, depth)
            return Constant(start, end, -number if isinstance(node.op, ast.USub) else number)
        self._refuse_type(node)
        return Constant(start, end, None)

    # ── places and refusals ──────────────────────────────────────────────

    def _span(self, node: Any) -> tuple[int, int]:
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, byte_column: int) -> int:
        begin = self._lines[line - 1]
        if self._ascii:
            return begin + byte_column
        starts = self._starts.get(line)
        if starts is None:
            text = self.text[begin : self._lines[line] if line < len(self._lines) else len(self.text)]
            # Where in the line's UTF-8 each character begins, beside its number.
            starts = list(accumulate((len(character.encode("utf-8", "surrogatepass")) for character in text), initial=0))
            self._starts[line] = starts
        return begin + bisect_left(starts, byte_column)

    def _is_triple_quoted(self, node: ast.Constant) -> bool:
        start, _ = self._span(node)
        return self.text[start : start + 5].lstrip("rRuU").startswith(('"""', "'''"))

    def _refuse_type(self, node: ast.AST) -> None:
        hint = "a rule is a list of calls; see `logsluice functions`"
        if isinstance(node, ast.BinOp):
            hint = f"there are no such operators; use {_INSTEAD.get(type(node.op), 'a function')}"
        elif isinstance(node, ast.Attribute | ast.Subscript):
            hint = "op_index(list, 0), dct_get(dict, key) and json_select(text, path) reach into values"
        elif isinstance(node, ast.IfExp):
            hint = "op_if(condition, a, b) chooses between values"
        elif isinstance(node, ast.JoinedStr):
            hint = 'str_format("{}", value) builds text'
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            hint = "op_neg(a) turns the sign round"
        elif isinstance(node, ast.Set):
            hint = "there are no sets; a list stands in brackets: [1, 2]"
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.For | ast.While):
            hint = "there are no loops; e_split makes an event of each element of a list"
        elif isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef | ast.Import | ast.ImportFrom):
            hint = "rules cannot define or import anything; `logsluice functions` lists what there is"
        elif isinstance(node, ast.If):
            hint = "e_if(condition, operation) and e_if_else(condition, a, b) choose between operations"
        self._refuse(node, f"{SECURITY_CHECK}invalid type detected: <class '_ast.{type(node).__name__}'>", hint)

    def _refuse(self, node: Any, message: str, hint: str | None = None) -> None:
        start, end = self._span(node)
        self._refuse_at(start, end, message, hint)

    def _refuse_at(self, start: int, end: int, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(message, Location(self.text, start, end, self.source), hint))


def _is_whole(text: str) -> bool:
    """Whether UTF-8 can hold a text: there is no half of a surrogate pair in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _can_be_key(node: Node) -> bool:
    if isinstance(node, Listing):
        return node.is_tuple and all(map(_can_be_key, node.items))
    return not isinstance(node, Dictionary)
