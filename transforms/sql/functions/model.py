"""How a function is declared: a signature, and either a piece of engine SQL or a builder.

In a piece of engine SQL ``_1``, ``_2``, … stand for the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlglot import exp

from transforms.sql.dialect import fragment
from transforms.sql.translate_context import NOT_CONSTANT, Context, Span, Typed, boxed
from transforms.sql.types_model import Type
from transforms.sql.types_signature import Signature, parse_signature

if TYPE_CHECKING:
    from transforms.core.errors import SqlError

__all__ = ["Builder", "Call", "Check", "Function", "aggregate", "applied", "fill", "scalar", "window"]

Kind = Literal["scalar", "aggregate", "window"]
_ENCLOSING = (exp.Anonymous, exp.Cast, exp.Paren, exp.Alias, exp.Func, exp.Distinct, exp.Select, exp.Array)


@dataclass
class Call:
    """One call, its arguments translated and brought to the parameters' types."""

    name: str
    args: list[Typed]
    result: Type
    span: Span | None
    context: Context

    def constant(self, place: int, what: str) -> Any:
        """The value of an argument that must be a literal."""
        value = self.args[place].constant
        if value is NOT_CONSTANT:
            raise self.error(place, f"{what} of {self.name} must be a constant", "write a literal here")
        return value

    def error(self, place: int | None, message: str, hint: str | None = None) -> SqlError:
        """An error located at an argument, or at the whole call."""
        span = self.args[place].span if place is not None and place < len(self.args) else None
        return self.context.error(span or self.span, message, "InvalidFunctionArgument", hint)

    def sql(self, template: str, *args: exp.Expr) -> exp.Expr:
        """A piece of engine SQL over ``args``, or over the call's own arguments."""
        return fill(template, args or [arg.sql for arg in self.args])

    def fresh(self) -> str:
        """A variable name that no other lambda of the statement has."""
        self.context.variables += 1
        return f"v{self.context.variables}"


Builder = Callable[[Call], exp.Expr]
Check = Callable[[Call], None]


@dataclass(frozen=True)
class Function:
    """One signature of a function.

    Attributes:
        signature: e.g. ``lpad(varchar, bigint, varchar) -> varchar``.
        sql: engine SQL over ``_1``…, or a builder.
        kind: scalar, aggregate or (only with OVER) window.
        check: looks at constant arguments; raises.
        uses: prelude functions that ``sql`` calls.
        partials: of an aggregate that can be merged, what each part computes; ``merge`` puts the parts' columns ``_1``… together.
        aliases: other names.
    """

    signature: Signature
    sql: str | Builder
    kind: Kind = "scalar"
    check: Check | None = None
    uses: tuple[str, ...] = ()
    partials: tuple[str, ...] = ()
    merge: str = ""
    aliases: tuple[str, ...] = field(default=())

    def build(self, call: Call) -> exp.Expr:
        """The engine's expression."""
        if self.check is not None:
            self.check(call)
        call.context.uses.update(self.uses)
        if callable(self.sql):
            return self.sql(call)
        return call.sql(self.sql) if call.args else fragment(self.sql)


def scalar(signature: str, sql: str | Builder, *aliases: str, check: Check | None = None, uses: tuple[str, ...] = ()) -> Function:
    """A function of one row."""
    return Function(parse_signature(signature), sql, "scalar", check, uses, aliases=aliases)


def aggregate(
    signature: str, sql: str | Builder, *aliases: str, partials: tuple[str, ...] = (), merge: str = "",
    check: Check | None = None, uses: tuple[str, ...] = (),
) -> Function:  # fmt: skip
    """A function of many rows."""
    return Function(parse_signature(signature), sql, "aggregate", check, uses, partials, merge, aliases)


def window(signature: str, sql: str) -> Function:
    """A function that needs OVER."""
    return Function(parse_signature(signature), sql, "window")


def fill(template: str, args: Sequence[exp.Expr]) -> exp.Expr:
    """``template`` with its ``_1``, ``_2``, … replaced."""
    tree = fragment(template)
    places = [node for node in tree.find_all(exp.Column) if _place(node) is not None]
    for node in places:
        place = _place(node)
        assert place is not None
        value = args[place].copy()
        if node is tree:
            return value
        node.replace(value if isinstance(node.parent, _ENCLOSING) else boxed(value))
    return tree


def applied(function: exp.Expr, *args: exp.Expr) -> exp.Expr:
    """The body of a lambda with ``args`` in place of its variables."""
    names = [each.name for each in function.expressions]
    holder = exp.Paren(this=function.this.copy())
    for node in list(holder.find_all(exp.Column)):
        if not node.table and node.name in names:
            node.replace(boxed(args[names.index(node.name)].copy()))
    return holder


def _place(node: exp.Column) -> int | None:
    name = node.name
    return int(name[1:]) - 1 if name[:1] == "_" and name[1:].isdigit() and not node.table else None
