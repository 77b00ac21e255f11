"""Choosing and comparing."""

from __future__ import annotations

from sqlglot import exp

from transforms.sql.functions.model import Builder, Call, Function, fill, scalar

__all__ = ["FUNCTIONS"]


def _extreme(name: str) -> Builder:
    """The engine's own skips NULLs; here any NULL makes NULL."""

    def build(call: Call) -> exp.Expr:
        args = [arg.sql for arg in call.args]
        call_tree = exp.Anonymous(this=name, expressions=[arg.copy() for arg in args])
        if all(isinstance(arg, (exp.Literal,)) for arg in args):
            return call_tree
        nulls: exp.Expr = exp.Is(this=exp.Paren(this=args[0].copy()), expression=exp.Null())
        for arg in args[1:]:
            nulls = exp.Or(this=nulls, expression=exp.Is(this=exp.Paren(this=arg.copy()), expression=exp.Null()))
        return fill("CASE WHEN NOT (_1) THEN _2 END", [nulls, call_tree])

    return build


FUNCTIONS: tuple[Function, ...] = (
    scalar("coalesce(T...) -> T", lambda call: exp.Anonymous(this="coalesce", expressions=[arg.sql for arg in call.args])),
    scalar("nullif(T, T) -> T", "nullif(_1, _2)"),
    scalar("greatest(T...) -> T", _extreme("greatest")),
    scalar("least(T...) -> T", _extreme("least")),
)
