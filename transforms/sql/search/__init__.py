"""The search part of a statement: parse it, and compile it into a DuckDB condition."""

from transforms.sql.search.compile import SearchPredicate, compile_search
from transforms.sql.search.describe import describe
from transforms.sql.search.names import SearchColumns
from transforms.sql.search.nodes import Search
from transforms.sql.search.parse import parse_search

__all__ = ["Search", "SearchColumns", "SearchPredicate", "compile_search", "describe", "parse_search"]
