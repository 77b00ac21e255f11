"""One statement in two phases: a partial statement per scan task, and a merge of their results after a shuffle.

What can be split: one SELECT over the Logstore, with inner or left joins to ExternalStores, whose aggregates all have a
mergeable form, or that has none. Everything else runs as one engine call over all files; the reason is kept for `explain`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from transforms.sql.functions.aggregates import aggregate_split, is_aggregate
from transforms.sql.scan import LOG

__all__ = ["PARTIAL", "Phases", "replaced_in", "split_phases"]

PARTIAL = "~partial"
"""The relation's name under which the merge sees the tasks' rows."""


@dataclass(frozen=True)
class Phases:
    """``task_sql`` runs once per scan task over ``"~log"``; ``merge_sql`` once over ``"~partial"``. Without ``merge_sql`` the
    task's statement is the whole one and a single task reads all files. ``reason`` says why."""

    task_sql: str
    merge_sql: str | None
    reason: str


def split_phases(tree: exp.Expr) -> Phases:
    """The phases of a translated statement (engine dialect, relations ``"~log"`` and ``"~ext:NAME"``)."""
    whole = tree.sql(dialect="duckdb")
    obstacle = _obstacle(tree)
    if obstacle is not None:
        return Phases(whole, None, obstacle)
    assert isinstance(tree, exp.Select)
    calls = _aggregates(tree)
    if not calls and not tree.args.get("group"):
        return _split_rows(tree)
    return _split_groups(tree, calls, whole)


def _obstacle(tree: exp.Expr) -> str | None:
    if not isinstance(tree, exp.Select):
        return "a set operation is one engine call"
    if tree.args.get("with_") or tree.args.get("with"):
        return "WITH is one engine call"
    if sum(1 for _ in tree.find_all(exp.Select)) > 1:
        return "a subquery is one engine call"
    if tree.find(exp.Window):
        return "a window function sees all rows: one engine call"
    if tree.args.get("qualify") or (isinstance(tree.args.get("distinct"), exp.Distinct) and tree.args["distinct"].args.get("on")):
        return "the statement is one engine call"
    source = tree.args.get("from_") or tree.args.get("from")
    if source is None or not isinstance(source.this, exp.Table) or source.this.name != LOG:
        return "the statement does not read the Logstore alone: one engine call"
    for join in tree.args.get("joins") or ():
        if not isinstance(join.this, exp.Table) or join.this.name == LOG:
            return "this join is one engine call"
        if join.side.upper() in ("RIGHT", "FULL"):
            return f"a {join.side.lower()} join keeps rows that no log matches: one engine call"
    if tree.args.get("laterals"):
        return "the statement is one engine call"
    group = tree.args.get("group")
    if group is not None and any(group.args.get(kind) for kind in ("rollup", "cube", "grouping_sets", "all")):
        return "grouping sets are one engine call"
    return None


def _aggregates(tree: exp.Select) -> list[exp.Expr]:
    """The aggregate calls, outermost only."""
    found: list[exp.Expr] = []

    def visit(node: exp.Expr) -> None:
        if is_aggregate(node):
            found.append(node)
            return
        for child in node.iter_expressions():
            visit(child)

    for part in (*tree.expressions, tree.args.get("having"), tree.args.get("order")):
        if part is not None:
            visit(part)
    return found


def _split_groups(tree: exp.Select, calls: list[exp.Expr], whole: str) -> Phases:
    keys = _group_keys(tree)
    replaced: list[tuple[exp.Expr, exp.Expr]] = [(key, _column(f"~g{i}")) for i, key in enumerate(keys)]
    partials: list[exp.Expr] = [exp.alias_(key.copy(), f"~g{i}", quoted=True) for i, key in enumerate(keys)]
    for call in calls:
        if any(known == call for known, _ in replaced):
            continue
        split = aggregate_split(call)
        if split is None:
            return Phases(whole, None, f"{_shown(call)} has no mergeable form: one engine call")
        names = tuple(f"~p{len(partials) + i}" for i in range(len(split.partials)))
        partials += [exp.alias_(partial.copy(), name, quoted=True) for partial, name in zip(split.partials, names, strict=True)]
        replaced.append((call, split.merge(names)))

    task = _with_projections(tree, partials)
    for clause in ("having", "order", "limit", "offset", "distinct"):
        task.set(clause, None)
    task.set("group", exp.Group(expressions=[exp.Literal.number(i + 1) for i in range(len(keys))]) if keys else None)

    merge = exp.Select()
    merge.set("expressions", [replaced_in(item, replaced) for item in tree.expressions])
    merge = merge.from_(exp.Table(this=exp.to_identifier(PARTIAL, quoted=True)))
    if keys:
        merge.set("group", exp.Group(expressions=[_column(f"~g{i}") for i in range(len(keys))]))
    for clause in ("having", "order", "limit", "offset", "distinct"):
        part = tree.args.get(clause)
        if part is not None:
            merge.set(clause, replaced_in(part, replaced))
    return Phases(task.sql(dialect="duckdb"), merge.sql(dialect="duckdb"), "each task aggregates its files; the partial results are merged")


