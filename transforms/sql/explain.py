"""A plan as people read it, and as JSON. Both come from the object that runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from transforms.core.moments import format_moment
from transforms.sql.beam_sql import BeamSql
from transforms.sql.plan import ExternalRead, QueryPlan
from transforms.stores.external_store import Condition

__all__ = ["explain_json", "explain_text"]


def explain_text(plan: QueryPlan, zone: dt.tzinfo, executor: str) -> str:
    """Indented text, top down: source, filter, tables, engine, phases, result, reasons, warnings."""
    lines = [f"{plan.kind} over Logstore {plan.logstore!r} at version {plan.version}"]
    lines.append(f"  time      {_times(plan, zone)}")
    lines.append(f"  search    {plan.search}")
    lines.append(
        f"  files     {len(plan.files)} of {plan.files_total}, {plan.rows_to_read:,} of {plan.rows_total:,} logs, {plan.bytes_to_read / 1_048_576:,.1f} MB"
    )
    lines.append(f"  columns   {', '.join(column.name for column in plan.scan.columns) or 'none'}")
    if plan.scan.predicate:
        lines.append(f"  pushed    {plan.scan.predicate}")
    for read in plan.external:
        lines.append(f"  external  {_external_text(read)}")
    lines.append(f"  executor  {executor}")
    engine = "embedded (DuckDB)" if plan.beam is None else "beam-sql: Beam SQL between two steps of the embedded engine (DuckDB)"
    lines.append(f"  engine    {engine}, {', '.join(f'{k} = {v}' for k, v in plan.settings.items()) or 'default settings'}")
    if plan.beam is not None:
        lines += _beam_text(plan.beam)
    elif plan.phases.merge_sql is None:
        lines.append(f"  statement {plan.sql}")
    else:
        lines.append(
            f"  tasks     {len(plan.tasks)}: {', '.join(f'{len(task.files)} files' for task in plan.tasks[:8])}{' …' if len(plan.tasks) > 8 else ''}"
        )
        lines.append(f"  per task  {plan.phases.task_sql}")
        lines.append(f"  merge     {plan.phases.merge_sql}")
    lines.append(f"  result    {', '.join(f'{column.name} {column.sql_type}' for column in plan.output)}")
    if plan.insert is not None:
        kind = "ExternalStore" if plan.insert.external is not None else "Logstore"
        lines.append(f"  insert    into {kind} {plan.insert.name!r} ({', '.join(plan.insert.columns)}), one transaction")
    lines += [f"  because   {reason}" for reason in plan.reasons if plan.beam is None or reason != plan.phases.reason]
    lines += [f"  warning   {warning}" for warning in plan.warnings]
    return "\n".join(lines)


def explain_json(plan: QueryPlan, zone: dt.tzinfo, executor: str) -> dict[str, Any]:
    """The same as a JSON object; keys are stable."""
    return {
        "kind": plan.kind,
        "statement": plan.statement,
        "logstore": plan.logstore,
        "version": plan.version,
        "from": plan.times.start if plan.times.has_start else None,
        "to": plan.times.end if plan.times.has_end else None,
        "time": _times(plan, zone),
        "search": plan.search,
        "files": [file.path for file in plan.files],
        "files_total": plan.files_total,
        "rows_to_read": plan.rows_to_read,
        "rows_total": plan.rows_total,
        "bytes_to_read": plan.bytes_to_read,
        "columns": [column.name for column in plan.scan.columns],
        "pushed_filter": plan.scan.predicate or None,
        "external": [
            {
                "name": read.descriptor.name,
                "kind": read.descriptor.kind,
                "columns": list(read.columns),
                "conditions": [_condition(condition) for condition in read.conditions],
                "join_key": None if read.keys is None else read.keys.column,
                "estimated_rows": read.estimated_rows,
            }
            for read in plan.external
        ],
        "executor": executor,
        "settings": dict(plan.settings),
        "sql": plan.sql,
        "tasks": [[file.path for file in task.files] for task in plan.tasks],
        "task_sql": plan.phases.task_sql,
        "merge_sql": plan.phases.merge_sql,
        "beam_sql": None if plan.beam is None else plan.beam.sql,
        "output": [{"name": column.name, "type": column.sql_type} for column in plan.output],
        "insert_into": None if plan.insert is None else plan.insert.name,
        "reasons": list(plan.reasons),
        "warnings": list(plan.warnings),
    }


def _beam_text(beam: BeamSql) -> list[str]:
    lines = [f"  input     {each.name}: {each.select()}" for each in beam.inputs]
    return [*lines, f"  Beam SQL  {beam.sql}", f"  finish    {beam.finish}"]


def _times(plan: QueryPlan, zone: dt.tzinfo) -> str:
    start = format_moment(plan.times.start, zone) if plan.times.has_start else "the beginning"
    end = format_moment(plan.times.end, zone) if plan.times.has_end else "the end"
    return f"[{start}, {end})"


def _external_text(read: ExternalRead) -> str:
    text = f"{read.descriptor.name} ({read.descriptor.kind}): {', '.join(read.columns) or 'no columns'}"
    if read.conditions:
        text += f" where {' and '.join(_condition(condition) for condition in read.conditions)}"
    if read.keys is not None:
        text += f", by join key {read.keys.column}"
    return text


def _condition(condition: Condition) -> str:
    if not condition.values:
        return f"{condition.column} {condition.operator}"
    if condition.operator == "in":
        shown = ", ".join(repr(value) for value in condition.values[:10])
        return f"{condition.column} in ({shown}{', …' if len(condition.values) > 10 else ''})"
    return f"{condition.column} {condition.operator} {condition.values[0]!r}"
