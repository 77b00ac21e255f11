"""What a database may do itself: conditions and join keys of ExternalStores that change no result when applied early.

A condition in WHERE that no NULL meets may be applied to its store before any join: rows it removes, and rows that an outer
join would make up in their place, fall to the WHERE in the end. A condition in ON may be applied only where the store is the
side that may go missing. Text is pushed for equality only, since a database's collation may order it differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from transforms.sql.translate_environment import Environment, Field, Relation
from transforms.stores.external_store import Condition, Operator

__all__ = ["Reading", "readings_of"]

_OPERATORS: dict[type[exp.Expr], Operator] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_FLIPPED: dict[Operator, Operator] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Reading:
    """One occurrence of an ExternalStore in a FROM."""

    store: str
    conditions: tuple[Condition, ...]
    join_keys: tuple[tuple[str, str], ...]


def readings_of(env: Environment, select: exp.Select) -> Iterator[Reading]:
    """The ExternalStores of one select with what may be pushed to each."""
    where = select.args.get("where")
    kept = list(conjuncts(where.this)) if where is not None else []
    joins = {join.this.alias_or_name.casefold(): join for join in select.args.get("joins") or ()}
    inner_only = not any((join.side or "").upper() for join in joins.values())
    for relation in env.relations:
        if relation.kind != "external" or relation.table is None:
            continue
        found = [
            condition for part in kept if (condition := _condition(part, relation, env)) and (inner_only or condition.operator != "is null")
        ]
        keys: list[tuple[str, str]] = []
        join = joins.get(relation.alias.casefold())
        if join is not None and (join.side or "").upper() in ("", "LEFT") and join.args.get("on") is not None:
            for part in conjuncts(join.args["on"]):
                condition = _condition(part, relation, env)
                if condition is not None:
                    found.append(condition)
                pair = _key_pair(part, relation, env)
                if pair is not None:
                    keys.append(pair)
        yield Reading(relation.table, tuple(dict.fromkeys(found)), tuple(keys))


def conjuncts(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a condition that must all hold."""
    tree = tree.unnest() if isinstance(tree, exp.Paren) else tree
    if isinstance(tree, exp.And):
        yield from conjuncts(tree.this)
        yield from conjuncts(tree.expression)
    else:
        yield tree


def _column_of(tree: exp.Expr, env: Environment) -> tuple[Relation, Field] | None:
    if isinstance(tree, exp.Paren):
        tree = tree.unnest()
    if isinstance(tree, exp.Cast) and isinstance(tree.this, exp.Column):
        bare: exp.Expr = tree.this
    else:
        bare = tree
    if not isinstance(bare, exp.Column) or bare.meta.get("level") != env.level:
        return None
    relation = env.relation(bare.meta["relation"])
    found = relation.find(bare.name) if relation is not None else None
    if relation is None or found is None or (bare is not tree and found.cast is None):
        return None
    return relation, found


def _value(tree: exp.Expr) -> object:
    """The value of a literal, None for anything else."""
    tree = tree.unnest() if isinstance(tree, exp.Paren) else tree
    if isinstance(tree, exp.Cast) and tree.to.is_type("bigint"):
        tree = tree.this
    negative = isinstance(tree, exp.Neg)
    if negative:
        tree = tree.this
    if not isinstance(tree, exp.Literal):
        return None
    if tree.is_string:
        return None if negative else str(tree.this)
    written = str(tree.this)
    if not written.isdigit():
        return None
    return -int(written) if negative else int(written)


def _condition(part: exp.Expr, relation: Relation, env: Environment) -> Condition | None:
    def mine(tree: exp.Expr) -> Field | None:
        found = _column_of(tree, env)
        return found[1] if found is not None and found[0] is relation else None

    negated = isinstance(part, exp.Not)
    inner = part.this.unnest() if negated else part
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
        found = mine(inner.this)
        return Condition(found.name, "is not null" if negated else "is null") if found is not None else None
    if negated:
        return None
    if isinstance(part, exp.In) and part.expressions:
        found = mine(part.this)
        values = tuple(map(_value, part.expressions))
        if found is not None and all(value is not None and _fits(found, "in", value) for value in values):
            return Condition(found.name, "in", values)
        return None
    operator = _OPERATORS.get(type(part))
    if operator is None:
        return None
    for left, right, sign in ((part.this, part.expression, operator), (part.expression, part.this, _FLIPPED[operator])):
        found, value = mine(left), _value(right)
        if found is not None and value is not None and _fits(found, sign, value):
            return Condition(found.name, sign, (value,))
    return None


def _fits(found: Field, operator: Operator, value: object) -> bool:
    if found.type.name in ("bigint", "decimal"):
        return isinstance(value, int)
    return found.type.name == "varchar" and isinstance(value, str) and operator in ("=", "in")


def _key_pair(part: exp.Expr, relation: Relation, env: Environment) -> tuple[str, str] | None:
    if not isinstance(part, exp.EQ):
        return None
    one, other = _column_of(part.this, env), _column_of(part.expression, env)
    if one is None or other is None:
        return None
    for mine, theirs in ((one, other), (other, one)):
        if mine[0] is relation and theirs[0].kind == "log" and mine[1].type == theirs[1].type:
            return mine[1].name, theirs[1].name
    return None
