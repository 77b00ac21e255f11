"""INSERT INTO: the target, its columns, and whether the selected values fit them by position."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from transforms.core.suggest import nearest
from transforms.sql.scope import ABSENT
from transforms.sql.translate_context import Context, Span, name_of, span_of
from transforms.sql.translate_query import Output
from transforms.sql.types_model import Type, parse_type
from transforms.stores.external_store import Column
from transforms.stores.index import Index

__all__ = ["InsertTarget", "check_insert"]


@dataclass(frozen=True)
class InsertTarget:
    """Where the rows go. ``columns``: the target's, in the order of the selected values."""

    name: str
    columns: tuple[str, ...]
    is_logstore: bool


def check_insert(context: Context, node: exp.Insert, outputs: list[Output]) -> InsertTarget:
    """Find the target and hold the select against it. Raises SqlError."""
    for key in ("overwrite", "conflict", "returning", "where", "alternative", "partition", "ignore"):
        if node.args.get(key):
            raise context.error(node, f"INSERT {key.upper()} is not supported", "NotSupported", "write insert into STORE select …")
    schema = node.this if isinstance(node.this, exp.Schema) else None
    table = schema.this if schema is not None else node.this
    name = ".".join(name_of(part) for part in table.parts)
    listed = [(name_of(each), span_of(each)) for each in schema.expressions] if schema is not None else []
    scope = context.scope
    stores = {each.casefold(): each for each in scope.external_names}
    store = name if scope.external(name) is not None else stores.get(name.casefold())
    columns = scope.external(store) if store is not None else None
    if store is not None and columns is not None:
        if listed:
            raise context.error(listed[0][1], "insert into an ExternalStore takes no column list: values go by position", "SyntaxError",
                                f"write insert into {store} select …")  # fmt: skip
        return _into_external(context, store, columns, outputs, span_of(table))
    if name.casefold() in ("log", scope.logstore.casefold()):
        raise context.error(
            table, f"insert into {name} would read and write the same Logstore", "InsertIntoSource", "choose another Logstore"
        )
    index = scope.target_index(name)
    if index == ABSENT:
        near = nearest(name, scope.external_names)
        raise context.error(table, f"Table '{name}' does not exist: it is neither an ExternalStore nor a Logstore", "TableNotFound",
                            f"did you mean {near}?" if near else "list them with `logsluice external-store list`")  # fmt: skip
    assert not isinstance(index, str)
    return _into_logstore(context, name, index, listed, outputs, span_of(table))


def _into_external(context: Context, store: str, columns: tuple[Column, ...], outputs: list[Output], where: Span | None) -> InsertTarget:
    if len(outputs) != len(columns):
        names = ", ".join(column.name for column in columns)
        raise context.error(where, f"{store} has {len(columns)} columns ({names}), but {len(outputs)} values are selected", "ColumnCountMismatch",
                            "select one value for each column, in the table's order")  # fmt: skip
    for place, (column, output) in enumerate(zip(columns, outputs, strict=True)):
        wanted = parse_type(column.sql_type)
        if not _assignable(output.type, wanted):
            raise context.error(
                span_of(output.tree) or where, f"value {place + 1} is {output.type}, but column {column.name} of {store} is {column.sql_type}",
                "TypeMismatch", f"cast it: cast(… as {wanted})",
            )  # fmt: skip
    return InsertTarget(store, tuple(column.name for column in columns), False)


def _assignable(value: Type, wanted: Type) -> bool:
    if value.name in ("unknown", wanted.name):
        return True
    if value.numeric and wanted.numeric:
        return True
    return (value.name, wanted.name) in {("boolean", "bigint"), ("date", "timestamp"), ("json", "varchar"), ("varchar", "json")}


def _into_logstore(
    context: Context, name: str, index: Index | None, listed: list[tuple[str, Span | None]], outputs: list[Output], where: Span | None
) -> InsertTarget:
    if not listed:
        raise context.error(where, "insert into a Logstore needs the list of fields", "ColumnListMissing",
                            f"write insert into {name}({', '.join(output.name for output in outputs)}) select …")  # fmt: skip
    if len(listed) != len(outputs):
        raise context.error(where, f"the list has {len(listed)} and the select {len(outputs)}: they must be as many", "ColumnCountMismatch",
                            "select one value for each field")  # fmt: skip
    known: dict[str, Type] | None = None
    if index is not None:
        known = {field: parse_type(entry.sql_type) for field, entry in index.fields.items() if entry.analysable}
        known |= {"__time__": parse_type("bigint"), "__topic__": parse_type("varchar"), "__source__": parse_type("varchar")}
    folded = {field.casefold(): field for field in known or ()}
    columns: list[str] = []
    for (field, span), output in zip(listed, outputs, strict=True):
        if known is None:
            columns.append(field)
            continue
        found = field if field in known else folded.get(field.casefold())
        if found is None:
            near = nearest(field, known)
            raise context.error(span or where, f"'{field}' is no field of {name} that SQL may use", "ColumnNotResolved",
                                f"did you mean {near}?" if near else f"add it with `logsluice logstore update {name} --index FILE`")  # fmt: skip
        wanted = known[found]
        # A Logstore keeps text: anything may go into a text field, but no text into a number.
        if wanted.name != "varchar" and not _assignable(output.type, wanted):
            raise context.error(span or where, f"field {found} of {name} is {wanted}, the value for it is {output.type}", "TypeMismatch",
                                f"cast it: cast(… as {wanted})")  # fmt: skip
        columns.append(found)
    duplicate = next((field for place, field in enumerate(columns) if field in columns[:place]), None)
    if duplicate is not None:
        raise context.error(where, f"the field {duplicate} is listed twice", "ColumnAmbiguous")
    return InsertTarget(name, tuple(columns), True)