def _group_keys(tree: exp.Select) -> list[exp.Expr]:
    group = tree.args.get("group")
    keys: list[exp.Expr] = []
    for item in group.expressions if group is not None else ():
        if isinstance(item, exp.Literal) and item.is_int:
            item = tree.expressions[int(item.this) - 1]
        keys.append(item.unalias())
    return keys


def _split_rows(tree: exp.Select) -> Phases:
    """No aggregate: each task keeps its best rows, the merge the best of all."""
    order, limit = tree.args.get("order"), tree.args.get("limit")
    names = [item.alias_or_name for item in tree.expressions]
    columns = [exp.alias_(item.unalias().copy(), f"~c{i}", quoted=True) for i, item in enumerate(tree.expressions)]
    by_alias = {name.casefold(): i for i, name in reversed(list(enumerate(names)))}
    hidden: list[exp.Expr] = []
    merged_order: list[exp.Expr] = []
    for term in order.expressions if order is not None else ():
        value = term.this
        if isinstance(value, exp.Literal) and value.is_int:
            position = int(value.this) - 1
        elif isinstance(value, exp.Column) and not value.table and value.name.casefold() in by_alias:
            position = by_alias[value.name.casefold()]
        else:
            position = len(columns) + len(hidden)
            hidden.append(exp.alias_(value.copy(), f"~c{position}", quoted=True))
        sorted_by = term.copy()
        sorted_by.set("this", _column(f"~c{position}"))
        merged_order.append(sorted_by)

    distinct = tree.args.get("distinct")
    if distinct is not None and hidden:
        return Phases(tree.sql(dialect="duckdb"), None, "DISTINCT ordered by something it does not select is one engine call")
    task = _with_projections(tree, columns + hidden)
    for clause in ("order", "limit", "offset"):
        task.set(clause, None)
    count = _first_rows(tree)
    if merged_order and count is not None:
        task.set("order", exp.Order(expressions=[term.copy() for term in merged_order]))
    if count is not None:
        task = task.limit(count)
    merge = exp.Select()
    merge.set("expressions", [exp.alias_(_column(f"~c{i}"), name, quoted=True) for i, name in enumerate(names)])
    merge = merge.from_(exp.Table(this=exp.to_identifier(PARTIAL, quoted=True)))
    if distinct is not None:
        merge.set("distinct", exp.Distinct())
    if merged_order:
        merge.set("order", exp.Order(expressions=merged_order))
    for clause, part in (("limit", limit), ("offset", tree.args.get("offset"))):
        if part is not None:
            merge.set(clause, part.copy())
    return Phases(task.sql(dialect="duckdb"), merge.sql(dialect="duckdb"), "each task selects from its files; the rows are merged")


def _first_rows(tree: exp.Select) -> int | None:
    """How many rows of each task can reach the result; None = all."""
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    if limit is None or not isinstance(limit.expression, exp.Literal):
        return None
    skipped = int(offset.expression.this) if offset is not None and isinstance(offset.expression, exp.Literal) else 0
    return int(limit.expression.this) + skipped


def _with_projections(tree: exp.Select, projections: list[exp.Expr]) -> exp.Select:
    task = tree.copy()
    task.set("expressions", projections)
    return task


def replaced_in(node: exp.Expr, replaced: list[tuple[exp.Expr, exp.Expr]]) -> exp.Expr:
    """A copy in which every subtree equal to a known one gives way to its counterpart."""

    def exchange(part: exp.Expr) -> exp.Expr:
        for known, counterpart in replaced:
            if part == known:
                return counterpart.copy()
        return part

    out: exp.Expr = node.copy().transform(exchange, copy=False)
    return out


def _column(name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True))


def _shown(call: exp.Expr) -> str:
    text = call.sql(dialect="duckdb")
    return text if len(text) <= 40 else text[:39] + "…"
